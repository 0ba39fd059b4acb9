"""Every decoder on anything at all: it gives a value or one of our errors, soon, and in words that can be printed."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from adept.errors import AdeptError, Malformed, Misuse
from adept.protocol.account import Account, decode_account
from adept.protocol.account_driven import AccountDrivenEnrollment, decode_account_driven_enrollment
from adept.protocol.activation_lock import ActivationLockResult, decode_activation_lock
from adept.protocol.beta_tokens import BetaTokens, decode_beta_tokens
from adept.protocol.bypass_code import BypassCode
from adept.protocol.details import DeviceDetails, decode_details
from adept.protocol.device import DEVICE_KEYS, Device, MalformedDevice, decode_device
from adept.protocol.pages import DevicePage, decode_page
from adept.protocol.profile import KEYS, Profile, decode_profile, encode_profile, read_profile
from adept.protocol.profile_checks import check_profile
from adept.protocol.replacement import ReplacementDetails, decode_replacement_details
from adept.protocol.results import (
    AssignResult,
    DefineResult,
    DeviceResults,
    decode_assign_result,
    decode_define_result,
    decode_device_results,
)
from adept.protocol.session_token import decode_session_token

Decoder = Callable[..., Any]
DECODERS: dict[Decoder, type] = {
    decode_account: Account,
    decode_account_driven_enrollment: AccountDrivenEnrollment,
    decode_activation_lock: ActivationLockResult,
    decode_assign_result: AssignResult,
    decode_beta_tokens: BetaTokens,
    decode_define_result: DefineResult,
    decode_details: DeviceDetails,
    decode_device_results: DeviceResults,
    decode_page: DevicePage,
    decode_profile: Profile,
    decode_replacement_details: ReplacementDetails,
    decode_session_token: str,
}
ENDPOINT = "GET /anything"
LONGEST_S = 5.0  # of CPU, for any one answer of this file
RECURSION = 100_000

each = pytest.mark.parametrize("decode", DECODERS, ids=lambda decode: decode.__name__)


def outcome(decode: Decoder, body: bytes) -> Any:
    """The value a decoder gives, or its error; anything else is raised and fails the test."""
    started = time.process_time()
    try:
        value = decode(body, endpoint=ENDPOINT)
    except Malformed as error:
        value = error
    assert time.process_time() - started < LONGEST_S
    return value


def check(decode: Decoder, body: bytes) -> None:
    """A value of the decoder's type, or an error that names the endpoint and can be shown."""
    value = outcome(decode, body)
    if isinstance(value, Malformed):
        assert value.endpoint == ENDPOINT
        assert str(value).encode()
        assert len(str(value)) < 2000
    else:
        assert isinstance(value, DECODERS[decode]), decode.__name__


# The keys and words that get past the first check, beside anything else.
WORDS = st.sampled_from(
    [
        *[*DEVICE_KEYS, *KEYS, *Account.__struct_fields__, "cursor", "more_to_follow", "fetched_until", "device"],
        *["statuses", "retry_after_seconds", "auth_session_token", "betaEnrollmentTokens", "token", "uri", "limit"],
        *["default", "maximum", "http_method", "mdm_service_discovery_url", "last_updated_timestamp"],
        *["original_device_serial_number", "replacement_date", "SUCCESS", "A1", "true", ""],
    ]
)
STRINGS = (
    WORDS
    | st.text(st.characters(categories=None, codec=None))
    | st.datetimes().map(lambda moment: moment.isoformat() + "Z")
    | st.sampled_from(["9999-12-31T23:59:59-23:00", "0001-01-01T00:00:00+23:00", "\0", "A\0", "\ud800", "x" * 2000])
)
NUMBERS = st.integers() | st.floats() | st.sampled_from([10**400, -(10**400), 2**63, 2**64, 1e308, -0.0])
VALUES = st.recursive(
    st.none() | st.booleans() | NUMBERS | STRINGS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(WORDS | STRINGS, inner, max_size=6),
    max_leaves=30,
)


def page_of(value: Any) -> Any:
    return {"devices": [value, {"serial_number": "A1", "extra": value}], "cursor": "c", "more_to_follow": False}


