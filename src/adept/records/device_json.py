"""Devices as JSON, a line each or as a list: what `device_document` says, without taking Apple's JSON apart.

Where Apple's object begins with the serial number and has no key of ours, which is always, ours are put around what
stands between its braces. Anything else goes the way of `device_document`.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from operator import itemgetter

import msgspec

from adept.records.devices import OURS_LAST, device_document
from adept.store.device_streams import ExportedDevice, ExportedRow
from adept.store.inventory import ListedDevice

_NOT_APPLES = tuple(f'"{key}"' for key in ("account", "response_status", *OURS_LAST))
_DOCUMENT = itemgetter(ExportedDevice._fields.index("document"))
_encode = msgspec.json.Encoder().encode


def json_lines(batch: Sequence[ExportedRow]) -> bytes:
    """An object a line."""
    return b"".join([b"%b\n" % device for device in _objects(batch)])


def json_list(rows: Sequence[ListedDevice]) -> msgspec.Raw:
    """The devices of a page as one JSON list, for msgspec to write as it is."""
    batch: list[ExportedRow] = [
        (
            row.account_name,
            row.serial_number,
            row.document,
            _told(row.first_seen_at),
            _told(row.deleted_at) if row.deleted_at else None,
            row.deleted_reason,
            _told(row.changed_at),
        )
        for row in rows
    ]
    return msgspec.Raw(b"[%b]" % b",".join(_objects(batch)))


def _told(time: datetime) -> str:
    return time.isoformat().replace("+00:00", "Z")


def _objects(batch: Sequence[ExportedRow]) -> list[bytes]:
    spliced = _spliced(batch)
    if spliced is not None:
        return spliced
    return [device for row in batch for device in _spliced([row]) or [_careful(row)]]


def _spliced(batch: Sequence[ExportedRow]) -> list[bytes] | None:
    """Ours around Apple's; None where that would say something twice."""
    apples = "".join(map(_DOCUMENT, batch))
    if apples.count('"serial_number"') != len(batch) or "\n" in apples or any(key in apples for key in _NOT_APPLES):
        return None
    objects: list[bytes] = []
    for account, serial, document, first_seen_at, deleted_at, reason, changed_at in batch:
        if not document.startswith(f'{{"serial_number":"{serial}"') or document[-1] != "}":
            return None
        gone = f'"{deleted_at}","deleted_reason":"{reason}"' if deleted_at else 'null,"deleted_reason":null'
        ours = f'"first_seen_at":"{first_seen_at}","deleted_at":{gone},"changed_at":"{changed_at}"'
        objects.append(f'{{"account":"{account}",{document[1:-1]},{ours}}}'.encode())
    return objects


def _careful(row: ExportedRow) -> bytes:
    return _encode(device_document(ExportedDevice(*row)))
