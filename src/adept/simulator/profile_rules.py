"""What Apple's server checks of a profile before it defines it, and the code each failure has.

The order is: everything REQUIRED, then everything INVALID, then FLAGS, then LOCALE.
Source: Apple, "Define a Profile" (read 2026-11).
Assumed: the order of the checks; MALFORMED_REQUEST_BODY for a value of the wrong type; of LOCALE_INVALID, whose rule
Apple does not print, only that codes have their ISO shape.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote, urlsplit

_REQUIRED = (("profile_name", "CONFIG_NAME_REQUIRED"), ("url", "CONFIG_URL_REQUIRED"))
_LENGTHS = (
    ("profile_name", 125, "CONFIG_NAME_INVALID"),
    ("url", 2000, "CONFIG_URL_INVALID"),
    ("department", 125, "DEPARTMENT_INVALID"),
    ("support_phone_number", 50, "SUPPORT_PHONE_INVALID"),
    ("support_email_address", 250, "SUPPORT_EMAIL_INVALID"),
    ("org_magic", 256, "MAGIC_INVALID"),
)
_FLAGS = (
    "is_supervised",
    "is_mandatory",
    "is_mdm_removable",
    "allow_pairing",
    "await_device_configured",
    "auto_advance_setup",
    "is_multi_user",
    "is_return_to_service",
    "do_not_use_profile_from_backup",
)
_TEXTS = (*(key for key, _, _ in _LENGTHS), "configuration_web_url", "language", "region")
_LISTS = ("skip_setup_items", "supervising_host_certs", "anchor_certs", "devices")
_LANGUAGE = re.compile(r"[a-z]{2,3}")
_NOT_IN_URLS = re.compile(r"[\s\x00-\x1f\x7f]")
_REGION = re.compile(r"[A-Z]{2}")


def refusal(profile: Mapping[str, Any]) -> str | None:
    """The code with which Apple refuses this profile; None where it takes it."""
    return _malformed(profile) or _required(profile) or _invalid(profile) or _flags(profile) or _locale(profile)


def _malformed(profile: Mapping[str, Any]) -> str | None:
    right = (
        all(isinstance(profile.get(key), str | None) for key in _TEXTS)
        and all(isinstance(profile.get(key), bool | None) for key in _FLAGS)
        and all(_is_list_of_text(profile.get(key)) for key in _LISTS)
    )
    return None if right else "MALFORMED_REQUEST_BODY"


def _is_list_of_text(value: Any) -> bool:
    return value is None or (isinstance(value, list) and all(isinstance(entry, str) for entry in value))


def _required(profile: Mapping[str, Any]) -> str | None:
    return next((code for key, code in _REQUIRED if profile.get(key) is None), None)


def _invalid(profile: Mapping[str, Any]) -> str | None:
    for key, longest, code in _LENGTHS:
        value = profile.get(key)
        if value is not None and not 1 <= _length(key, value) <= longest:
            return code
        if key == "url" and not _is_url(value):
            return code
    return None


def _length(key: str, value: str) -> int:
    return len(quote(value, safe="%/:?=&#+,;@[]!$'()*~")) if key == "url" else len(value)


def _is_url(value: Any) -> bool:
    try:
        parts = urlsplit(value)
        parts.port  # noqa: B018 - raises where the port is no number
    except ValueError:
        return False
    return parts.scheme in ("http", "https") and bool(parts.hostname) and not _NOT_IN_URLS.search(value)


def _flags(profile: Mapping[str, Any]) -> str | None:
    return "FLAGS_INVALID" if profile.get("is_mdm_removable") is False and not profile.get("is_supervised") else None


def _locale(profile: Mapping[str, Any]) -> str | None:
    language, region = profile.get("language"), profile.get("region")
    is_right = (language is None or _LANGUAGE.fullmatch(language)) and (region is None or _REGION.fullmatch(region))
    return None if is_right else "LOCALE_INVALID"
