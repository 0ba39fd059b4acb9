"""Reading answers: mending text, absent keys, and what an error tells."""

from __future__ import annotations

import json

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from adept.errors import Malformed
from adept.protocol.answers import (
    UNREADABLE,
    has_escaped_nul,
    is_utf8,
    mend_text,
    read_any,
    read_object,
    read_struct,
    split_object,
)


class Pair(msgspec.Struct, frozen=True):
    """Something to read."""

    one: str
    two: int = 2


@pytest.mark.parametrize(
    ("sent", "mended"),
    [
        (b'"plain"', b'"plain"'),
        ('"Grün 😀"'.encode(), '"Grün 😀"'.encode()),
        (rb'"\ud83d\ude00"', rb'"\ud83d\ude00"'),
        (rb'"\uD83D\uDE00"', rb'"\uD83D\uDE00"'),
        (rb'"\ud83d"', rb'"\ufffd"'),
        (rb'"\ude00\ud83d"', rb'"\ufffd\ufffd"'),
        (rb'"\ud83d\ud83d\ude00"', rb'"\ufffd\ud83d\ude00"'),
        (rb'"\\ud83d"', rb'"\\ud83d"'),
        (rb'"\\\ud83d"', rb'"\\\ufffd"'),
        (rb'"\"\ud83d\""', rb'"\"\ufffd\""'),
        (rb'"\u00e4\n"', rb'"\u00e4\n"'),
        (rb'"\ud8"', rb'"\ud8"'),
        (b'"\xff"', '"\N{REPLACEMENT CHARACTER}"'.encode()),
        (b'"\xed\xa0\x80"', ('"' + "\N{REPLACEMENT CHARACTER}" * 3 + '"').encode()),
    ],
)
def test_what_is_no_text_becomes_the_replacement_character_and_nothing_else_changes(sent: bytes, mended: bytes) -> None:
    assert mend_text(sent) == mended


@given(st.text(st.characters(codec="utf-16", categories=None)) | st.text())
def test_any_json_string_can_be_read_once_mended(text: str) -> None:
    read = msgspec.json.decode(mend_text(json.dumps(text).encode()))
    assert len(read) == len(text.encode("utf-16", "surrogatepass").decode("utf-16", "replace"))


@given(st.binary())
def test_any_bytes_are_text_once_mended_and_mending_twice_changes_nothing(body: bytes) -> None:
    mended = mend_text(body)
    assert is_utf8(mended)
    assert mend_text(mended) == mended
    assert mended == body or not is_utf8(body) or rb"\u" in body


@given(st.binary())
def test_bytes_are_utf8_if_python_says_so(body: bytes) -> None:
    try:
        body.decode()
    except UnicodeDecodeError:
        assert not is_utf8(body)
    else:
        assert is_utf8(body)


@given(st.text())
def test_a_nul_in_a_string_is_never_missed(text: str) -> None:
    assert has_escaped_nul(json.dumps(text).encode()) or "\0" not in text


def test_null_and_empty_keys_are_left_out_and_no_others() -> None:
    keys = split_object(b'{"a": null, "b": "", "c": 0, "d": false, "e": [], "f": {}, "g": " ", "h": "null"}')
    assert list(keys) == ["c", "d", "e", "f", "g", "h"]


@pytest.mark.parametrize("document", [b"", b"[]", b"3", b'{"a": }', b'{"a"', b"\xff", b'{"a": [' * 50_000])
def test_what_is_no_object_raises_one_of_the_unreadable(document: bytes) -> None:
    with pytest.raises(UNREADABLE):
        split_object(document)


@pytest.mark.parametrize(("document", "value"), [(b'{"a": [1]}', {"a": [1]}), (b"9" * 5000, "9" * 5000), (b"{", "{")])
def test_a_value_that_cant_be_read_in_full_is_its_text(document: bytes, value: object) -> None:
    assert read_any(document) == value


def test_a_struct_is_read_from_the_keys_it_has_fields_for() -> None:
    body = b'{"one": "x", "three": ' + b"9" * 5000 + b"}"
    assert read_struct(body, Pair, endpoint="GET /pair", what="a pair") == Pair("x")


def test_a_field_that_is_known_already_is_not_read() -> None:
    assert read_struct(b'{"one": 7, "two": 3}', Pair, endpoint="x", what="a pair", one="known") == Pair("known", 3)


def test_an_error_names_endpoint_place_and_beginning() -> None:
    with pytest.raises(Malformed) as caught:
        read_struct(b'{"one": "x", "two": "y"}', Pair, endpoint="GET /pair", what="a pair")
    error = caught.value
    assert (error.endpoint, error.field, error.found) == ("GET /pair", "$.two", '{"one": "x", "two": "y"}')
    assert str(error).startswith("GET /pair: Apple's answer is not a pair: Expected `int`, got `str` - at `$.two`")
    assert isinstance(error.__cause__, msgspec.ValidationError)


def test_an_error_names_the_key_whose_value_is_out_of_range() -> None:
    with pytest.raises(Malformed) as caught:
        read_struct(b'{"one": "x", "two": ' + b"9" * 5000 + b"}", Pair, endpoint="x", what="a pair")
    assert caught.value.field == "$.two"


def test_a_missing_field_is_named_in_the_message() -> None:
    with pytest.raises(Malformed, match="one"):
        read_struct(b"{}", Pair, endpoint="x", what="a pair")


def test_an_error_about_a_secret_shows_its_length_alone() -> None:
    with pytest.raises(Malformed) as caught:
        read_object(b'["5ecre7"', endpoint="GET /session", what="a session token", secret=True)
    assert caught.value.found == "9 bytes"
    assert "5ecre7" not in str(caught.value)


def test_an_excerpt_is_short_and_printable_in_the_message() -> None:
    with pytest.raises(Malformed) as caught:
        read_object(b"<html>\r\n\x1b[31m" + b"x" * 10_000, endpoint="x", what="an account")
    assert len(str(caught.value)) < 300
    assert str(caught.value).isprintable()
