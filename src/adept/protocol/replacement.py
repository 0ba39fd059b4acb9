"""Replacements: which device a replacement stands for, as GET /device/replacementDetails says.

Protocol version 10. Ask only where a device says `is_replacement_device`.
Source: Apple, "Get Replacement Details" (read 2026-11).
"""

from __future__ import annotations

from datetime import date

import msgspec

from adept.protocol.answers import read_struct
from adept.protocol.device import fold_serial


class ReplacementDetails(msgspec.Struct, frozen=True):
    """A replacement and what it replaced."""

    serial_number: str
    original_device_serial_number: str
    replacement_date: date | None = None  # in UTC


def decode_replacement_details(body: bytes, *, endpoint: str) -> ReplacementDetails:
    """Read the answer; raises Malformed."""
    details = read_struct(body, ReplacementDetails, endpoint=endpoint, what="the details of a replacement")
    return msgspec.structs.replace(
        details,
        serial_number=fold_serial(details.serial_number),
        original_device_serial_number=fold_serial(details.original_device_serial_number),
    )
