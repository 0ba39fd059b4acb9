"""Devices: the fast way, the ways for what deviates, and what is lost in none of them."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adept.protocol.device import (
    DEVICE_KEYS,
    SERIAL_MAX_LENGTH,
    Device,
    DeviceFamily,
    MalformedDevice,
    OpType,
    Os,
    ProfileStatus,
    decode_device,
    fold_serial,
    read_time,
)

TIMES = [key for key in DEVICE_KEYS if key.endswith(("_time", "_date", "_deadline"))]
FLAGS = ["is_replacement_device", "released_by_replacement"]
LISTS = ["imei", "meid"]
TEXTS = [key for key in DEVICE_KEYS if key not in (*TIMES, *FLAGS, *LISTS, "serial_number")]


def read(*, serial_number: Any = "F9FX10AAAA01", **keys: Any) -> Device | MalformedDevice:
    return decode_device(json.dumps({"serial_number": serial_number} | keys).encode())


def device(**keys: Any) -> Device:
    found = read(**keys)
    assert isinstance(found, Device), found
    return found


def malformed(**keys: Any) -> MalformedDevice:
    found = read(**keys)
    assert isinstance(found, MalformedDevice), found
    return found


def test_the_keys_are_divided_by_type_without_rest() -> None:
    assert len(TIMES) == 5
    assert len(TEXTS) == 15
    assert {"serial_number", *TIMES, *FLAGS, *LISTS, *TEXTS} == set(DEVICE_KEYS)


def test_apples_words_are_these() -> None:
    assert [str(word) for word in ProfileStatus] == ["empty", "assigned", "pushed", "removed"]
    assert [str(word) for word in OpType] == ["added", "modified", "deleted"]
    assert [str(word) for word in DeviceFamily] == ["iPad", "iPhone", "iPod", "Mac", "AppleTV", "Vision"]
    assert [str(word) for word in Os] == ["iOS", "iPadOS", "OSX", "tvOS", "visionOS"]


def test_a_device_is_its_serial_number_alone() -> None:
    alone = device()
    assert all(getattr(alone, key) is None for key in DEVICE_KEYS if key != "serial_number")
    assert alone.document == b'{"serial_number": "F9FX10AAAA01"}'
    assert alone.extra == {}


@pytest.mark.parametrize("key", TEXTS)
def test_a_text_is_kept_as_it_came(key: str) -> None:
    assert getattr(device(**{key: " Grün 😀 '\"\\/ \n"}), key) == " Grün 😀 '\"\\/ \n"


@pytest.mark.parametrize("key", ["profile_status", "op_type", "device_family", "os", "response_status"])
def test_a_word_apple_adds_survives(key: str) -> None:
    assert getattr(device(**{key: "brandNew"}), key) == "brandNew"


@pytest.mark.parametrize("absent", [None, ""])
@pytest.mark.parametrize("key", [*TEXTS, *TIMES, *FLAGS, *LISTS])
def test_null_and_empty_are_absent(key: str, absent: str | None) -> None:
    assert getattr(device(**{key: absent, "color": "red"} | {"model": "x"}), key) in (None, "red", "x")
    assert getattr(device(**{key: absent}), key) is None


@pytest.mark.parametrize("escape", ["", "\\", "é"])
def test_empty_strings_are_absent_beside_anything(escape: str) -> None:
    mixed = device(model="", description=f"a{escape}b", profile_push_time="", imei=[""], unknown="")
    assert (mixed.model, mixed.description, mixed.profile_push_time) == (None, f"a{escape}b", None)
    assert mixed.imei in (None, ())


def test_a_quote_before_the_end_of_a_text_is_no_empty_string() -> None:
    inches = device(model='13"', description="", asset_tag='"')
    assert (inches.model, inches.description, inches.asset_tag) == ('13"', None, '"')


@pytest.mark.parametrize("key", TIMES)
def test_a_time_is_read_as_aware_utc(key: str) -> None:
    time = getattr(device(**{key: "2026-03-02T10:11:12Z"}), key)
    assert time == datetime(2026, 3, 2, 10, 11, 12, tzinfo=UTC)
    assert time.utcoffset() == timedelta(0)


@pytest.mark.parametrize("key", TIMES)
@pytest.mark.parametrize(
    "text", ["2026-03-02T10:11:12", "2026-03-02 10:11:12", " 2026-03-02T10:11:12Z ", "20260302T101112Z"]
)
def test_a_time_written_otherwise_is_read_the_slow_way(key: str, text: str) -> None:
    assert getattr(device(**{key: text}), key) == datetime(2026, 3, 2, 10, 11, 12, tzinfo=UTC)


@pytest.mark.parametrize("key", TIMES)
@pytest.mark.parametrize("found", ["soon", "2026-13-01T00:00:00Z", 1772446272, ["2026-03-02T10:11:12Z"], True])
def test_what_is_no_time_makes_the_device_malformed_and_is_named(key: str, found: Any) -> None:
    bad = malformed(**{key: found})
    assert bad.serial_number == "F9FX10AAAA01"
    assert key in bad.reason


@pytest.mark.parametrize("key", TIMES)
def test_a_time_of_another_zone_is_read_as_utc(key: str) -> None:
    time = getattr(device(**{key: "2026-03-02T10:11:12+02:00"}), key)
    assert time.isoformat() == "2026-03-02T08:11:12+00:00"


@pytest.mark.parametrize("key", TIMES)
@pytest.mark.parametrize("text", ["9999-12-31T23:59:59-23:00", "0001-01-01T00:00:00+23:00"])
def test_a_time_that_utc_cant_hold_makes_the_device_malformed(key: str, text: str) -> None:
    assert key in malformed(**{key: text}).reason


@pytest.mark.parametrize("key", TEXTS)
@pytest.mark.parametrize("found", [3, True, ["x"], {"x": 1}, 1.5])
def test_a_text_of_another_type_makes_the_device_malformed_and_is_named(key: str, found: Any) -> None:
    assert f"$.{key}" in malformed(**{key: found}).reason


@pytest.mark.parametrize("key", LISTS)
def test_one_number_may_stand_without_its_array(key: str) -> None:
    assert getattr(device(**{key: "356789012345678"}), key) == ("356789012345678",)
    assert getattr(device(**{key: ["1", "2"]}), key) == ("1", "2")
    assert getattr(device(**{key: []}), key) == ()
    assert key in malformed(**{key: [3]}).reason


@pytest.mark.parametrize("key", FLAGS)
@pytest.mark.parametrize(("found", "value"), [(True, True), (False, False), ("true", True), (" False ", False)])
def test_a_flag_may_be_a_word(key: str, found: Any, value: bool) -> None:
    assert getattr(device(**{key: found}), key) is value


@pytest.mark.parametrize("key", FLAGS)
@pytest.mark.parametrize("found", ["yes", 1, [True]])
def test_what_is_no_flag_makes_the_device_malformed(key: str, found: Any) -> None:
    assert key in malformed(**{key: found}).reason


@pytest.mark.parametrize("spelled", ["f9fx10aaaa01", " F9FX10AAAA01 ", "F9fx10aaaa01\n", "\tF9FX10AAAA01"])
def test_a_serial_number_is_folded_and_the_document_left(spelled: str) -> None:
    folded = device(serial_number=spelled)
    assert folded.serial_number == "F9FX10AAAA01"
    assert json.loads(folded.document)["serial_number"] == spelled


def test_a_serial_number_is_folded_beside_empty_strings_too() -> None:
    assert device(serial_number="f9fx10aaaa01", model="").serial_number == "F9FX10AAAA01"


@pytest.mark.parametrize(
    "serial", ["", " ", None, 3, ["F9"], {}, True, "A" * (SERIAL_MAX_LENGTH + 1), "A\0B", "A\nB", "A\x7fB"]
)
def test_what_is_no_serial_number_makes_the_device_malformed_without_one(serial: Any) -> None:
    bad = malformed(serial_number=serial)
    assert bad.serial_number is None
    assert "serial" in bad.reason


def test_a_serial_number_may_have_dashes_and_64_characters() -> None:
    assert device(serial_number="C02-XK1Z").serial_number == "C02-XK1Z"
    assert device(serial_number="A" * SERIAL_MAX_LENGTH).serial_number == "A" * SERIAL_MAX_LENGTH


@pytest.mark.parametrize("own", [None, "", "a1"])
def test_the_serial_number_of_the_map_is_used_where_the_object_has_none(own: str | None) -> None:
    document = json.dumps({"model": "x"} | ({} if own is None else {"serial_number": own})).encode()
    found = decode_device(document, serial_number="A1")
    assert isinstance(found, Device)
    assert found.serial_number == "A1"


@pytest.mark.parametrize("document", [b"", b"3", b"null", b"[]", b'"x"', b"{", b'{"serial_number": "A1"', b"\xff"])
def test_what_is_no_object_is_malformed(document: bytes) -> None:
    found = decode_device(document)
    assert isinstance(found, MalformedDevice)
    assert found.serial_number is None
    assert found.reason


def test_unknown_keys_survive_with_any_value() -> None:
    unknown = {"capacity": 64, "nested": {"a": [1, None, "é"]}, "flag": False, "(document)": "x", "document": "y"}
    assert device(**unknown).extra == unknown


def test_a_key_named_document_does_not_replace_the_document() -> None:
    assert device(document=3).document == b'{"serial_number": "F9FX10AAAA01", "document": 3}'


def test_an_unknown_key_that_cant_be_read_does_not_cost_the_device() -> None:
    digits = b"9" * 5000
    found = decode_device(b'{"serial_number": "A1", "model": "", "new": ' + digits + b"}")
    assert isinstance(found, Device)
    assert found.extra == {"new": digits.decode()}


def test_a_nul_is_taken_out_of_texts_and_stays_escaped_in_the_document() -> None:
    found = device(model="a\0b", asset_tag="\0", imei=["1\0", "\0"])
    assert (found.model, found.asset_tag, found.imei) == ("ab", None, ("1",))
    assert rb"\u0000" in found.document
    assert b"\0" not in found.document


@pytest.mark.parametrize("half", [r"\ud800", r"\udc00", r"\ud83d\ud83d", r"\ud800A"])
def test_half_a_surrogate_pair_becomes_the_replacement_character(half: str) -> None:
    found = decode_device(b'{"serial_number": "A1", "model": "a%sb", "new": "\\ud83d\\ude00"}' % half.encode())
    assert isinstance(found, Device)
    assert found.model is not None
    assert "\N{REPLACEMENT CHARACTER}" in found.model
    assert found.document.decode().isprintable()
    assert found.extra == {"new": "😀"}


@pytest.mark.parametrize("place", [b'"model": "\xff"', b'"new": "\xff"', b'"\xff": 1'])
def test_bytes_that_are_no_text_become_the_replacement_character(place: bytes) -> None:
    found = decode_device(b'{"serial_number": "A1", ' + place + b"}")
    assert isinstance(found, Device)
    assert "\N{REPLACEMENT CHARACTER}" in found.document.decode()


def test_a_wrong_key_is_named_even_where_the_answer_is_huge() -> None:
    assert len(malformed(model=["x" * 100_000], color=[["y"]]).reason) <= 300


@given(st.text())
def test_folding_twice_is_folding_once(text: str) -> None:
    assert fold_serial(fold_serial(text)) == fold_serial(text)


def naive(year: int) -> datetime:
    return datetime(year, 1, 1)  # noqa: DTZ001  # hypothesis asks for bounds without a zone


ZONES = st.integers(-1439, 1439).map(lambda minutes: timezone(timedelta(minutes=minutes)))


@given(st.datetimes(timezones=ZONES, min_value=naive(2), max_value=naive(9998)))
def test_a_time_is_read_as_the_same_moment_in_utc(moment: datetime) -> None:
    found = read_time(moment.isoformat())
    assert found == moment
    assert found.tzinfo is UTC


def test_a_zone_is_kept_apart_from_its_moment() -> None:
    written = datetime(2026, 1, 1, 2, tzinfo=timezone(timedelta(hours=2)))
    assert read_time(written.isoformat()).isoformat() == "2026-01-01T00:00:00+00:00"


TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1)
SERIAL = st.from_regex(r"[0-9A-Z]{8,14}", fullmatch=True)
MOMENT = st.datetimes(min_value=naive(1970), max_value=naive(2100)).map(
    lambda moment: moment.replace(microsecond=0, tzinfo=UTC)
)
JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=8,
)
KNOWN = st.fixed_dictionaries(
    {"serial_number": SERIAL},
    optional=dict.fromkeys(TEXTS, TEXT)
    | dict.fromkeys(FLAGS, st.booleans())
    | dict.fromkeys(LISTS, st.lists(TEXT, max_size=3))
    | dict.fromkeys(TIMES, MOMENT.map(lambda moment: moment.strftime("%Y-%m-%dT%H:%M:%SZ"))),
)
UNKNOWN = st.dictionaries(TEXT.filter(lambda key: key not in DEVICE_KEYS), JSON, max_size=4)


def as_read(values: dict[str, Any]) -> dict[str, Any]:
    times = {key: datetime.fromisoformat(values[key]) for key in TIMES if key in values}
    lists = {key: tuple(values[key]) for key in LISTS if key in values}
    return values | times | lists


@given(known=KNOWN, unknown=UNKNOWN, ascii_only=st.booleans())
def test_every_device_is_read_whole_with_its_unknown_keys(
    known: dict[str, Any],
    unknown: dict[str, Any],
    ascii_only: bool,
) -> None:
    document = json.dumps(known | unknown, ensure_ascii=ascii_only).encode()
    found = decode_device(document)
    assert isinstance(found, Device)
    assert {key: value for key in DEVICE_KEYS if (value := getattr(found, key)) is not None} == as_read(known)
    assert found.extra == {key: value for key, value in unknown.items() if value not in (None, "")}
    assert found.document == document


@given(known=KNOWN, empty=st.sets(st.sampled_from([key for key in DEVICE_KEYS if key != "serial_number"])))
def test_empty_strings_change_nothing_but_the_document(known: dict[str, Any], empty: set[str]) -> None:
    plain = decode_device(json.dumps({key: value for key, value in known.items() if key not in empty}).encode())
    emptied = decode_device(json.dumps(known | dict.fromkeys(empty, "")).encode())
    assert isinstance(plain, Device)
    assert isinstance(emptied, Device)
    assert all(getattr(plain, key) == getattr(emptied, key) for key in DEVICE_KEYS)
