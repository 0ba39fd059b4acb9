"""Replacements: which device a replacement stands for, as GET /device/replacementDetails says.

Protocol version 10. Ask only where a device says `is_replacement_device`.
Source: Apple, "Get Replacement Details" (read 2026-11).
"""

from __future__ import annotations

from datetime import date

import msgspec

from adept.protocol.answers import read_any, read_object, read_struct
from adept.protocol.device import fold_serial


class ReplacementDetails(msgspec.Struct, frozen=True):
    """A replacement and what it replaced."""

    serial_number: str
    original_device_serial_number: str
    replacement_date: date | None = None  # in UTC


def decode_replacement_details(body: bytes, *, endpoint: str) -> ReplacementDetails:
    """Read the answer; a date that can't be read is None; raises Malformed."""
    what = "the details of a replacement"
    keys = read_object(body, endpoint=endpoint, what=what)
    replaced = _read_date(keys["replacement_date"]) if "replacement_date" in keys else None
    details = read_struct(body, ReplacementDetails, endpoint=endpoint, what=what, replacement_date=replaced)
    return msgspec.structs.replace(
        details,
        serial_number=fold_serial(details.serial_number),
        original_device_serial_number=fold_serial(details.original_device_serial_number),
    )


def _read_date(raw: msgspec.Raw) -> date | None:
    """Assumed: a whole time may stand where Apple documents a date; its date counts."""
    found = read_any(bytes(raw))
    try:
        return date.fromisoformat(found.strip()[:10]) if isinstance(found, str) else None
    except ValueError:
        return None
