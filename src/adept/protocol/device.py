"""A device as Apple's service describes it, to protocol version 10.

Tolerant and lossless: empty strings stand for absent, unknown keys and unknown enum values survive (the document as
Apple sent it stays with the device), and only a key of an impossible type makes a device malformed. Devices as Apple
documents them are read by one pass in C; only what deviates takes the slow ways below.
Source: Apple, "Device" (read 2026-11).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from enum import StrEnum
from typing import Annotated, Any

import msgspec
from msgspec.structs import force_setattr

from adept.protocol.answers import (
    TOO_DEEP,
    UNREADABLE,
    has_escaped_nul,
    is_too_deep,
    is_utf8,
    mend_text,
    read_any,
    read_key,
    split_object,
)

SERIAL_MAX_LENGTH = 64  # characters. Assumed: Apple's have 10 to 14; a longer one is no serial number
REASON_MAX_LENGTH = 300  # characters of what is said about a malformed device

SerialNumber = Annotated[str, msgspec.Meta(min_length=1, max_length=SERIAL_MAX_LENGTH)]
Text = Annotated[str, msgspec.Meta(min_length=1)]  # an empty one is absent, which the slow way sees to
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


class Device(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One serial number as one answer of Apple described it. Absent, null and empty are all None. Times are UTC.

    `document` is the JSON object exactly as Apple sent it, but for bytes that are no text (they are U+FFFD): everything
    Apple may add is there, see `extra`.
    """

    serial_number: SerialNumber
    model: Text | None = None
    description: Text | None = None  # may exceed 256 characters
    color: Text | None = None
    asset_tag: Text | None = None
    profile_status: Text | None = None  # ProfileStatus, or what Apple adds
    profile_uuid: Text | None = None  # 32 hex; upper case in production, lower in samples: compare without case
    profile_assign_time: Timestamp | None = None
    profile_push_time: Timestamp | None = None
    device_assigned_date: Timestamp | None = None  # to this MDM server
    device_assigned_by: Text | None = None  # an e-mail address; Observed: "-1" (fleetdm/fleet issue 44980)
    os: Text | None = None  # Os; from version 2
    device_family: Text | None = None  # DeviceFamily; from version 2
    mdm_migration_deadline: Timestamp | None = None  # from version 8; the next enrollment is a migration
    imei: tuple[Text, ...] | None = None  # from version 10, as all below but op_* and response_status
    meid: tuple[Text, ...] | None = None
    eid: Text | None = None
    wifi_mac_address: Text | None = None
    bluetooth_mac_address: Text | None = None
    ethernet_mac_address: Text | None = None
    is_replacement_device: bool | None = None  # GET /device/replacementDetails says of which
    released_by_replacement: bool | None = None  # sync only, with op_type deleted
    op_type: Text | None = None  # OpType; sync only
    op_date: Timestamp | None = None  # sync only
    response_status: Text | None = None  # details only
    document: bytes = msgspec.field(default=b"", name="(document)")

    @property
    def extra(self) -> dict[str, Any]:
        """The keys of Apple's document that this version of adept has no field for."""
        keys = split_object(self.document) if self.document else {}
        return {key: read_any(bytes(raw)) for key, raw in keys.items() if key not in DEVICE_KEYS}


class MalformedDevice(msgspec.Struct, frozen=True, gc=False):
    """An entry of a page that can't be read as a device. It costs itself, not the page."""

    serial_number: str | None  # where at least that could be read
    reason: str  # which field, and what stood there
    document: bytes  # as Apple sent it


DEVICE_KEYS = tuple(field for field in Device.__struct_fields__ if field != "document")
_TIMES = ("profile_assign_time", "profile_push_time", "device_assigned_date", "mdm_migration_deadline", "op_date")
_LISTS = ("imei", "meid")
_FLAGS: Mapping[str, bool] = {"true": True, "false": False}
_FLAG_KEYS = ("is_replacement_device", "released_by_replacement")
_decode_strict = msgspec.json.Decoder(Device).decode


def fold_serial(text: str) -> str:
    """The one spelling of a serial number: without surrounding blanks, in upper case, as Apple prints it."""
    return text.strip().upper()


def decode_device(document: bytes, *, serial_number: str | None = None) -> Device | MalformedDevice:
    """Read one device object; `serial_number` is used where the object has none (the map key of POST /devices).

    Never raises: what can't be read comes back as `MalformedDevice`.
    """
    if not document.lstrip().startswith(b"{"):
        return MalformedDevice(None, "it is not an object", mend_text(document))
    try:
        device = _decode_strict(document)
    except UNREADABLE:
        return _decode_empties(document, serial_number)
    if not is_clean(document, device):
        return _decode_leniently(document, serial_number)
    force_setattr(device, "document", document)
    return device


