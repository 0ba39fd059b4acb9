"""Cells of a CSV file that no spreadsheet takes for a formula.

Excel, LibreOffice and Google Sheets run a cell that begins with `=`, `+`, `-`, `@`, a tab or a carriage return. Such a
cell gets an apostrophe in front, whoever wrote the text: an asset tag comes from a person, a description from Apple.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from datetime import datetime

_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")


def cell(value: object) -> str:
    """A value as the text of one cell; several values are joined by `;`, times are RFC 3339 in UTC."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, datetime):
        return value.isoformat().replace("+00:00", "Z")
    if isinstance(value, (list, tuple)):
        return defuse(";".join(map(str, value)))
    return defuse(str(value))


def defuse(text: str) -> str:
    """The text with an apostrophe before it where a spreadsheet would run it."""
    return f"'{text}" if text.startswith(_FORMULA_STARTS) else text


def csv_line(values: Iterable[object]) -> bytes:
    """One line of CSV (RFC 4180) in UTF-8."""
    return _quoted([cell(value) for value in values])


def _quoted(cells: Sequence[str]) -> bytes:
    line = io.StringIO(newline="")
    csv.writer(line).writerow(cells)
    return line.getvalue().encode("utf-8", "replace")
