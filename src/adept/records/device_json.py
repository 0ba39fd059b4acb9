"""Devices as lines of JSON, what `device_document` says, without taking Apple's JSON apart.

Where Apple's object begins with the serial number and has no key of ours, which is always, ours are put around what
stands between its braces. Anything else goes the way of `device_document`.
"""

from __future__ import annotations

from collections.abc import Sequence
from operator import itemgetter

import msgspec

from adept.records.devices import OURS_LAST, device_document
from adept.store.device_streams import ExportedDevice, ExportedRow

_NOT_APPLES = tuple(f'"{key}"' for key in ("account", "response_status", *OURS_LAST))
_DOCUMENT = itemgetter(ExportedDevice._fields.index("document"))
_encode = msgspec.json.Encoder().encode


def json_lines(batch: Sequence[ExportedRow]) -> bytes:
    """An object a line."""
    return _spliced_lines(batch) or b"".join(_spliced_lines([row]) or _careful_line(row) for row in batch)


def _spliced_lines(batch: Sequence[ExportedRow]) -> bytes | None:
    """Ours around Apple's; None where that would say something twice."""
    apples = "".join(map(_DOCUMENT, batch))
    if apples.count('"serial_number"') != len(batch) or any(key in apples for key in _NOT_APPLES):
        return None
    lines: list[str] = []
    for account, serial, document, first_seen_at, deleted_at, reason, changed_at in batch:
        if not document.startswith(f'{{"serial_number":"{serial}"') or document[-1] != "}":
            return None
        gone = f'"{deleted_at}","deleted_reason":"{reason}"' if deleted_at else 'null,"deleted_reason":null'
        ours = f'"first_seen_at":"{first_seen_at}","deleted_at":{gone},"changed_at":"{changed_at}"'
        lines.append(f'{{"account":"{account}",{document[1:-1]},{ours}}}\n')
    return "".join(lines).encode()


def _careful_line(row: ExportedRow) -> bytes:
    return _encode(device_document(ExportedDevice(*row))) + b"\n"
