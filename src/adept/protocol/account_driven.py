"""Account-driven enrollment: the URL to which Apple sends devices that found no service of their domain's own.

Set, read and deleted at /account-driven-enrollment/profile; used from iOS 18.2, macOS 15.2 and visionOS 2.2. It is
public in practice. The answers to setting and deleting have no documented body.
Source: Apple, "Account-Driven Enrollment Profile" (read 2026-11).
"""

from __future__ import annotations

from datetime import datetime

import msgspec

from adept.protocol.answers import read_any, read_object, read_struct
from adept.protocol.device import read_time


class AccountDrivenEnrollment(msgspec.Struct, frozen=True):
    """The URL now set, and since when."""

    mdm_service_discovery_url: str
    last_updated_timestamp: datetime | None = None  # aware UTC


def decode_account_driven_enrollment(body: bytes, *, endpoint: str) -> AccountDrivenEnrollment:
    """Read the answer to GET; a time that can't be read is None; raises Malformed without a URL."""
    what = "an account-driven enrollment profile"
    keys = read_object(body, endpoint=endpoint, what=what)
    updated = _read_time(keys["last_updated_timestamp"]) if "last_updated_timestamp" in keys else None
    return read_struct(body, AccountDrivenEnrollment, endpoint=endpoint, what=what, last_updated_timestamp=updated)


def _read_time(raw: msgspec.Raw) -> datetime | None:
    found = read_any(bytes(raw))
    try:
        return read_time(found) if isinstance(found, str) else None
    except (ValueError, OverflowError):
        return None
