"""Devices as they are shown: Apple's keys at top level beside ours, whoever asks.

Apple's values stay byte for byte as Apple sent them; where Apple should have a key of our name, ours counts. No
pydantic: lists of a thousand devices are written by msgspec as they are.
"""

from __future__ import annotations

import msgspec

from adept.store.device_streams import ExportedDevice
from adept.store.inventory import ListedDevice, StoredDevice

OURS_LAST = ("first_seen_at", "deleted_at", "deleted_reason", "changed_at")
_OURS = frozenset(("account", "serial_number", *OURS_LAST))

DeviceDocument = dict[str, object]

_members = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode


def device_document(row: StoredDevice | ListedDevice | ExportedDevice) -> DeviceDocument:
    """The device as one JSON object for msgspec to write; `plain` turns a value of Apple's into Python's."""
    apples = _members(row.document)
    apples.pop("response_status", None)  # belongs to an answer, not to a device
    return {
        "account": row.account_name,
        "serial_number": row.serial_number,
        **{key: value for key, value in apples.items() if key not in _OURS},
        **{key: getattr(row, key) for key in OURS_LAST},
    }


def plain(found: object) -> object:
    """A value of a document as Python has it."""
    return msgspec.json.decode(found) if isinstance(found, msgspec.Raw) else found
