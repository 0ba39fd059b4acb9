"""What is found in a profile before Apple says so."""

from __future__ import annotations

import base64
from datetime import UTC, datetime
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from hypothesis import given
from hypothesis import strategies as st

from adept.protocol.profile import DEFAULTS, KEYS, SERVER_RULES, Profile, ServerRule, without_empty
from adept.protocol.profile_checks import Finding, Level, check_profile
from adept.protocol.skip_keys import Platform

SOUND: dict[str, Any] = {
    "profile_name": "Staff",
    "url": "https://mdm.example.com/enroll",
    "org_magic": "913FABBB-0032-4E13-9966-D6BBAC900331",
    "department": "IT",
    "support_phone_number": "1-555-555-5555",
    "support_email_address": "it@example.com",
    "is_supervised": True,
    "is_mdm_removable": False,
    "skip_setup_items": ("Siri", "AppleID"),
    "language": "en",
    "region": "US",
    "configuration_web_url": "https://mdm.example.com/start",
}


def found(*, targets: dict[Platform, str] | None = None, **keys: Any) -> list[Finding]:
    return check_profile(Profile(**(SOUND | keys)), targets=targets)


def codes(**keys: Any) -> list[tuple[str, str]]:
    return [(finding.level, finding.code) for finding in found(**keys)]


@pytest.fixture(scope="module")
def certificate() -> bytes:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "host")])
    start, end = datetime(2026, 1, 1, tzinfo=UTC), datetime(2036, 1, 1, tzinfo=UTC)
    builder = x509.CertificateBuilder(name, name, key.public_key(), 1, start, end)
    return builder.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.DER)


def test_a_sound_profile_has_no_findings() -> None:
    assert found() == []


def test_a_profile_needs_no_more_than_name_and_url() -> None:
    assert check_profile(Profile(profile_name="x", url="https://mdm.example.com")) == []


def test_an_empty_profile_lacks_its_name_and_its_url() -> None:
    assert [finding.code for finding in check_profile(Profile())] == ["CONFIG_NAME_REQUIRED", "CONFIG_URL_REQUIRED"]


@pytest.mark.parametrize("rule", SERVER_RULES, ids=[rule.key for rule in SERVER_RULES])
def test_a_text_may_be_as_long_as_apple_takes_and_no_longer(rule: ServerRule) -> None:
    start = "https://x/" if rule.is_url else ""
    longest = start + "a" * (rule.maximum - len(start))
    assert codes(**{rule.key: longest}) == []
    assert codes(**{rule.key: longest + "a"}) == [("error", rule.invalid)]


@pytest.mark.parametrize("rule", SERVER_RULES, ids=[rule.key for rule in SERVER_RULES])
def test_an_empty_text_is_refused(rule: ServerRule) -> None:
    assert codes(**{rule.key: ""}) == [("error", rule.invalid)]


def test_texts_are_counted_in_characters_and_urls_as_encoded() -> None:
    assert codes(profile_name="ü" * 125) == []
    assert codes(url="https://x/" + "ü" * 400) == [("error", "CONFIG_URL_INVALID")]
    assert codes(url="https://x/" + "ü" * 300) == []
    assert codes(url="https://x/" + "%C3" * 600) == []


@pytest.mark.parametrize(
    "url",
    [
        *["mdm.example.com", "ftp://x/y", "https://", "https:///path", "https://a b/", "https://x/\n", "https://[::1/"],
        *["/x", "https://x:99999/", "https://x:0/", "https://x:port/", "https://x/\x00", "not a url"],
    ],
)
def test_what_is_no_url_is_refused(url: str) -> None:
    assert codes(url=url) == [("error", "CONFIG_URL_INVALID")]
    assert codes(configuration_web_url=url) == [("error", "configuration_web_url_invalid")]


@pytest.mark.parametrize(
    "url", ["https://x", "https://[::1]:8443/enroll?a=b&c=%20#d", "HTTPS://MDM.example.com", "https://ü.example"]
)
def test_a_url_may_have_any_host_port_and_query(url: str) -> None:
    assert codes(url=url, configuration_web_url=url) == []


