"""What is wrong with a profile, before Apple says so, and what is merely unwise.

Errors are what Apple's server refuses, with its codes, and what no device can use. A warning names what will not do
what its author wants; a note what is worth knowing.
Source: Apple, "Define a Profile" and "Profile" (read 2026-11).
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterator, Mapping
from enum import StrEnum
from urllib.parse import quote, urlsplit

import msgspec
from cryptography import x509
from msgspec import UNSET

from adept.protocol.error_codes import ErrorCode
from adept.protocol.profile import DEFAULTS, SERVER_RULES, Profile, ServerRule
from adept.protocol.results import MAXIMUM_DEVICES
from adept.protocol.skip_keys import SKIP_KEYS, Platform, SkipKey, meant_key


class Level(StrEnum):
    """How bad a finding is."""

    ERROR = "error"  # Apple will refuse it, or no device can use it
    WARNING = "warning"  # it will be accepted and not do what it says
    NOTE = "note"


class Finding(msgspec.Struct, frozen=True):
    """One thing found in a profile. `code` is Apple's error code where Apple has one, else a word of ours."""

    level: Level
    code: str
    key: str
    message: str


def check_profile(profile: Profile, *, targets: Mapping[Platform, str] | None = None) -> list[Finding]:
    """Everything found, errors first in the order in which Apple is assumed to check.

    `targets` are the platforms and versions the profile is meant for; with them, skip keys that none of them has are
    named. Empty optional keys are errors; `without_empty` takes them out.
    """
    found = [*_refused(profile), *_certificates(profile), *_flags(profile), *_lists(profile)]
    found += _skip_keys(profile, targets or {})
    return sorted(found, key=lambda finding: list(Level).index(finding.level))


def _flag(profile: Profile, key: str) -> bool:
    value = getattr(profile, key)
    return DEFAULTS[key] if value is UNSET else bool(value)


def _refused(profile: Profile) -> Iterator[Finding]:
    """What Apple's server answers with 400: missing before invalid before contradictory. Assumed order."""
    for rule in SERVER_RULES:
        if rule.required is not None and getattr(profile, rule.key) is UNSET:
            yield Finding(Level.ERROR, rule.required, rule.key, f"{rule.key} is missing; Apple requires it")
    for rule in SERVER_RULES:
        reason = _why_invalid(rule, getattr(profile, rule.key))
        if reason is not None:
            yield Finding(Level.ERROR, rule.invalid, rule.key, f"{rule.key} {reason}")
    if not _flag(profile, "is_mdm_removable") and not _flag(profile, "is_supervised"):
        message = "is_mdm_removable may be false only where is_supervised is true"
        yield Finding(Level.ERROR, ErrorCode.FLAGS_INVALID, "is_mdm_removable", message)
    yield from _locale(profile)
    yield from _web_url(profile)


def _why_invalid(rule: ServerRule, value: object) -> str | None:
    if not isinstance(value, str):
        return None
    if not value:
        return "is empty; leave it out or fill it"
    length = len(quote(value, safe="%/:?#[]@!$&'()*+,;=~")) if rule.is_url else len(value)
    if length > rule.maximum:
        return f"has {length} characters; Apple takes {rule.maximum}"
    return None if not rule.is_url or _is_url(value) else "is not a URL"


def _is_url(text: str) -> bool:
    """An absolute http or https URL with a host, without blanks and control characters."""
    try:
        parts = urlsplit(text)
        return (
            parts.scheme in ("http", "https")
            and bool(parts.hostname)
            and parts.port != 0
            and not any(character.isspace() or not character.isprintable() for character in text)
        )
    except ValueError:
        return False


def _locale(profile: Profile) -> Iterator[Finding]:
    for key, shape, what in (
        ("language", r"[a-z]{2,3}", "a language of ISO 639 in lower case, such as en"),
        ("region", r"[A-Z]{2}", "a country of ISO 3166-1 in upper case, such as US"),
    ):
        value = getattr(profile, key)
        if value is not UNSET and not re.fullmatch(shape, value):
            yield Finding(Level.ERROR, ErrorCode.LOCALE_INVALID, key, f"{key} must be {what}; found {value[:40]!r}")


def _web_url(profile: Profile) -> Iterator[Finding]:
    web, url = profile.configuration_web_url, profile.url
    if isinstance(web, str) and not (_is_url(web) and web.lower().startswith("https://")):
        message = "configuration_web_url must be an https URL; leave it out if there is none"
        yield Finding(Level.ERROR, "configuration_web_url_invalid", "configuration_web_url", message)
    if isinstance(url, str) and _is_url(url) and not url.lower().startswith("https://"):
        yield Finding(Level.WARNING, "url_not_https", "url", "devices enroll over https; url begins with http")


