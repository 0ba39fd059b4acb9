"""The enrollment profile: what POST /profile defines and GET /profile reads.

A profile can't be changed or deleted once defined and is only ever addressed by its UUID. Absent and false are kept
apart (absent is `msgspec.UNSET`), as are absent and empty, so that what was read can be defined again unchanged.
Source: Apple, "Profile" and "Define a Profile" (read 2026-11).
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import msgspec
from msgspec import UNSET, UnsetType

from adept.errors import Misuse
from adept.protocol.answers import UNREADABLE, malformed, mend_text
from adept.protocol.error_codes import ErrorCode

Text = str | UnsetType
Flag = bool | UnsetType
Texts = tuple[str, ...] | UnsetType


class Profile(msgspec.Struct, frozen=True, kw_only=True):
    """An enrollment profile; every key may be absent, also those that Apple requires (see `check_profile`)."""

    profile_name: Text = UNSET  # required; 1 to 125 characters
    url: Text = UNSET  # required; where the device enrolls, https; 1 to 2000 characters as encoded
    configuration_web_url: Text = UNSET  # https; iOS 13, macOS 10.15: a web page instead of `url`
    org_magic: Text = UNSET  # 1 to 256; groups the services of one organisation
    department: Text = UNSET  # 1 to 125; shown in Setup Assistant
    support_phone_number: Text = UNSET  # 1 to 50
    support_email_address: Text = UNSET  # 1 to 250; protocol version 2
    devices: Texts = UNSET  # serial numbers to assign it to; never in the answer of GET
    skip_setup_items: Texts = UNSET  # see skip_keys
    is_supervised: Flag = UNSET  # default false; ignored from iOS 13, where it is always so
    is_mandatory: Flag = UNSET  # default false; always so from iOS 13
    is_mdm_removable: Flag = UNSET  # default true; false only with is_supervised true
    allow_pairing: Flag = UNSET  # default true; deprecated in iOS 13
    supervising_host_certs: Texts = UNSET  # base64 DER; hosts that may pair all the same; unused if not supervised
    anchor_certs: Texts = UNSET  # base64 DER without PEM armour; what `url` is trusted by; absent: the system's roots
    await_device_configured: Flag = UNSET  # default false; hold until the DeviceConfigured command; version 2
    auto_advance_setup: Flag = UNSET  # default false; tvOS, macOS 11; version 2; with language and region
    is_multi_user: Flag = UNSET  # default false; Shared iPad, School or Business Manager only; version 2
    language: Text = UNSET  # ISO 639-1, or 639-2 where there is none; tvOS, macOS 11
    region: Text = UNSET  # ISO 3166-1 alpha-2, upper case; tvOS, macOS 11
    is_return_to_service: Flag = UNSET  # default false; iOS, iPadOS and visionOS 26
    do_not_use_profile_from_backup: Flag = UNSET  # default false; iOS, iPadOS and visionOS 26
    profile_uuid: Text = UNSET  # GET only, undocumented there; upper-case hex in production: compare without case
    extra: dict[str, Any] = msgspec.field(default_factory=dict, name="(extra)")  # keys unknown to this version of adept


KEYS = tuple(name for name in Profile.__struct_fields__ if name != "extra")
REQUIRED = ("profile_name", "url")
DEFAULTS: Mapping[str, bool] = MappingProxyType(
    {
        "is_supervised": False,
        "is_mandatory": False,
        "is_mdm_removable": True,
        "allow_pairing": True,
        "await_device_configured": False,
        "auto_advance_setup": False,
        "is_multi_user": False,
        "is_return_to_service": False,
        "do_not_use_profile_from_backup": False,
    }
)
"""What an absent flag means."""


class ServerRule(msgspec.Struct, frozen=True):
    """How long Apple's server lets a key be, and how it says no. An empty string is always refused."""

    key: str
    maximum: int  # characters; of `url` after percent-encoding
    invalid: ErrorCode
    required: ErrorCode | None = None  # None: the key may be absent
    is_url: bool = False


SERVER_RULES: tuple[ServerRule, ...] = (
    ServerRule("profile_name", 125, ErrorCode.CONFIG_NAME_INVALID, ErrorCode.CONFIG_NAME_REQUIRED),
    ServerRule("url", 2000, ErrorCode.CONFIG_URL_INVALID, ErrorCode.CONFIG_URL_REQUIRED, is_url=True),
    ServerRule("department", 125, ErrorCode.DEPARTMENT_INVALID),
    ServerRule("support_phone_number", 50, ErrorCode.SUPPORT_PHONE_INVALID),
    ServerRule("support_email_address", 250, ErrorCode.SUPPORT_EMAIL_INVALID),
    ServerRule("org_magic", 256, ErrorCode.MAGIC_INVALID),
)
"""In the order of Assumed checks: Apple does not say which code it gives where several rules are broken."""


def decode_profile(body: bytes, *, endpoint: str) -> Profile:
    """Read the answer of GET /profile; raises Malformed."""
    try:
        return _from_json(mend_text(body))
    except UNREADABLE as error:
        raise malformed(body, str(error), endpoint=endpoint, what="a profile") from error


def read_profile(document: bytes | str) -> Profile:
    """Read a profile that a person wrote, as JSON; raises Misuse with the place of the mistake."""
    try:
        body = document.encode() if isinstance(document, str) else document
        return _from_json(body.removeprefix(b"\xef\xbb\xbf"))
    except UNREADABLE as error:
        raise Misuse(f"this is not a profile: {error}", way_out="a profile is one JSON object") from error


def encode_profile(profile: Profile) -> bytes:
    """The JSON object of a profile: the keys it has, in Apple's order, then those unknown to adept."""
    return msgspec.json.encode(profile_values(profile))


def profile_values(profile: Profile) -> dict[str, Any]:
    """The keys a profile has, with their values."""
    known = {key: getattr(profile, key) for key in KEYS}
    extra = {key: value for key, value in profile.extra.items() if key not in known}
    return {key: value for key, value in known.items() if value is not UNSET} | extra


def without_empty(profile: Profile) -> Profile:
    """The same without optional keys that are empty strings, which Apple refuses; what Apple requires stays.

    To be used on everything sent to POST /profile. Absent means the same and is accepted.
    """
    return msgspec.structs.replace(
        profile,
        **{key: UNSET for key in KEYS if key not in REQUIRED and getattr(profile, key) == ""},
        extra={key: value for key, value in profile.extra.items() if value != ""},
    )


def _from_json(document: bytes) -> Profile:
    """Raises one of UNREADABLE. Null is absent."""
    values = msgspec.json.decode(document, type=dict[str, Any])
    present = {key: value for key, value in values.items() if value is not None}
    profile = msgspec.convert({key: value for key, value in present.items() if key in KEYS}, Profile)
    extra = {key: value for key, value in present.items() if key not in KEYS}
    return msgspec.structs.replace(profile, extra=extra)
