"""Profiles: every key there and back, absent and false kept apart."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import UNSET

from adept.errors import Malformed, Misuse
from adept.protocol.profile import (
    DEFAULTS,
    KEYS,
    REQUIRED,
    SERVER_RULES,
    Profile,
    decode_profile,
    encode_profile,
    profile_values,
    read_profile,
    without_empty,
)

TEXT_KEYS = [
    *["profile_name", "url", "configuration_web_url", "org_magic", "department", "support_phone_number"],
    *["support_email_address", "language", "region", "profile_uuid"],
]
LIST_KEYS = ["devices", "skip_setup_items", "supervising_host_certs", "anchor_certs"]
FLAG_KEYS = list(DEFAULTS)

TEXT = st.text(st.characters(exclude_categories=["Cs"]))
LEAF = st.none() | st.booleans() | st.integers(-(2**63), 2**63 - 1) | st.floats(allow_nan=False, allow_infinity=False)
JSON = st.recursive(
    LEAF | TEXT, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3), max_leaves=8
)
UNKNOWN = st.dictionaries(TEXT.filter(lambda key: key not in KEYS), JSON.filter(lambda value: value is not None))
PROFILES = st.builds(
    Profile,
    **{key: TEXT | st.just(UNSET) for key in TEXT_KEYS},
    **{key: st.booleans() | st.just(UNSET) for key in FLAG_KEYS},
    **{key: st.lists(TEXT, max_size=3).map(tuple) | st.just(UNSET) for key in LIST_KEYS},
    extra=UNKNOWN,
)


def decoded(values: dict[str, Any]) -> Profile:
    return decode_profile(json.dumps(values).encode(), endpoint="GET /profile")


def test_the_keys_are_texts_lists_and_flags_without_rest() -> None:
    assert {*TEXT_KEYS, *LIST_KEYS, *FLAG_KEYS} == set(KEYS)
    assert len(KEYS) == 23


@given(PROFILES)
def test_reading_a_profile_undoes_writing_it(profile: Profile) -> None:
    assert decode_profile(encode_profile(profile), endpoint="GET /profile") == profile
    assert read_profile(encode_profile(profile)) == profile


@given(PROFILES)
def test_writing_a_profile_undoes_reading_it(profile: Profile) -> None:
    sent = json.loads(encode_profile(profile))
    assert json.loads(encode_profile(decoded(sent))) == sent


@pytest.mark.parametrize("key", KEYS)
def test_an_absent_key_is_unset_and_stays_absent(key: str) -> None:
    profile = decoded({})
    assert getattr(profile, key) is UNSET
    assert encode_profile(profile) == b"{}"


@pytest.mark.parametrize("key", KEYS)
def test_null_is_absent(key: str) -> None:
    assert decoded({key: None}) == Profile()


@pytest.mark.parametrize("key", FLAG_KEYS)
@pytest.mark.parametrize("flag", [True, False])
def test_a_flag_is_written_whatever_its_default(key: str, flag: bool) -> None:
    assert json.loads(encode_profile(decoded({key: flag}))) == {key: flag}


@pytest.mark.parametrize("key", LIST_KEYS)
def test_an_empty_list_is_not_absent(key: str) -> None:
    assert json.loads(encode_profile(decoded({key: []}))) == {key: []}


def test_only_removable_and_pairing_are_on_by_default() -> None:
    assert {key for key, default in DEFAULTS.items() if default} == {"is_mdm_removable", "allow_pairing"}


def test_the_server_requires_a_name_and_a_url_and_knows_these_lengths() -> None:
    assert REQUIRED == ("profile_name", "url")
    assert {rule.key: (rule.maximum, rule.invalid, rule.required) for rule in SERVER_RULES} == {
        "profile_name": (125, "CONFIG_NAME_INVALID", "CONFIG_NAME_REQUIRED"),
        "url": (2000, "CONFIG_URL_INVALID", "CONFIG_URL_REQUIRED"),
        "department": (125, "DEPARTMENT_INVALID", None),
        "support_phone_number": (50, "SUPPORT_PHONE_INVALID", None),
        "support_email_address": (250, "SUPPORT_EMAIL_INVALID", None),
        "org_magic": (256, "MAGIC_INVALID", None),
    }


def test_empty_optional_keys_are_left_out_and_required_ones_stay() -> None:
    written = {"profile_name": "", "url": "", "department": "", "org_magic": "x", "is_supervised": False, "new": ""}
    assert profile_values(without_empty(decoded(written))) == {
        "profile_name": "",
        "url": "",
        "org_magic": "x",
        "is_supervised": False,
    }


@given(PROFILES)
def test_leaving_empty_keys_out_changes_nothing_else(profile: Profile) -> None:
    sent, kept = profile_values(profile), profile_values(without_empty(profile))
    assert kept == {key: value for key, value in sent.items() if value != "" or key in REQUIRED}


def test_unknown_keys_are_kept_after_the_known_ones() -> None:
    profile = decoded({"new_key": {"a": [1]}, "url": "u", "profile_name": "n"})
    assert profile.extra == {"new_key": {"a": [1]}}
    assert list(profile_values(profile)) == ["profile_name", "url", "new_key"]


def test_an_unknown_key_cant_stand_in_for_a_known_one() -> None:
    assert profile_values(Profile(url="real", extra={"url": "other", "new": 1})) == {"url": "real", "new": 1}


@pytest.mark.parametrize("key", ["extra", "(extra)"])
def test_a_key_named_extra_is_a_key_like_any_other(key: str) -> None:
    assert decoded({key: {"url": "x"}}).extra == {key: {"url": "x"}}


@pytest.mark.parametrize("key", KEYS)
def test_a_key_of_another_type_is_malformed_or_the_authors_mistake(key: str) -> None:
    body = json.dumps({key: {"wrong": 1}}).encode()
    with pytest.raises(Malformed) as caught:
        decode_profile(body, endpoint="GET /profile")
    assert caught.value.field == f"$.{key}"
    with pytest.raises(Misuse, match=rf"\$\.{key}"):
        read_profile(body)


@pytest.mark.parametrize(
    "document", ["", "[]", "null", "profile_name: x", "{", '{"a": 1} x', "\ud800", '{"a": "\\ud800"}']
)
def test_what_is_no_json_object_is_the_authors_mistake(document: str) -> None:
    with pytest.raises(Misuse, match="this is not a profile"):
        read_profile(document)


@pytest.mark.parametrize("body", [b"", b"[]", b"<html>", b"NOT_FOUND", b'{"profile_name": "x"'])
def test_an_answer_of_another_shape_is_malformed(body: bytes) -> None:
    with pytest.raises(Malformed, match="GET /profile: Apple's answer is not a profile"):
        decode_profile(body, endpoint="GET /profile")


def test_a_file_may_begin_with_a_byte_order_mark() -> None:
    assert read_profile(b'\xef\xbb\xbf{"profile_name": "x"}').profile_name == "x"
    assert read_profile('\ufeff{"profile_name": "x"}').profile_name == "x"


def test_a_profile_can_be_changed_into_another() -> None:
    profile = msgspec.structs.replace(decoded({"url": "u"}), is_supervised=True)
    assert profile_values(profile) == {"url": "u", "is_supervised": True}
