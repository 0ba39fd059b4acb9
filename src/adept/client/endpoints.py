"""Every endpoint of Apple's device assignment service (rosters excepted) as a function from arguments to a `Call`.

Pure: what is wrong with the arguments alone is `Misuse`, and nothing has been sent. Lists of serial numbers come here
already folded and cut (`batches`). Source: Apple, "Device Assignment" and its pages (read 2026-11).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from urllib.parse import quote

import msgspec

from adept.client.batches import one_serial
from adept.client.call import Call, Repeat, as_sent, nothing
from adept.errors import Misuse
from adept.protocol.account import Account, decode_account
from adept.protocol.account_driven import AccountDrivenEnrollment, decode_account_driven_enrollment
from adept.protocol.activation_lock import ActivationLockResult, decode_activation_lock, is_escrow_key
from adept.protocol.beta_tokens import BetaTokens, decode_beta_tokens
from adept.protocol.details import DeviceDetails, decode_details
from adept.protocol.pages import MAXIMUM_LIMIT, DevicePage, decode_page
from adept.protocol.profile import Profile, decode_profile, encode_profile, without_empty
from adept.protocol.replacement import ReplacementDetails, decode_replacement_details
from adept.protocol.results import (
    AssignResult,
    DefineResult,
    DeviceResults,
    decode_assign_result,
    decode_define_result,
    decode_device_results,
)

__all__ = ["Call", "as_sent"]

_encode = msgspec.json.encode


def account() -> Call[Account]:
    """Who the server token belongs to."""
    return Call("GET", "/account", "reading the account", decode_account)


def fetch_devices(cursor: str | None = None, *, limit: int | None = None) -> Call[DevicePage]:
    """A page of all devices, from the start where `cursor` is None or empty. Without a limit Apple sends 100."""
    body = _page_body(cursor, limit)
    return Call("POST", "/server/devices", "fetching devices", decode_page, body)


def sync_devices(cursor: str, *, limit: int | None = None) -> Call[DevicePage]:
    """A page of what changed since `cursor`, which comes from the last page of a fetch or of a sync."""
    if not cursor:
        raise Misuse("a sync needs the cursor of an earlier fetch or sync", way_out="fetch all devices first")
    body = _page_body(cursor, limit)
    return Call("POST", "/devices/sync", "syncing devices", decode_page, body)


def device_details(serials: Sequence[str]) -> Call[DeviceDetails]:
    """What Apple knows of these serial numbers, be they ours or not."""
    return Call("POST", "/devices", f"asking for {_devices(serials)}", decode_details, _encode({"devices": serials}))


def replacement_details(serial: str) -> Call[ReplacementDetails]:
    """Which device this replacement stands for; Apple answers 404 for one that is none. Protocol version 10."""
    serial = one_serial(serial)
    path = f"/device/replacementDetails?device={quote(serial, safe='')}"
    return Call("GET", path, f"asking what device {serial} replaced", decode_replacement_details)


def define_profile(profile: Profile) -> Call[DefineResult]:
    """Store a profile at Apple, which gives it a UUID; every call makes a new one.

    Not sent are empty optional keys, which Apple refuses, and the `profile_uuid` of one that was read before.
    """
    about = f"defining profile {profile.profile_name!r}" if profile.profile_name else "defining a profile"
    body = encode_profile(msgspec.structs.replace(without_empty(profile), profile_uuid=msgspec.UNSET))
    return Call("POST", "/profile", about, decode_define_result, body, Repeat.WHEN_REFUSED)


def profile(uuid: str) -> Call[Profile]:
    """The profile of that UUID."""
    uuid = _wanted_uuid(uuid)
    path = f"/profile?profile_uuid={quote(uuid, safe='')}"
    return Call("GET", path, f"reading profile {uuid}", decode_profile)


def assign_profile(uuid: str, serials: Sequence[str], *, method: str = "POST") -> Call[AssignResult]:
    """Say which profile these devices get. By the other of POST and PUT once, where `method` is answered by 405."""
    uuid = _wanted_uuid(uuid)
    about = f"assigning profile {uuid} to {_devices(serials)}"
    body = _encode({"profile_uuid": uuid, "devices": serials})
    other = "PUT" if method == "POST" else "POST"
    return Call(method, "/profile/devices", about, decode_assign_result, body, fallback_method=other)


def remove_profile(serials: Sequence[str]) -> Call[DeviceResults]:
    """Take whatever profile these devices have away from them. The body of a DELETE is no mistake: Apple wants it."""
    about = f"removing the profile of {_devices(serials)}"
    return Call("DELETE", "/profile/devices", about, decode_device_results, _encode({"devices": serials}))


def activation_lock(
    serial: str, *, escrow_key: str | None = None, lost_message: str | None = None
) -> Call[ActivationLockResult]:
    """Lock a device with the hash of a bypass code (64 hex digits), else to the person who made the server."""
    serial = one_serial(serial)
    if escrow_key is not None and not is_escrow_key(escrow_key):
        raise Misuse("an escrow key is 64 hex digits: the hash of a bypass code, not the code itself")
    asked = {"device": serial, "escrow_key": escrow_key, "lost_message": lost_message or None}
    body = _encode({key: value for key, value in asked.items() if value is not None})
    return Call("POST", "/device/activationlock", f"locking device {serial}", decode_activation_lock, body)


def beta_tokens() -> Call[BetaTokens]:
    """The organisation's tokens for beta programmes."""
    return Call("GET", "/os-beta-enrollment/tokens", "reading the beta tokens", decode_beta_tokens)


_ACCOUNT_DRIVEN = "/account-driven-enrollment/profile"


def account_driven_enrollment() -> Call[AccountDrivenEnrollment]:
    """The URL for account-driven enrollment; Apple answers 404 NOT_FOUND where none is set."""
    about = "reading the account-driven enrollment URL"
    return Call("GET", _ACCOUNT_DRIVEN, about, decode_account_driven_enrollment)


def set_account_driven_enrollment(url: str) -> Call[None]:
    """Set that URL; Apple wants https."""
    if not url.strip():
        raise Misuse("no URL given for account-driven enrollment", way_out="delete it if none is wanted")
    body = _encode({"mdm_service_discovery_url": url})
    return Call("POST", _ACCOUNT_DRIVEN, f"setting the account-driven enrollment URL {url}", nothing, body)


def delete_account_driven_enrollment() -> Call[None]:
    """Have no such URL any more."""
    return Call("DELETE", _ACCOUNT_DRIVEN, "deleting the account-driven enrollment URL", nothing)


def disown(serials: Sequence[str]) -> Call[DeviceResults]:
    """Release devices from the organisation, for ever. Never sent twice."""
    body = _encode({"devices": serials})
    return Call("POST", "/devices/disown", f"disowning {_devices(serials)}", decode_device_results, body, Repeat.NEVER)


def _page_body(cursor: str | None, limit: int | None) -> bytes:
    asked: dict[str, Any] = {}
    if cursor:
        asked["cursor"] = cursor
    if limit is not None:
        if isinstance(limit, bool) or not isinstance(limit, int) or not 1 <= limit <= MAXIMUM_LIMIT:
            raise Misuse(f"limit must be a number from 1 to {MAXIMUM_LIMIT} devices a page, not {limit!r}")
        asked["limit"] = limit
    return _encode(asked)


def _wanted_uuid(uuid: str) -> str:
    if not isinstance(uuid, str) or not uuid.strip():
        raise Misuse("no profile UUID given")
    return uuid.strip()


def _devices(serials: Sequence[str]) -> str:
    return f"device {serials[0]}" if len(serials) == 1 else f"{len(serials)} devices"
