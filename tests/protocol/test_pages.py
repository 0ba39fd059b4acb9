"""Pages of devices."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from adept.errors import Malformed
from adept.protocol.answers import MAXIMUM_DEPTH, TOO_DEEP
from adept.protocol.device import Device
from adept.protocol.pages import (
    CURSOR_LIFE_DAYS,
    CURSOR_MAX_LENGTH,
    DEFAULT_LIMIT,
    MAXIMUM_LIMIT,
    DevicePage,
    decode_page,
)

ENDPOINT = "POST /devices/sync"


def page(**keys: Any) -> DevicePage:
    return decode_page(json.dumps(keys).encode(), endpoint=ENDPOINT)


def test_apples_limits_are_these() -> None:
    assert (DEFAULT_LIMIT, MAXIMUM_LIMIT, CURSOR_MAX_LENGTH, CURSOR_LIFE_DAYS) == (100, 1000, 1000, 7)


def test_devices_keep_apples_order_and_may_occur_twice() -> None:
    serials = ["B2", "A1", "B2", "C3"]
    read = page(devices=[{"serial_number": serial} for serial in serials])
    assert [device.serial_number for device in read.devices] == serials


@pytest.mark.parametrize("keys", [{}, {"devices": None}, {"devices": []}])
def test_no_devices_is_an_empty_page(keys: dict[str, Any]) -> None:
    assert page(cursor="c", **keys).devices == ()


@pytest.mark.parametrize(
    ("found", "more"),
    [
        *[(True, True), (False, False), ("true", True), ("false", False), (" True\n", True), ("FALSE", False)],
        *[("", False), (None, False)],
    ],
)
def test_more_to_follow_is_a_bool_or_its_word(found: Any, more: bool) -> None:
    assert page(more_to_follow=found).more_to_follow is more


@pytest.mark.parametrize("found", ["maybe", "0", 1, 0, [], {}])
def test_what_is_no_bool_makes_the_page_malformed_and_is_named(found: Any) -> None:
    with pytest.raises(Malformed) as caught:
        page(more_to_follow=found)
    assert caught.value.field == "$.more_to_follow"
    assert caught.value.endpoint == ENDPOINT


def test_a_page_without_more_to_follow_is_the_last() -> None:
    assert page(devices=[]).more_to_follow is False


@pytest.mark.parametrize("found", [None, ""])
def test_no_cursor_is_none(found: str | None) -> None:
    assert page(cursor=found).cursor is None
    assert page().cursor is None


@pytest.mark.parametrize("cursor", ["c", "MDowOjE3NzI0==", "ü" * CURSOR_MAX_LENGTH, " c ", '"', "x" * 5000])
def test_a_cursor_is_opaque_and_comes_back_unchanged(cursor: str) -> None:
    assert page(cursor=cursor).cursor == cursor


@pytest.mark.parametrize("found", [3, True, ["c"], {}])
def test_a_cursor_of_another_type_makes_the_page_malformed(found: Any) -> None:
    with pytest.raises(Malformed) as caught:
        page(cursor=found)
    assert caught.value.field == "$.cursor"


@pytest.mark.parametrize(
    ("found", "mark"),
    [
        ("2026-03-02T10:15:00Z", datetime(2026, 3, 2, 10, 15, tzinfo=UTC)),
        ("2026-03-02T12:15:00+02:00", datetime(2026, 3, 2, 10, 15, tzinfo=UTC)),
        ("", None),
        (None, None),
        ("soon", None),
        (3, None),
        ("9999-12-31T23:59:59-23:00", None),
    ],
)
def test_a_progress_mark_that_cant_be_read_is_absent(found: Any, mark: datetime | None) -> None:
    assert page(fetched_until=found).fetched_until == mark


def test_a_wrong_device_costs_itself_and_not_the_page() -> None:
    read = page(
        devices=[{"serial_number": "A1"}, {"serial_number": "B2", "model": 3}, 7, None, {"serial_number": "C3"}]
    )
    assert [device.serial_number for device in read.devices] == ["A1", "C3"]
    assert [entry.serial_number for entry in read.malformed] == ["B2", None, None]
    assert read.malformed[0].document == b'{"serial_number": "B2", "model": 3}'


def test_a_device_keeps_its_exact_bytes_and_not_the_page() -> None:
    body = b'{"devices": [ { "serial_number":"A1",  "new":1.50 } , {"serial_number":"B2"}], "cursor":"c"}'
    first, second = decode_page(body, endpoint=ENDPOINT).devices
    assert first.document == b'{ "serial_number":"A1",  "new":1.50 }'
    assert second.document == b'{"serial_number":"B2"}'
    assert type(first.document) is bytes


def test_unknown_keys_of_a_page_are_no_mistake() -> None:
    assert page(cursor="c", server_time="now", devices=[]).cursor == "c"


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"null",
        b"[]",
        b'"x"',
        b"<!DOCTYPE html><html></html>",
        b'{"devices": {}}',
        b'{"devices": [',
        b'{"devices": [{"serial_number": "A1"}',
        b'{"devices": []} trailing',
        b"\x1f\x8b\x08\x00",
        b"\xff\xfe{\x00}\x00",
        b'{"a": ' * 100_000,
        b"[" * 1_000_000,
    ],
)
def test_an_answer_of_another_shape_is_malformed_and_tells_how_it_begins(body: bytes) -> None:
    with pytest.raises(Malformed, match="POST /devices/sync: Apple's answer is not a page of devices") as caught:
        decode_page(body, endpoint=ENDPOINT)
    assert caught.value.found == body[:80].decode("utf-8", "replace")
    assert len(str(caught.value)) < 500


def test_half_a_surrogate_pair_costs_neither_page_nor_device() -> None:
    body = rb'{"devices": [{"serial_number": "A1", "model": "\ud83d"}, {"serial_number": "B2"}], "cursor": "c"}'
    read = decode_page(body, endpoint=ENDPOINT)
    assert [device.model for device in read.devices] == ["\N{REPLACEMENT CHARACTER}", None]
    assert read.malformed == ()


def test_bytes_that_are_no_text_cost_neither_page_nor_device() -> None:
    body = b'{"devices": [{"serial_number": "A1", "new": "\xff"}, {"serial_number": "B2"}], "cursor": "c"}'
    read = decode_page(body, endpoint=ENDPOINT)
    assert [device.serial_number for device in read.devices] == ["A1", "B2"]
    assert all(device.document.decode() for device in read.devices)


def test_a_device_nested_too_deep_makes_the_page_malformed_quickly() -> None:
    deep = b"[" * 100_000 + b"]" * 100_000
    with pytest.raises(Malformed, match="recursion"):
        decode_page(b'{"devices": [{"serial_number": "A1", "new": ' + deep + b"}]}", endpoint=ENDPOINT)


@pytest.mark.parametrize("opening", [b"[", b'{"]": '])
def test_a_device_nested_deeper_than_can_be_handed_on_costs_itself_and_not_the_page(opening: bytes) -> None:
    def nested(depth: int) -> bytes:
        return opening * depth + b"1" + (b"]" if opening == b"[" else b"}") * depth

    def entry(serial: bytes, depth: int) -> bytes:
        return b'{"serial_number": "' + serial + b'", "flat": [], "new": ' + nested(depth - 1) + b"}"

    body = b'{"devices": [' + entry(b"A1", MAXIMUM_DEPTH) + b", " + entry(b"B2", MAXIMUM_DEPTH + 1) + b"]}"
    read = decode_page(body, endpoint=ENDPOINT)
    assert [device.serial_number for device in read.devices] == ["A1"]
    assert [(entry.serial_number, entry.reason) for entry in read.malformed] == [("B2", TOO_DEEP)]


def test_many_lists_beside_each_other_are_not_deep() -> None:
    read = page(devices=[{"serial_number": "A1", "new": [[]] * 1000}])
    assert [device.serial_number for device in read.devices] == ["A1"]


ODD = {
    "plain": {"serial_number": "A1"},
    "empty": {"serial_number": "A1", "model": ""},
    "quote": {"serial_number": "A1", "model": 'a"b'},
    "nul": {"serial_number": "A1", "model": "a\0"},
    "text": {"serial_number": "A1", "model": "Grün 😀"},
    "blank": {"serial_number": " a1 "},
    "dash": {"serial_number": "A-1"},
    "zone": {"serial_number": "A1", "op_date": "2026-03-02T10:11:12+02:00"},
    "naive": {"serial_number": "A1", "op_date": "2026-03-02T10:11:12"},
    "wrong": {"serial_number": "A1", "model": 3},
    "none": {},
}


@pytest.mark.parametrize("ascii_only", [True, False])
@pytest.mark.parametrize("beside", ODD.values(), ids=ODD)
@pytest.mark.parametrize("entry", ODD.values(), ids=ODD)
def test_a_device_is_read_alike_whatever_stands_beside_it(
    entry: dict[str, Any], beside: dict[str, Any], ascii_only: bool
) -> None:
    alone = decode_page(json.dumps({"devices": [entry]}, ensure_ascii=ascii_only).encode(), endpoint=ENDPOINT)
    both = decode_page(json.dumps({"devices": [beside, entry]}, ensure_ascii=ascii_only).encode(), endpoint=ENDPOINT)
    assert (alone.devices or alone.malformed)[-1] == (both.devices if alone.devices else both.malformed)[-1]


def test_a_page_of_1000_devices_is_read_whole() -> None:
    read = page(devices=[{"serial_number": f"F9FX{number:08d}", "model": "iPad"} for number in range(1000)])
    assert len(read.devices) == 1000
    assert all(isinstance(device, Device) for device in read.devices)
