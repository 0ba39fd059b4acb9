"""A device as Apple's service describes it, to protocol version 10.

Tolerant and lossless: empty strings stand for absent, unknown keys and unknown enum values survive (the document as
Apple sent it stays with the device), and only a key of an impossible type makes a device malformed.
Source: Apple, "Device" (read 2026-11).
"""

from __future__ import annotations

from datetime import UTC, datetime
from enum import StrEnum
from typing import Annotated, Any

import msgspec

Timestamp = Annotated[datetime, msgspec.Meta(tz=True)]


class ProfileStatus(StrEnum):
    """What Apple knows of the device's enrollment profile. Apple may add to it: fields hold plain strings."""

    EMPTY = "empty"  # none assigned; no other profile field is present
    ASSIGNED = "assigned"  # the mapping is stored at Apple
    PUSHED = "pushed"  # the device has fetched it
    REMOVED = "removed"  # taken away by API, or by Apple when the device was moved; a stale profile_uuid may linger


class OpType(StrEnum):
    """What a sync entry says happened. Absent in fetch entries. Apple may add to it."""

    ADDED = "added"
    MODIFIED = "modified"
    DELETED = "deleted"


class DeviceFamily(StrEnum):
    """Families seen so far; Apple adds to them: fields hold plain strings."""

    IPAD = "iPad"
    IPHONE = "iPhone"
    IPOD = "iPod"
    MAC = "Mac"
    APPLE_TV = "AppleTV"
    VISION = "Vision"


class Os(StrEnum):
    """Operating systems by the names of this service; iPads say iOS below protocol version 7."""

    IOS = "iOS"
    IPADOS = "iPadOS"
    MACOS = "OSX"
    TVOS = "tvOS"
    VISIONOS = "visionOS"


class Device(msgspec.Struct, frozen=True, kw_only=True):
    """One serial number as one answer of Apple described it. Absent, null and empty are all None.

    `document` is the JSON object exactly as Apple sent it: everything Apple may add is there, see `extra`.
    """

    serial_number: str
    model: str | None = None
    description: str | None = None  # may exceed 256 characters
    color: str | None = None
    asset_tag: str | None = None
    profile_status: str | None = None  # ProfileStatus, or what Apple adds
    profile_uuid: str | None = None  # 32 hex; upper case in production, lower in samples: compare without case
    profile_assign_time: Timestamp | None = None
    profile_push_time: Timestamp | None = None
    device_assigned_date: Timestamp | None = None  # to this MDM server
    device_assigned_by: str | None = None  # an e-mail address; Observed: "-1"
    os: str | None = None  # Os; from version 2
    device_family: str | None = None  # DeviceFamily; from version 2
    mdm_migration_deadline: Timestamp | None = None  # from version 8
    imei: tuple[str, ...] | None = None  # from version 10, as all below but op_* and response_status
    meid: tuple[str, ...] | None = None
    eid: str | None = None
    wifi_mac_address: str | None = None
    bluetooth_mac_address: str | None = None
    ethernet_mac_address: str | None = None
    is_replacement_device: bool | None = None
    released_by_replacement: bool | None = None  # sync only, with op_type deleted
    op_type: str | None = None  # sync only
    op_date: Timestamp | None = None  # sync only
    response_status: str | None = None  # details only
    document: bytes = msgspec.field(default=b"", name="(document)")

    @property
    def extra(self) -> dict[str, Any]:
        """The keys of Apple's document that this version of adept has no field for."""
        known = set(_FIELD_NAMES)
        decoded: dict[str, Any] = msgspec.json.decode(self.document) if self.document else {}
        return {key: value for key, value in decoded.items() if key not in known}


class MalformedDevice(msgspec.Struct, frozen=True):
    """An entry of a page that can't be read as a device. It costs itself, not the page."""

    serial_number: str | None  # where at least that could be read
    reason: str  # which field, and what stood there
    document: bytes  # as Apple sent it


_FIELD_NAMES = tuple(field for field in Device.__struct_fields__ if field != "document")
_decode_strict = msgspec.json.Decoder(Device).decode
_TIMES = ("profile_assign_time", "profile_push_time", "device_assigned_date", "mdm_migration_deadline", "op_date")


def fold_serial(text: str) -> str:
    """The one spelling of a serial number: without surrounding blanks, in upper case, as Apple prints it."""
    return text.strip().upper()


def decode_device(document: bytes, *, serial_number: str | None = None) -> Device | MalformedDevice:
    """Read one device object; `serial_number` is used where the object has none (the map key of POST /devices).

    Never raises: what can't be read comes back as `MalformedDevice`.
    """
    if b'""' in document:  # an empty string where Apple means absent
        return _decode_leniently(document, serial_number)
    try:
        device = _decode_strict(document)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return _decode_leniently(document, serial_number)
    folded = fold_serial(device.serial_number)
    if folded != device.serial_number:
        return _decode_leniently(document, serial_number)
    msgspec.structs.force_setattr(device, "document", document)
    return device


def _decode_leniently(document: bytes, serial_number: str | None) -> Device | MalformedDevice:
    """The slow way: drop empty strings and nulls, mend naive times, then read again and say what is wrong."""
    serial = serial_number
    try:
        values = msgspec.json.decode(document)
        if not isinstance(values, dict):
            return MalformedDevice(serial, f"expected an object, found {type(values).__name__}", document)
        present = {key: value for key, value in values.items() if value is not None and value != ""}
        found = present.get("serial_number")
        if isinstance(found, str) and found.strip():
            serial = fold_serial(found)
        if serial is not None and (found is None or isinstance(found, str)):
            present["serial_number"] = serial
        for key in _TIMES:
            if isinstance(present.get(key), str):
                present[key] = read_time(present[key])
        device = msgspec.convert({key: present[key] for key in _FIELD_NAMES if key in present}, Device)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError, ValueError) as error:
        return MalformedDevice(serial, str(error), document)
    msgspec.structs.force_setattr(device, "document", document)
    return device


def read_time(text: str) -> datetime:
    """Read a time; one without a zone is UTC. Assumed: Apple's documented times all end in Z."""
    time = datetime.fromisoformat(text.strip())
    return time.replace(tzinfo=UTC) if time.tzinfo is None else time
