"""Tables for people: columns that line up, on a terminal and through a pipe, whatever the number of rows.

Widths are taken from the first rows and only grow, so that a million rows need no memory and nothing is cut off.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from unicodedata import combining, east_asian_width

from adept.cli.output import readable

_BATCH = 200  # rows whose widths are looked at together


def print_table(columns: Sequence[str], rows: Iterable[Sequence[object]], *, empty: str) -> int:
    """Print a header and the rows; `empty` is the sentence to print where there are none. Returns how many rows."""
    printed = 0
    for line in lines(columns, rows, bold=sys.stdout.isatty()):
        print(line)
        printed += 1
    if not printed:
        print(empty)
    return max(printed - 1, 0)


def lines(columns: Sequence[str], rows: Iterable[Sequence[object]], *, bold: bool = False) -> Iterator[str]:
    """The lines of a table, header first; none where there are no rows."""
    remaining = iter(rows)
    widths = [_width(column) for column in columns]
    started = False
    while batch := [[readable(cell) for cell in row] for row in islice(remaining, _BATCH)]:
        widths = [max(width, *map(_width, cells)) for width, cells in zip(widths, zip(*batch, strict=True), strict=True)]
        if not started:
            header = _line(columns, widths)
            yield f"\x1b[1m{header}\x1b[0m" if bold else header
            started = True
        for row in batch:
            yield _line(row, widths)


def _line(cells: Sequence[str], widths: Sequence[int]) -> str:
    padded = (cell + " " * (width - _width(cell)) for cell, width in zip(cells, widths, strict=True))
    return "  ".join(padded).rstrip()


def _width(text: str) -> int:
    """How many columns of a terminal the text takes: wide characters take two, combining ones none."""
    if text.isascii():
        return len(text)
    return sum(0 if combining(c) else 2 if east_asian_width(c) in "WF" else 1 for c in text)
