"""Devices as lines of JSON, what a document of `records.devices` says, without taking Apple's JSON apart.

Where Apple's object begins with the serial number and has no key of ours, which is always, ours are put around what
stands between its braces. Anything else goes the way of `device_document`.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from functools import lru_cache

import msgspec

from adept.records.devices import OURS_LAST, device_document
from adept.store.inventory import ListedDevice

_NOT_APPLES = tuple(f'"{key}"' for key in ("account", "response_status", *OURS_LAST))
_encode = msgspec.json.Encoder().encode


def json_lines(batch: Iterable[ListedDevice]) -> bytes:
    """An object a line."""
    return "".join(map(_line, batch)).encode()


def _line(row: ListedDevice) -> str:
    document = row.document
    if document.startswith('{"serial_number":"') and document[-1] == "}" and _is_at(document, row.serial_number):
        for key in _NOT_APPLES:
            if key in document:
                break
        else:
            tail = _tail(row.first_seen_at, row.deleted_at, row.deleted_reason, row.changed_at)
            return f'{{"account":"{row.account_name}",{document[1:-1]}{tail}'
    return _encode(device_document(row)).decode() + "\n"


def _is_at(document: str, serial: str) -> bool:
    """Whether the serial number stands first as it is stored: Apple may write it in lower case, or twice."""
    return (
        document.startswith(serial, 18)
        and document[18 + len(serial)] == '"'
        and document.find('"serial_number"', 18) < 0
    )


@lru_cache(maxsize=4096)
def _tail(first_seen_at: datetime, deleted_at: datetime | None, reason: str | None, changed_at: datetime) -> str:
    """Our keys behind Apple's: pages of devices have their times in common."""
    ours = dict(zip(OURS_LAST, (first_seen_at, deleted_at, reason, changed_at), strict=True))
    return "," + _encode(ours).decode()[1:] + "\n"
