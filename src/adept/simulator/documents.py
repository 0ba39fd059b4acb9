"""Device documents: Apple's JSON of one device at protocol version 10, as bytes, and how acts change it.

The truth about a device *is* its document. Pages join documents as they lie; only a device that something happens to
is decoded and rendered anew, always with its keys in one order, so that equal states are equal bytes.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import msgspec

# The version of the protocol that brought a key; every other key is as old as the protocol.
# Source: Apple, "Device" (read 2026-11).
KEYS_SINCE: Mapping[str, int] = {
    "os": 2,
    "device_family": 2,
    "mdm_migration_deadline": 8,
    "wifi_mac_address": 10,
    "bluetooth_mac_address": 10,
    "ethernet_mac_address": 10,
    "imei": 10,
    "meid": 10,
    "eid": 10,
    "is_replacement_device": 10,
    "released_by_replacement": 10,
}
NEWEST_VERSION = 10
_FAMILY_SINCE, _IPADOS_SINCE = 2, 7
# Landmarks of a rendered document; a string inside it can't look like one, since its quotes are escaped.
_FIRST_NEWEST, _OPERATION, _DEADLINE = b',"wifi_mac_address":', b',"op_type":', b',"mdm_migration_deadline":'
_ORDER = (
    "serial_number",
    "model",
    "description",
    "color",
    "asset_tag",
    "profile_status",
    "profile_uuid",
    "profile_assign_time",
    "profile_push_time",
    "device_assigned_by",
    "device_assigned_date",
    "os",
    "device_family",
    "mdm_migration_deadline",
    "wifi_mac_address",
    "bluetooth_mac_address",
    "ethernet_mac_address",
    "imei",
    "meid",
    "eid",
    "is_replacement_device",
    "released_by_replacement",
)
PROFILE_KEYS = ("profile_status", "profile_uuid", "profile_assign_time", "profile_push_time")

Fields = dict[str, Any]


def read(document: bytes) -> Fields:
    """The document as a dictionary of its own."""
    fields: Fields = msgspec.json.decode(document)
    return fields


def render(fields: Mapping[str, Any]) -> bytes:
    """The document of these fields: keys in the one order, strangers last, absent ones (None) left out."""
    ordered = {key: fields[key] for key in _ORDER if fields.get(key) is not None}
    ordered |= {key: value for key, value in fields.items() if key not in _ORDER and value is not None}
    return msgspec.json.encode(ordered)


def changed(document: bytes, **fields: Any) -> bytes:
    """The document with these fields set; None takes a key away."""
    return render(read(document) | fields)


def without(document: bytes, keys: Iterable[str], **fields: Any) -> bytes:
    """The document without these keys, and with these fields set."""
    return render(read(document) | dict.fromkeys(keys) | fields)


def with_suffix(document: bytes, suffix: bytes) -> bytes:
    """The document with rendered members appended: `suffix` begins with a comma and ends in the closing brace."""
    return document[:-1] + suffix


def at_version(document: bytes, version: int) -> bytes:
    """What a client that speaks an older version of the protocol gets to see of a document.

    Keys that no version knows belong to a later one, and are left out too.
    """
    if version >= NEWEST_VERSION:
        return document
    if version >= _FAMILY_SINCE and _DEADLINE not in document and (start := document.find(_FIRST_NEWEST)) > 0:
        end = document.find(_OPERATION, start)  # the keys between, and all strangers, are of the newest version
        document = document[:start] + (document[end:] if end > 0 else b"}")
        return document if version >= _IPADOS_SINCE else document.replace(b'"os":"iPadOS"', b'"os":"iOS"')
    return _at_version_key_by_key(document, version)


def _at_version_key_by_key(document: bytes, version: int) -> bytes:
    fields = read(document)
    known = {key: value for key, value in fields.items() if _since(key) <= version}
    if version < _IPADOS_SINCE and known.get("os") == "iPadOS":
        known["os"] = "iOS"
    return msgspec.json.encode(known)


def _since(key: str) -> int:
    if key in KEYS_SINCE:
        return KEYS_SINCE[key]
    return 1 if key in _ORDER or key in ("op_type", "op_date", "response_status") else NEWEST_VERSION