def _certificates(profile: Profile) -> Iterator[Finding]:
    for key in ("anchor_certs", "supervising_host_certs"):
        entries = getattr(profile, key)
        for index, entry in enumerate(() if entries is UNSET else entries):
            if not _is_certificate(entry):
                message = f"{key}[{index}] is not the base64 of an X.509 certificate in DER, without PEM armour"
                yield Finding(Level.ERROR, "certificate_invalid", key, message)


def _is_certificate(text: str) -> bool:
    try:
        x509.load_der_x509_certificate(base64.b64decode("".join(text.split()), validate=True))
    except (ValueError, binascii.Error):
        return False
    return True


def _flags(profile: Profile) -> Iterator[Finding]:
    supervised = _flag(profile, "is_supervised")
    if _flag(profile, "is_multi_user"):
        if not supervised:
            yield Finding(
                Level.WARNING, "multi_user_unsupervised", "is_multi_user", "Shared iPad needs is_supervised true"
            )
        message = (
            "only for iPads of an organisation in School or Business Manager, with an enrollment for several users"
        )
        yield Finding(Level.NOTE, "multi_user_only_ipad", "is_multi_user", message)
    for key in ("is_multi_user", "is_return_to_service"):
        if _flag(profile, key):
            message = f"devices with {key} can't be migrated here by deadline"
            yield Finding(Level.NOTE, "not_migratable", key, message)
    if _flag(profile, "auto_advance_setup") and (profile.language is UNSET or profile.region is UNSET):
        message = "auto_advance_setup wants language and region; without them Setup Assistant stops to ask"
        yield Finding(Level.WARNING, "auto_advance_without_locale", "auto_advance_setup", message)
    if profile.supervising_host_certs not in (UNSET, ()) and not supervised:
        message = "supervising_host_certs are not used where is_supervised is not true"
        yield Finding(Level.WARNING, "host_certs_unsupervised", "supervising_host_certs", message)
    if _flag(profile, "await_device_configured"):
        message = "devices stay in Setup Assistant until the MDM server sends DeviceConfigured"
        yield Finding(Level.NOTE, "await_needs_command", "await_device_configured", message)
    if not _flag(profile, "allow_pairing"):
        message = "allow_pairing is deprecated from iOS 13; use a restriction in its place"
        yield Finding(Level.NOTE, "allow_pairing_deprecated", "allow_pairing", message)


def _lists(profile: Profile) -> Iterator[Finding]:
    if profile.profile_uuid is not UNSET:
        message = "Apple gives every profile a new UUID; this one is not used"
        yield Finding(Level.NOTE, "profile_uuid_ignored", "profile_uuid", message)
    if profile.devices is not UNSET and len(profile.devices) > MAXIMUM_DEVICES:
        message = f"{len(profile.devices)} devices in one request; assign in requests of at most {MAXIMUM_DEVICES}"
        yield Finding(Level.WARNING, "too_many_devices", "devices", message)
    for key in sorted(profile.extra):
        yield Finding(Level.WARNING, "key_unknown", key, f"{key[:60]!r} is not a key of Apple's profiles")


def _skip_keys(profile: Profile, targets: Mapping[Platform, str]) -> Iterator[Finding]:
    for item in () if profile.skip_setup_items is UNSET else profile.skip_setup_items:
        known = SKIP_KEYS.get(item)
        for level, code, message in _about_unknown(item) if known is None else _about(known, targets):
            yield Finding(level, code, "skip_setup_items", message)


def _about_unknown(item: str) -> Iterator[tuple[Level, str, str]]:
    meant = meant_key(item)
    hint = f"; did you mean {meant}?" if meant else ""
    yield Level.WARNING, "skip_key_unknown", f"{item[:60]!r} is not a known skip key{hint}"


def _about(item: SkipKey, targets: Mapping[Platform, str]) -> Iterator[tuple[Level, str, str]]:
    if item.is_pre_fetch:
        yield Level.NOTE, "skip_key_pre_fetch", f"{item.name} may be shown before the device has its profile"
    for platform, version in item.deprecated.items():
        yield Level.NOTE, "skip_key_deprecated", f"{item.name} is deprecated from {platform} {version}"
    for platform, version in item.removed.items():
        yield Level.NOTE, "skip_key_removed", f"{item.name} has no effect from {platform} {version}"
    if targets and not any(item.is_on(platform, version) for platform, version in targets.items()):
        meant_for = ", ".join(f"{platform} {version}" for platform, version in targets.items())
        yield Level.WARNING, "skip_key_unavailable", f"{item.name} is not there on {meant_for}"
