"""Devices as lines of CSV.

Where Apple's JSON has texts in the places of texts, and none of them begins as a formula does or needs quotes, its
values are cells as they are; looked at for a whole batch at once. Anything else goes the way of `device_document` and
`csv_cells`.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from operator import itemgetter
from typing import Any

import msgspec

from adept.protocol.device import DEVICE_KEYS
from adept.records.csv_cells import csv_line
from adept.records.devices import OURS_LAST, device_document, plain
from adept.store.device_streams import ExportedDevice, ExportedRow

_LISTS = ("imei", "meid")
_APPLES = tuple(key for key in DEVICE_KEYS if key != "response_status")
CSV_COLUMNS = ("account", *_APPLES, *OURS_LAST)

_FIELDS = [(key, tuple[str, ...], ()) if key in _LISTS else (key, str, "") for key in _APPLES]
_decode = msgspec.json.Decoder(list[msgspec.defstruct("_Texts", _FIELDS, gc=False)]).decode  # type: ignore[misc]
_BEFORE_LISTS = _APPLES.index(_LISTS[0])
_BEHIND_LISTS = _BEFORE_LISTS + len(_LISTS)
_DOCUMENT = itemgetter(ExportedDevice._fields.index("document"))
_FORMULA = re.compile(",[=+\\-@\t]")


def csv_lines(batch: Sequence[ExportedRow]) -> bytes:
    """A line a device, in the order of CSV_COLUMNS (RFC 4180, UTF-8); keys unknown to us are left out."""
    return _plain_lines(batch) or b"".join(_plain_lines([row]) or _careful_line(row) for row in batch)


def _plain_lines(batch: Sequence[ExportedRow]) -> bytes | None:
    """The lines, where each value is a cell as it is; else None."""
    try:
        found = _decode(f"[{','.join(map(_DOCUMENT, batch))}]")
    except msgspec.MsgspecError:  # a number, a flag or null in the place of a text
        return None
    lines = "\n".join(map(_joined, batch, map(msgspec.structs.astuple, found)))
    if lines.count(",") != len(CSV_COLUMNS) * len(batch) or lines.count("\n") != len(batch) - 1:
        return None
    if '"' in lines or "\r" in lines or _FORMULA.search(lines):
        return None
    return lines[1:].replace("\n,", "\r\n").encode("utf-8", "replace") + b"\r\n"


def _joined(row: ExportedRow, values: Sequence[Any]) -> str:
    """The line with a comma before each cell, so that none of them looks different from the others."""
    account, serial, _document, first_seen_at, deleted_at, reason, changed_at = row
    before, behind = ",".join(values[1:_BEFORE_LISTS]), ",".join(values[_BEHIND_LISTS:])
    imei, meid = values[_BEFORE_LISTS:_BEHIND_LISTS]
    apples = f"{before},{';'.join(imei)},{';'.join(meid)},{behind}"
    return f",{account},{serial},{apples},{first_seen_at},{deleted_at or ''},{reason or ''},{changed_at}"


def _careful_line(row: ExportedRow) -> bytes:
    document = device_document(ExportedDevice(*row))
    return csv_line([plain(document.get(column)) for column in CSV_COLUMNS])