def test_a_url_without_tls_is_a_warning_and_a_web_url_without_it_an_error() -> None:
    assert codes(url="http://mdm.example.com") == [("warning", "url_not_https")]
    assert codes(configuration_web_url="http://mdm.example.com") == [("error", "configuration_web_url_invalid")]
    assert codes(configuration_web_url="") == [("error", "configuration_web_url_invalid")]


@pytest.mark.parametrize(
    ("flags", "refused"),
    [
        ({"is_mdm_removable": False, "is_supervised": False}, True),
        ({"is_mdm_removable": False}, True),
        ({"is_mdm_removable": False, "is_supervised": True}, False),
        ({"is_mdm_removable": True, "is_supervised": False}, False),
        ({"is_supervised": False}, False),
        ({}, False),
    ],
)
def test_unremovable_needs_supervision(flags: dict[str, Any], refused: bool) -> None:
    profile = Profile(profile_name="x", url="https://x", **flags)
    assert [finding.code for finding in check_profile(profile)] == (["FLAGS_INVALID"] if refused else [])


@pytest.mark.parametrize("locale", [{"language": "EN"}, {"language": "e"}, {"language": "en-US"}, {"language": ""}])
def test_a_language_is_two_or_three_small_letters(locale: dict[str, str]) -> None:
    assert codes(**locale) == [("error", "LOCALE_INVALID")]
    assert codes(language="haw") == []


@pytest.mark.parametrize("locale", [{"region": "us"}, {"region": "USA"}, {"region": ""}, {"region": "U1"}])
def test_a_region_is_two_capital_letters(locale: dict[str, str]) -> None:
    assert codes(**locale) == [("error", "LOCALE_INVALID")]


@pytest.mark.parametrize("key", ["anchor_certs", "supervising_host_certs"])
def test_a_certificate_is_base64_of_der(key: str, certificate: bytes) -> None:
    text = base64.b64encode(certificate).decode()
    assert codes(**{key: (text, base64.encodebytes(certificate).decode())}) == []
    armoured = f"-----BEGIN CERTIFICATE-----\n{text}\n-----END CERTIFICATE-----"
    for wrong in (armoured, "", "AAAA", "not base64!", text[:-8], "é"):
        assert codes(**{key: (text, wrong)}) == [("error", "certificate_invalid")]


def test_a_wrong_certificate_is_named_by_its_place(certificate: bytes) -> None:
    text = base64.b64encode(certificate).decode()
    assert "anchor_certs[1]" in found(anchor_certs=(text, "x"))[0].message


def test_host_certificates_without_supervision_are_unused(certificate: bytes) -> None:
    text = base64.b64encode(certificate).decode()
    unsupervised = {"is_supervised": False, "is_mdm_removable": True}
    assert codes(supervising_host_certs=(text,), **unsupervised) == [("warning", "host_certs_unsupervised")]
    assert codes(supervising_host_certs=(), **unsupervised) == []


def test_shared_ipad_needs_supervision_and_cant_be_migrated() -> None:
    assert codes(is_multi_user=True) == [("note", "multi_user_only_ipad"), ("note", "not_migratable")]
    unsupervised = codes(is_multi_user=True, is_supervised=False, is_mdm_removable=True)
    assert unsupervised[0] == ("warning", "multi_user_unsupervised")


def test_return_to_service_cant_be_migrated() -> None:
    assert codes(is_return_to_service=True) == [("note", "not_migratable")]


@pytest.mark.parametrize(("missing", "warned"), [("language", True), ("region", True), ("department", False)])
def test_auto_advance_wants_language_and_region(missing: str, warned: bool) -> None:
    keys = {key: value for key, value in SOUND.items() if key != missing} | {"auto_advance_setup": True}
    expected = ["auto_advance_without_locale"] if warned else []
    assert [finding.code for finding in check_profile(Profile(**keys))] == expected


def test_awaiting_needs_an_mdm_that_says_when() -> None:
    assert codes(await_device_configured=True) == [("note", "await_needs_command")]