SHAPES = (
    VALUES
    | st.dictionaries(WORDS, VALUES, max_size=8)
    | VALUES.map(page_of)
    | VALUES.map(lambda value: {"devices": {"A1": value}, "profile_uuid": "U", "retry_after_seconds": value})
    | VALUES.map(lambda value: {"server_name": "x", "urls": [value, {"uri": "/x", "limit": value}]})
)
BODIES = SHAPES.flatmap(lambda value: st.sampled_from([json.dumps(value), json.dumps(value, ensure_ascii=False)])).map(
    lambda text: text.encode("utf-8", "surrogatepass")
)


@given(body=st.binary(max_size=300))
def test_any_bytes_give_a_value_or_malformed(body: bytes) -> None:
    for decode in DECODERS:
        check(decode, body)


@given(body=BODIES)
def test_any_json_gives_a_value_or_malformed(body: bytes) -> None:
    for decode in DECODERS:
        check(decode, body)


@given(body=BODIES, place=st.floats(0, 1), put=st.binary(max_size=4), skip=st.integers(0, 8))
def test_json_cut_or_changed_at_any_place_gives_a_value_or_malformed(
    body: bytes, place: float, put: bytes, skip: int
) -> None:
    at = int(place * len(body))
    for decode in DECODERS:
        check(decode, body[:at] + put + body[at + skip :])


NASTY = {
    "nothing": b"",
    "blank": b" \r\n\t",
    "nul": b"\0",
    "nul in string": b'{"devices": "\0"}',
    "escaped nul": rb'{"devices": [{"serial_number": "\u0000"}], "auth_session_token": "\u0000"}',
    "not utf-8": b'{"server_name": "\xff\xfe", "cursor": "\x80"}',
    "utf-16": '{"devices": []}'.encode("utf-16"),
    "utf-32": '{"devices": []}'.encode("utf-32"),
    "byte order mark": b'\xef\xbb\xbf{"devices": []}',
    "lone surrogate": rb'{"server_name": "\ud800", "devices": [{"serial_number": "A1", "x": "\udfff"}]}',
    "encoded surrogate": b'{"server_name": "\xed\xa0\x80", "devices": [{"serial_number": "\xed\xa0\x80"}]}',
    "open array": b"[" * RECURSION,
    "open object": b'{"devices":' * RECURSION,
    "deep array": b'{"devices": ' + b"[" * RECURSION + b"]" * RECURSION + b"}",
    "deep device": b'{"devices": [{"serial_number": "A1", "x": ' + b"[" * RECURSION + b"]" * RECURSION + b"}]}",
    "deep map": b'{"devices": {"A1": ' + b'{"a":' * RECURSION + b"1" + b"}" * RECURSION + b"}}",
    "deep below the limit": b'{"server_name": "x", "y": ' + b"[" * 900 + b"]" * 900 + b', "devices": []}',
    "huge integer": b'{"devices": ' + b"9" * 1_000_000 + b"}",
    "huge integer in a device": b'{"devices": [{"serial_number": "", "x": ' + b"9" * 1_000_000 + b"}]}",
    "huge float": b'{"devices": 1e999999, "retry_after_seconds": 1e999999}',
    "huge retry": b'{"devices": {}, "profile_uuid": "U", "retry_after_seconds": ' + b"9" * 4000 + b"}",
    "nan": b'{"devices": NaN, "retry_after_seconds": Infinity}',
    "long string": b'{"server_name": "' + b"x" * 1_000_000 + b'"}',
    "long unclosed string": b'{"server_name": "' + b"x" * 1_000_000,
    "backslashes": b'{"server_name": "' + b"\\" * 500_000 + b'"}',
    "half escapes": b'{"server_name": "' + rb"\ud8" * 250_000 + b'"}',
    "lone surrogates": b'{"server_name": "' + rb"\ud800" * 150_000 + b'"}',
    "quotes": b'"' * 1_000_000,
    "empty strings": b'{"devices": [' + b'"",' * 100_000 + b'""]}',
    "empty devices": b'{"devices": [' + b"{}," * 20_000 + b"{}]}",
    "one key often": b'{"devices": null' + b', "devices": []' * 50_000 + b"}",
    "many keys": b"{" + b",".join(b'"k%d": 1' % number for number in range(50_000)) + b"}",
    "html": b"<!DOCTYPE html><html><body>502 Bad Gateway</body></html>",
    "gzip": b"\x1f\x8b\x08\x00\x00\x00\x00\x00",
    "comment": b'{"devices": [] /* none */}',
    "trailing comma": b'{"devices": [],}',
    "two documents": b'{"devices": []}{"devices": []}',
}


