"""What Apple says of a device, key by key: what it is called here, what it means, and as it came. Pure."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import msgspec

from adept.protocol.answers import UNREADABLE
from adept.protocol.device import DEVICE_KEYS, read_time

LABELS: Mapping[str, str] = {
    "serial_number": "Serial number",
    "model": "Model",
    "description": "Description",
    "color": "Colour",
    "asset_tag": "Asset tag",
    "profile_status": "Enrollment profile",
    "profile_uuid": "UUID of the profile",
    "profile_assign_time": "Profile assigned",
    "profile_push_time": "Profile fetched by the device",
    "device_assigned_date": "Assigned to this MDM server",
    "device_assigned_by": "Assigned by",
    "os": "Operating system",
    "device_family": "Device family",
    "mdm_migration_deadline": "Migration deadline",
    "imei": "IMEI",
    "meid": "MEID",
    "eid": "EID",
    "wifi_mac_address": "Wi-Fi MAC address",
    "bluetooth_mac_address": "Bluetooth MAC address",
    "ethernet_mac_address": "Ethernet MAC address",
    "is_replacement_device": "Replaces another device",
    "released_by_replacement": "Released by a replacement",
    "op_type": "Last event at Apple",
    "op_date": "When that was",
    "response_status": "Apple's answer",
}
_SYSTEMS = {"OSX": "macOS"}
TIMES = frozenset(
    {
        "profile_assign_time",
        "profile_push_time",
        "device_assigned_date",
        "mdm_migration_deadline",
        "op_date",
    }
)
OF_ANSWERS = frozenset({"op_type", "op_date", "response_status"})  # what an answer says, not what the device is


@dataclass(frozen=True, slots=True)
class Value:
    """A value of Apple's: as people read it (a time, a text, or None for what it leaves out), and its JSON."""

    told: datetime | str | None
    raw: str | None


ABSENT = Value(None, None)


@dataclass(frozen=True, slots=True)
class FieldRow:
    """A key of Apple's. `label` is None for one that this version of adept doesn't know."""

    key: str
    label: str | None
    value: Value
    live: Value | None = None  # what Apple says now, where it was asked and this key is the device's own
    differs: bool = False


def field_rows(
    stored: str, live: Mapping[str, Any] | None = None, *, differing: Collection[str] = ()
) -> list[FieldRow]:
    """The keys that a document has, those we know first; beside them what Apple says now, where it was asked."""
    had: Mapping[str, Any] = msgspec.json.decode(stored)
    keys = dict.fromkeys((*had, *(live or {})))
    ordered = [key for key in DEVICE_KEYS if key in keys] + [key for key in keys if key not in LABELS]
    return [
        FieldRow(
            key,
            LABELS.get(key),
            _value(had, key),
            None if live is None or key in OF_ANSWERS else _value(live, key),
            key in differing,
        )
        for key in ordered
        if key in had or key not in OF_ANSWERS
    ]


def unsaid(stored: str, live: Mapping[str, Any] | None = None) -> list[str]:
    """What of all that we know Apple leaves out of a document, and of what it says now where it was asked."""
    had: Mapping[str, Any] = msgspec.json.decode(stored) | {key: found for key, found in (live or {}).items() if found}
    return [LABELS[key] for key in DEVICE_KEYS if key not in OF_ANSWERS and had.get(key) in (None, "", [])]


def value_of(key: str, found: Any) -> Value:
    """A value as it is shown; None is what Apple leaves out."""
    return ABSENT if found is None else _said(key, found)


def _value(document: Mapping[str, Any], key: str) -> Value:
    return _said(key, document[key]) if key in document else ABSENT


def _said(key: str, found: Any) -> Value:
    return Value(_told(key, found), msgspec.json.encode(found).decode())


def _told(key: str, found: Any) -> datetime | str | None:
    if found is None or found == "" or found == []:
        return None
    if isinstance(found, bool):
        return "yes" if found else "no"
    if isinstance(found, str):
        return _text(key, found)
    if isinstance(found, list) and all(isinstance(entry, str) for entry in found):
        return ", ".join(found)
    return msgspec.json.encode(found).decode()


def _text(key: str, found: str) -> datetime | str:
    if key in TIMES:
        try:
            return read_time(found)
        except UNREADABLE:
            return found
    return _SYSTEMS.get(found, found) if key == "os" else found
