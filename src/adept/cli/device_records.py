"""A stored device as commands give it out: Apple's keys at top level beside ours. Pure.

Apple's values stay byte for byte as Apple sent them; where Apple should have a key of our name, ours counts.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from adept.protocol.device import DEVICE_KEYS

if TYPE_CHECKING:
    from adept.store.inventory import StoredDevice

OURS_LAST = ("first_seen_at", "deleted_at", "deleted_reason")
CSV_COLUMNS = ("account", *(key for key in DEVICE_KEYS if key != "response_status"), *OURS_LAST)

_members = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode


def record(device: StoredDevice) -> dict[str, object]:
    """The device as one JSON object."""
    apples = _members(device.document)
    apples.pop("response_status", None)  # belongs to an answer, not to a device
    return {
        "account": device.account_name,
        "serial_number": device.serial_number,
        **{key: value for key, value in apples.items() if key not in ("account", "serial_number", *OURS_LAST)},
        **{key: getattr(device, key) for key in OURS_LAST},
    }


def cells(device: StoredDevice) -> list[object]:
    """The device as the values of a CSV line, in the order of CSV_COLUMNS; keys unknown to us are left out."""
    values = {key: plain(found) for key, found in record(device).items()}
    return [values.get(column) for column in CSV_COLUMNS]


def plain(found: object) -> object:
    """A value of a record as Python has it."""
    return msgspec.json.decode(found) if isinstance(found, msgspec.Raw) else found