def is_clean(document: bytes, device: Device) -> bool:
    """Whether a device read strictly may stand as it is; keys we don't know were not looked at by then."""
    serial = device.serial_number
    has_sound_serial = fold_serial(serial) == serial and serial.isprintable()
    has_sound_text = not has_escaped_nul(document) and is_utf8(document)
    return has_sound_serial and has_sound_text and are_in_utc((device,)) and not is_too_deep(document)


def are_in_utc(devices: Iterable[Device]) -> bool:
    """Whether all times came in UTC, as Apple writes them: others may be out of range there. Written out for speed."""
    utc = UTC
    for device in devices:
        if not (
            ((time := device.op_date) is None or time.tzinfo is utc)
            and ((time := device.device_assigned_date) is None or time.tzinfo is utc)
            and ((time := device.profile_assign_time) is None or time.tzinfo is utc)
            and ((time := device.profile_push_time) is None or time.tzinfo is utc)
            and ((time := device.mdm_migration_deadline) is None or time.tzinfo is utc)
        ):
            return False
    return True


def _decode_empties(document: bytes, serial_number: str | None) -> Device | MalformedDevice:
    """The second way, for devices that are as documented but for empty strings.

    Where there is no backslash, two quotes side by side are an empty string and nothing else.
    """
    if b'""' in document and b"\\" not in document:
        try:
            device = _decode_strict(document.replace(b'""', b"null"))
        except UNREADABLE:
            return _decode_leniently(document, serial_number)
        if is_clean(document, device):
            force_setattr(device, "document", document)
            return device
    return _decode_leniently(document, serial_number)


def _decode_leniently(document: bytes, serial_number: str | None) -> Device | MalformedDevice:
    """The slow way: key by key, so that it can be said which one is wrong."""
    document = mend_text(document)
    serial = None
    try:
        keys = split_object(document)
        serial = _read_serial(keys, serial_number)
        if is_too_deep(document):
            raise ValueError(TOO_DEEP)
        values = {key: _mend(key, read_key(keys, key)) for key in DEVICE_KEYS if key in keys}
        present = {key: value for key, value in values.items() if value != ""}
        device = msgspec.convert(present | {"serial_number": serial}, Device)
    except UNREADABLE as error:
        return MalformedDevice(serial, str(error)[:REASON_MAX_LENGTH], document)
    force_setattr(device, "document", document)
    return device


def is_serial_number(folded: str) -> bool:
    """Whether a text, folded already, can be a serial number at all."""
    return 0 < len(folded) <= SERIAL_MAX_LENGTH and folded.isprintable()


def _read_serial(keys: Mapping[str, msgspec.Raw], default: str | None) -> str:
    """The folded serial number of the object, or else the one it was filed under; raises ValueError."""
    found = read_key(keys, "serial_number") if "serial_number" in keys else default
    if not isinstance(found, str) or not found.strip():
        raise ValueError("it has no serial number - at `$.serial_number`")
    serial = fold_serial(found)
    if not is_serial_number(serial):
        raise ValueError(f"{serial[:SERIAL_MAX_LENGTH]!r} is no serial number - at `$.serial_number`")
    return serial


def _mend(key: str, value: Any) -> Any:
    """Assumed: what Apple's samples or sister services do to one type may happen to any key of that type.

    Strings lose NUL, which PostgreSQL can't keep; times without a zone are UTC; one IMEI may stand without its array;
    flags may be words.
    """
    if isinstance(value, list):
        return [entry for entry in (_mend("", entry) for entry in value) if entry != ""]
    if not isinstance(value, str):
        return value
    text = value.replace("\0", "")
    if key in _TIMES and text.strip():
        return _read_key_time(key, text)
    if key in _LISTS and text:
        return [text]
    return _FLAGS.get(text.strip().lower(), text) if key in _FLAG_KEYS else text


def _read_key_time(key: str, text: str) -> datetime:
    try:
        return read_time(text)
    except UNREADABLE as error:
        raise ValueError(f"{text[:40]!r} is no time - at `$.{key}`") from error


def read_time(text: str) -> datetime:
    """Read a time as UTC; one without a zone is UTC. Raises ValueError or OverflowError.

    Assumed: Apple's documented times all end in Z.
    """
    time = datetime.fromisoformat(text.strip())
    return time.replace(tzinfo=UTC) if time.tzinfo is None else time.astimezone(UTC)
