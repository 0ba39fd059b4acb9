"""Pages of devices: what fetch and sync answer.

Source: Apple, "Fetch Devices" and "Sync the List of Devices" (read 2026-11).
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

import msgspec

from adept.protocol.answers import UNREADABLE, is_utf8, malformed, mend_text
from adept.protocol.device import Device, MalformedDevice, read_time
from adept.protocol.device_lists import decode_devices

DEFAULT_LIMIT = 100  # devices a page where the request names no limit
MAXIMUM_LIMIT = 1000  # devices a page at the most
CURSOR_MAX_LENGTH = 1000  # characters
CURSOR_LIFE_DAYS = 7  # a sync cursor older than that is EXPIRED_CURSOR


class DevicePage(msgspec.Struct, frozen=True, kw_only=True):
    """One page, in Apple's order: fetch by time of enrollment, sync by time of operation, both oldest first."""

    devices: tuple[Device, ...]
    malformed: tuple[MalformedDevice, ...] = ()
    cursor: str | None  # for the next request; None where Apple sent none
    more_to_follow: bool
    fetched_until: datetime | None = None  # Apple's progress mark; sync's sample omits it


class _Envelope(msgspec.Struct):
    devices: list[msgspec.Raw] | None = None
    cursor: str | None = None
    more_to_follow: bool | str | None = None
    fetched_until: Any = None


_WHAT = "a page of devices"
_decode_envelope = msgspec.json.Decoder(_Envelope).decode


def decode_page(body: bytes, *, endpoint: str) -> DevicePage:
    """Read a page. Missing `devices` is an empty page; `more_to_follow` may be a bool or its word; raises Malformed.

    A device that can't be read costs itself and is in `malformed`.
    """
    envelope = _read_envelope(body, endpoint)
    devices, malformed_devices = decode_devices(body, envelope.devices or [])
    return DevicePage(
        devices=devices,
        malformed=malformed_devices,
        cursor=envelope.cursor or None,
        more_to_follow=_as_bool(envelope.more_to_follow, endpoint, body),
        fetched_until=_as_time(envelope.fetched_until),
    )


def _read_envelope(body: bytes, endpoint: str) -> _Envelope:
    """The page with its devices unread. Text that is none is mended only where it is in the way."""
    if is_utf8(body):
        try:
            return _decode_envelope(body)
        except UNREADABLE:
            pass
    try:
        return _decode_envelope(mend_text(body))
    except UNREADABLE as error:
        raise malformed(body, str(error), endpoint=endpoint, what=_WHAT) from error


def _as_bool(value: bool | str | None, endpoint: str, body: bytes) -> bool:
    """Observed: Apple's own sample shows the string "false"."""
    if isinstance(value, str):
        word = value.strip().lower()
        if word not in ("true", "false", ""):
            reason = f"expected true or false, found {value[:40]!r}"
            raise malformed(body, reason, endpoint=endpoint, what=_WHAT, field="$.more_to_follow")
        return word == "true"
    return bool(value)


def _as_time(value: Any) -> datetime | None:
    """A progress mark that can't be read is no reason to lose a page."""
    try:
        return read_time(value) if isinstance(value, str) and value.strip() else None
    except (ValueError, OverflowError):
        return None
