"""Pages of devices: what fetch and sync answer.

Source: Apple, "Fetch Devices" and "Sync the List of Devices" (read 2026-11).
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

import msgspec

from adept.errors import Malformed
from adept.protocol.device import Device, MalformedDevice, decode_device, read_time

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


_decode_envelope = msgspec.json.Decoder(_Envelope).decode


def decode_page(body: bytes, *, endpoint: str) -> DevicePage:
    """Read a page. Missing `devices` is an empty page; `more_to_follow` may be a bool or its word; raises Malformed."""
    try:
        envelope = _decode_envelope(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise _malformed(endpoint, "$", body, str(error)) from error
    read = [decode_device(bytes(raw)) for raw in envelope.devices or ()]
    return DevicePage(
        devices=tuple(entry for entry in read if isinstance(entry, Device)),
        malformed=tuple(entry for entry in read if isinstance(entry, MalformedDevice)),
        cursor=envelope.cursor or None,
        more_to_follow=_as_bool(envelope.more_to_follow, endpoint, body),
        fetched_until=_as_time(envelope.fetched_until),
    )


def _as_bool(value: bool | str | None, endpoint: str, body: bytes) -> bool:
    """Observed: Apple's own sample shows the string "false"."""
    if isinstance(value, str):
        word = value.strip().lower()
        if word not in ("true", "false", ""):
            raise _malformed(endpoint, "$.more_to_follow", body, f"expected true or false, found {value[:40]!r}")
        return word == "true"
    return bool(value)


def _as_time(value: Any) -> datetime | None:
    """A progress mark that can't be read is no reason to lose a page."""
    try:
        return read_time(value) if isinstance(value, str) and value.strip() else None
    except ValueError:
        return None


def _malformed(endpoint: str, field: str, body: bytes, reason: str) -> Malformed:
    excerpt = body[:80].decode("utf-8", "replace")
    return Malformed(
        f"{endpoint}: Apple's answer is not a page of devices: {reason} (it begins {excerpt!r})",
        endpoint=endpoint,
        field=field,
        found=excerpt,
    )
