"""Devices as lines of CSV.

Where Apple's JSON has texts in the places of texts, and none of them can begin as a formula does, its values are cells
as they are. Anything else goes the way of `device_document` and `csv_cells`.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable
from datetime import datetime
from functools import lru_cache
from typing import Any

import msgspec

from adept.protocol.device import DEVICE_KEYS
from adept.records.csv_cells import cell
from adept.records.devices import OURS_LAST, device_document, plain
from adept.store.inventory import ListedDevice

_APPLES = tuple(key for key in DEVICE_KEYS if key != "response_status")
CSV_COLUMNS = ("account", *_APPLES, *OURS_LAST)

_LISTS = ("imei", "meid")
_FLAGS = ("is_replacement_device", "released_by_replacement")
_TYPES: dict[str, Any] = dict.fromkeys(_LISTS, list[str] | None) | dict.fromkeys(_FLAGS, bool | None)
_Plain = msgspec.defstruct("_Plain", [(key, _TYPES.get(key, str | None), None) for key in _APPLES], gc=False)
_decode = msgspec.json.Decoder(_Plain).decode
_OTHERS = tuple(_APPLES.index(key) for key in (*_LISTS, *_FLAGS))  # places of what is no text
_RISKY = ('"=', '"+', '"-', '"@', '"\\')  # where a text may begin as a formula does


def csv_lines(batch: Iterable[ListedDevice]) -> bytes:
    """A line a device, in the order of CSV_COLUMNS (RFC 4180, UTF-8); keys unknown to us are left out."""
    lines = io.StringIO(newline="")
    csv.writer(lines).writerows(map(_cells, batch))
    return lines.getvalue().encode("utf-8", "replace")


def _cells(row: ListedDevice) -> Iterable[object]:
    document = row.document
    for risk in _RISKY:
        if risk in document:
            return _careful_cells(row)
    try:
        values = msgspec.structs.astuple(_decode(document))
    except msgspec.MsgspecError:
        return _careful_cells(row)
    ours = _ours(row.first_seen_at, row.deleted_at, row.deleted_reason, row.changed_at)
    if any(values[place] is not None for place in _OTHERS):
        known = list(values)
        for place in _OTHERS:
            known[place] = cell(values[place])
        values = tuple(known)
    return (row.account_name, row.serial_number, *values[1:], *ours)


def _careful_cells(row: ListedDevice) -> list[str]:
    document = device_document(row)
    return [cell(plain(document.get(column))) for column in CSV_COLUMNS]


@lru_cache(maxsize=4096)
def _ours(
    first_seen_at: datetime, deleted_at: datetime | None, reason: str | None, changed_at: datetime
) -> tuple[str, ...]:
    """Our cells: pages of devices have their times in common."""
    return tuple(map(cell, (first_seen_at, deleted_at, reason, changed_at)))