@each
@pytest.mark.parametrize("body", NASTY.values(), ids=NASTY)
def test_nasty_answers_give_a_value_or_malformed_soon(decode: Decoder, body: bytes) -> None:
    check(decode, body)


def check_entry(found: Device | MalformedDevice) -> None:
    """What everyone who is given a device relies on."""
    assert isinstance(found, Device | MalformedDevice)
    assert found.document.decode() is not None
    if isinstance(found, MalformedDevice):
        assert found.reason
        assert len(found.reason) <= 300
        assert found.serial_number is None or found.serial_number.isprintable()
        return
    values = [getattr(found, key) for key in DEVICE_KEYS]
    assert "" not in values
    assert found.serial_number == found.serial_number.strip().upper()
    assert 0 < len(found.serial_number) <= 64
    texts = [value for value in values if isinstance(value, str)]
    assert all("\0" not in text and text.encode() for text in texts)
    assert all(str(value.utcoffset()) == "0:00:00" for value in values if hasattr(value, "utcoffset"))
    assert isinstance(found.extra, dict)


@given(document=st.binary(max_size=300) | BODIES, serial=st.none() | st.just("A1"))
def test_any_document_is_a_device_or_a_malformed_one(document: bytes, serial: str | None) -> None:
    check_entry(decode_device(document, serial_number=serial))


@given(
    st.dictionaries(st.sampled_from(DEVICE_KEYS), STRINGS | VALUES, max_size=8).map(
        lambda keys: {"serial_number": "A1"} | keys
    )
)
def test_any_device_shaped_document_is_a_device_or_a_malformed_one(keys: dict[str, Any]) -> None:
    check_entry(decode_device(json.dumps(keys).encode()))


@given(st.lists(st.dictionaries(st.sampled_from(DEVICE_KEYS), STRINGS | VALUES, max_size=5), max_size=5))
def test_a_page_reads_each_entry_as_it_would_be_read_alone(entries: list[dict[str, Any]]) -> None:
    body = json.dumps({"devices": entries}).encode()
    page = outcome(decode_page, body)
    if isinstance(page, Malformed):
        return
    for entry in (*page.devices, *page.malformed):
        check_entry(entry)
    assert len(page.devices) + len(page.malformed) == len(entries)
    alone = [outcome(decode_page, json.dumps({"devices": [entry]}).encode()) for entry in entries]
    assert page.devices == tuple(device for single in alone for device in single.devices)


@pytest.mark.parametrize("body", NASTY.values(), ids=NASTY)
def test_a_nasty_profile_file_is_a_profile_or_the_authors_mistake(body: bytes) -> None:
    started = time.process_time()
    try:
        profile = read_profile(body)
    except Misuse:
        return
    assert check_profile(profile) is not None
    assert decode_profile(encode_profile(profile), endpoint=ENDPOINT) == profile
    assert time.process_time() - started < LONGEST_S


@given(BODIES)
def test_any_profile_that_can_be_read_can_be_checked_and_written(body: bytes) -> None:
    try:
        profile = read_profile(body)
    except Misuse:
        return
    assert check_profile(profile) is not None
    assert decode_profile(encode_profile(profile), endpoint=ENDPOINT) == profile


@given(st.text())
def test_any_text_is_a_bypass_code_or_misuse(text: str) -> None:
    try:
        code = BypassCode.from_code(text)
    except Misuse:
        return
    assert len(code.code) == 31


@each
def test_an_answer_that_was_accepted_can_be_written_as_json(decode: Decoder) -> None:
    for body in NASTY.values():
        value = outcome(decode, body)
        if not isinstance(value, AdeptError):
            assert msgspec.json.encode(value)
