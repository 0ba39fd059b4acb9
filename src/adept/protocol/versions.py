"""Protocol versions: what the request header `X-Server-Protocol-Version` turns on.

Higher versions are supersets. Without the header Apple answers as for version 1 and warns that this may change, so it
is always sent. The "5.0" and "5.1" in Apple's pages are versions of the documentation, not of this header. Nothing is
known to hang on versions 4 (class numbers of rosters), 5 and 6.
Source: Apple, "MDM Protocol Reference" (2018-06-04), "Device Assignment" and its pages (read 2026-11).
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

PROTOCOL_VERSION = 10  # what adept sends unless told otherwise
OLDEST_VERSION = 1  # what Apple assumes where the header is absent
VERSION_HEADER = "X-Server-Protocol-Version"

KEYS_SINCE: Mapping[str, int] = MappingProxyType(
    {
        "serial_number": 1,
        "model": 1,
        "description": 1,
        "color": 1,
        "asset_tag": 1,
        "profile_status": 1,
        "profile_uuid": 1,
        "profile_assign_time": 1,
        "profile_push_time": 1,
        "device_assigned_date": 1,
        "device_assigned_by": 1,
        "op_type": 1,
        "op_date": 1,
        "response_status": 1,
        "os": 2,
        "device_family": 2,
        "mdm_migration_deadline": 8,
        "imei": 10,
        "meid": 10,
        "eid": 10,
        "wifi_mac_address": 10,
        "bluetooth_mac_address": 10,
        "ethernet_mac_address": 10,
        "is_replacement_device": 10,
        "released_by_replacement": 10,
    }
)
"""The first version in which a device has the key. Source: Apple, "Device" (read 2026-11)."""

ACCOUNT_KEYS_SINCE: Mapping[str, int] = MappingProxyType(
    {
        "server_name": 1,
        "server_uuid": 1,
        "admin_id": 1,
        "facilitator_id": 1,
        "org_name": 1,
        "org_email": 1,
        "org_phone": 1,
        "org_address": 1,
        "org_type": 3,
        "org_version": 3,
        "org_id": 3,
        "org_id_hash": 3,
        "urls": 3,
    }
)
"""The first version in which an account has the key. Source: Apple, "AccountDetail" (read 2026-11)."""

PROFILE_KEYS_SINCE: Mapping[str, int] = MappingProxyType(
    {"support_email_address": 2, "await_device_configured": 2, "auto_advance_setup": 2, "is_multi_user": 2}
)
"""Profile keys that need more than version 1. Source: Apple, "MDM Protocol Reference" (2018-06-04)."""

ENDPOINTS_SINCE: Mapping[str, int] = MappingProxyType(
    {"POST /device/activationlock": 2, "GET /device/replacementDetails": 10}
)
"""Endpoints that need more than version 1. For those of beta tokens and account-driven enrollment none is stated."""

IPADOS_SINCE = 7  # `os` of an iPad is "iPadOS" from here, "iOS" below
THROTTLED_SINCE = 9  # assigning may answer THROTTLED for a device; Assumed: below it is FAILED
RETRY_AFTER_SECONDS_SINCE = 10  # assigning says how long a throttled device must wait