def test_forbidding_pairing_is_deprecated() -> None:
    assert codes(allow_pairing=False) == [("note", "allow_pairing_deprecated")]
    assert codes(allow_pairing=True) == []


def test_an_unknown_skip_key_is_a_warning_that_knows_the_right_case() -> None:
    (finding,) = found(skip_setup_items=("siri",))
    assert (finding.level, finding.code) == (Level.WARNING, "skip_key_unknown")
    assert finding.message.endswith("did you mean Siri?")
    assert "mean" not in found(skip_setup_items=("Brandnew",))[0].message


@pytest.mark.parametrize(
    ("item", "expected"),
    [
        ("Keyboard", ["skip_key_pre_fetch"]),
        ("DisplayTone", ["skip_key_deprecated", "skip_key_deprecated"]),
        ("Wallpaper", ["skip_key_removed"]),
        ("Siri", []),
    ],
)
def test_what_apple_says_of_a_skip_key_is_a_note(item: str, expected: list[str]) -> None:
    assert codes(skip_setup_items=(item,)) == [("note", code) for code in expected]


def test_a_skip_key_that_no_target_has_is_a_warning() -> None:
    targets = {Platform.IOS: "18", Platform.MACOS: "14"}
    assert [
        finding.code for finding in found(targets=targets, skip_setup_items=("TVRoom", "Siri", "CameraButton"))
    ] == ["skip_key_unavailable"]
    assert "iOS 18, macOS 14" in found(targets=targets, skip_setup_items=("TVRoom",))[0].message
    assert codes(skip_setup_items=("TVRoom",)) == []


def test_more_devices_than_a_request_takes_are_a_warning() -> None:
    assert codes(devices=("A1",) * 1000) == []
    assert codes(devices=("A1",) * 1001) == [("warning", "too_many_devices")]


def test_a_uuid_and_unknown_keys_are_pointed_out() -> None:
    assert codes(profile_uuid="U") == [("note", "profile_uuid_ignored")]
    assert codes(extra={"b": 1, "a": 2}) == [("warning", "key_unknown"), ("warning", "key_unknown")]
    assert [finding.key for finding in found(extra={"b": 1, "a": 2})] == ["a", "b"]


def test_errors_come_first_missing_before_invalid_before_contradictory() -> None:
    profile = Profile(
        url="",
        department="",
        is_mdm_removable=False,
        region="us",
        skip_setup_items=("siri",),
        is_return_to_service=True,
    )
    assert [finding.code for finding in check_profile(profile)] == [
        "CONFIG_NAME_REQUIRED",
        "CONFIG_URL_INVALID",
        "DEPARTMENT_INVALID",
        "FLAGS_INVALID",
        "LOCALE_INVALID",
        "skip_key_unknown",
        "not_migratable",
    ]


def test_what_apple_refuses_of_empty_optional_keys_goes_away_without_them() -> None:
    empty = dict.fromkeys(("department", "support_phone_number", "support_email_address", "org_magic", "language"), "")
    profile = Profile(profile_name="x", url="https://x", **empty)  # type: ignore[arg-type]  # texts only
    assert len(check_profile(profile)) == 5
    assert check_profile(without_empty(profile)) == []


VALUES = st.text() | st.just("https://x")


@given(
    st.builds(
        Profile,
        **{key: VALUES for key in KEYS if key not in DEFAULTS and not key.endswith(("certs", "items", "devices"))},
        **{key: st.booleans() for key in DEFAULTS},
        **{key: st.lists(VALUES, max_size=3).map(tuple) for key in ("anchor_certs", "skip_setup_items", "devices")},
        extra=st.dictionaries(st.text(), st.none(), max_size=2),
    )
)
def test_any_profile_can_be_checked_and_every_finding_says_something(profile: Profile) -> None:
    findings = check_profile(profile, targets={Platform.IOS: "27"})
    assert all(
        finding.message and finding.key and finding.code for finding in findings if finding.code != "key_unknown"
    )
    assert findings == sorted(findings, key=lambda finding: list(Level).index(finding.level))
