"""Pages that are wrong, each in one way; what they leave out can be found in the ways a client has."""

from __future__ import annotations

import json
from typing import Any

import pytest

from adept.simulator.fault_words import WORDS
from adept.simulator.simulator import Simulator
from tests.simulator.caller import Caller

FETCH, SYNC = "post_server_devices", "post_devices_sync"


class Walk:
    """Ten devices, three operations since the fetch, and a fault to order for the next page."""

    def __init__(self, simulator: Simulator) -> None:
        self.simulator = simulator
        self.caller = Caller(simulator)
        _devices, self.cursor = self.caller.fetch_all()
        self.bought = simulator.buy(2)
        simulator.advance(60)
        simulator.release(self.bought[:1])

    def page(self, endpoint: str, word: str, cursor: str | None = None, limit: int = 1000) -> dict[str, Any]:
        """The page that the fault makes of the next one."""
        self.simulator.fault(endpoint, word)
        found: dict[str, Any]
        if endpoint == FETCH:
            found = self.caller.fetch(cursor, limit)
        else:
            found = self.caller.sync(cursor or self.cursor, limit)
        return found


@pytest.fixture
def walk(simulator: Simulator) -> Walk:
    """A client that has fetched; the log since then: added, added, deleted."""
    return Walk(simulator)


def serials(page: dict[str, Any]) -> list[str]:
    """The serial numbers of a page."""
    return [device["serial_number"] for device in page["devices"]]


@pytest.mark.parametrize("endpoint", [FETCH, SYNC])
@pytest.mark.parametrize("word", sorted(word.name for word in WORDS.values() if word.effect == "page"))
def test_every_spoilt_page_is_still_json_and_leaves_the_truth_alone(walk: Walk, endpoint: str, word: str):
    before = walk.simulator.devices()
    allowed = WORDS[word].endpoints
    if allowed is not None and endpoint in allowed:
        assert isinstance(walk.page(endpoint, word), dict)
    assert walk.simulator.devices() == before


def test_a_repeated_cursor_is_the_one_asked_with_and_promises_more(walk: Walk):
    page = walk.page(SYNC, "repeat_cursor")
    assert (page["cursor"], page["more_to_follow"]) == (walk.cursor, True)


def test_a_first_page_has_no_cursor_to_repeat_and_gives_one(walk: Walk):
    page = walk.page(FETCH, "repeat_cursor")
    assert page["cursor"]
    again = walk.page(FETCH, "repeat_cursor", page["cursor"])
    assert again["cursor"] == page["cursor"]


@pytest.mark.parametrize("endpoint", [FETCH, SYNC])
def test_a_page_that_never_ends_promises_more_for_ever_with_ever_new_cursors(walk: Walk, endpoint: str):
    page = walk.page(endpoint, "page_never_ends")
    cursors = {page["cursor"]}
    for _ in range(5):
        page = walk.page(endpoint, "page_never_ends", page["cursor"])
        cursors.add(page["cursor"])
        assert page["devices"] == []
        assert page["more_to_follow"] is True
    assert len(cursors) == 6


@pytest.mark.parametrize("endpoint", [FETCH, SYNC])
def test_an_empty_page_gives_a_new_cursor_that_finds_what_was_left_out(walk: Walk, endpoint: str):
    page = walk.page(endpoint, "empty_page")
    assert (page["devices"], page["more_to_follow"]) == ([], True)
    assert page["cursor"] != walk.cursor
    following = walk.caller.fetch(page["cursor"]) if endpoint == FETCH else walk.caller.sync(page["cursor"])
    assert len(following["devices"]) == (11 if endpoint == FETCH else 3)


def test_a_truncated_fetch_ends_early_with_a_cursor_good_for_sync(walk: Walk):
    page = walk.page(FETCH, "truncated_fetch")
    assert len(page["devices"]) == 5
    assert page["more_to_follow"] is False
    assert walk.caller.sync(page["cursor"])["devices"] == []


def test_an_empty_fetch_claims_that_there_is_no_device(walk: Walk):
    page = walk.page(FETCH, "empty_fetch")
    assert (page["devices"], page["more_to_follow"]) == ([], False)


@pytest.mark.parametrize(
    ("word", "key"),
    [("without_devices", "devices"), ("without_cursor", "cursor"), ("without_fetched_until", "fetched_until")],
)
def test_a_key_of_the_page_can_be_missing(walk: Walk, word: str, key: str):
    assert set(walk.page(SYNC, word)) == {"devices", "cursor", "fetched_until", "more_to_follow"} - {key}


def test_booleans_can_be_words(walk: Walk):
    [serial] = walk.simulator.buy(1, fields={"is_replacement_device": True})
    page = walk.page(SYNC, "string_booleans", limit=1000)
    assert page["more_to_follow"] == "false"
    assert [device.get("is_replacement_device") for device in page["devices"] if device["serial_number"] == serial] == [
        "true"
    ]


@pytest.mark.parametrize(("word", "count"), [("malformed_device", 1), ("malformed_devices", 11)])
def test_devices_can_be_malformed_with_a_readable_serial_number(walk: Walk, word: str, count: int):
    page = walk.page(FETCH, word)
    assert [device.get("imei") for device in page["devices"]].count(17) == count
    assert serials(page) == list(walk.simulator.devices())


def test_keys_and_values_can_be_of_the_future(walk: Walk):
    assert all(device["another_new_key"] is True for device in walk.page(FETCH, "unknown_keys")["devices"])
    assert {device["profile_status"] for device in walk.page(FETCH, "unknown_values")["devices"]} == {"pending"}
    assert {entry["op_type"] for entry in walk.page(SYNC, "unknown_op_type")["devices"]} == {"rearranged"}


def test_absent_fields_can_be_empty_strings_or_null(walk: Walk):
    [device, *_] = walk.page(FETCH, "empty_strings")["devices"]
    assert device["profile_push_time"] == ""
    assert device["mdm_migration_deadline"] is None
    assert device["device_assigned_date"]


def test_serial_numbers_can_be_in_lower_case_with_blanks(walk: Walk):
    page = walk.page(FETCH, "odd_serials")
    assert [serial.strip().upper() for serial in serials(page)] == list(walk.simulator.devices())
    assert serials(page) != list(walk.simulator.devices())


def test_devices_can_be_told_twice(walk: Walk):
    page = walk.page(FETCH, "duplicates")
    assert serials(page) == [serial for serial in walk.simulator.devices() for _ in range(2)]


@pytest.mark.parametrize("endpoint", [FETCH, SYNC])
def test_a_device_nobody_heard_of_can_turn_up(walk: Walk, endpoint: str):
    stranger = walk.page(endpoint, "stranger")["devices"][-1]
    assert stranger["serial_number"] == "STRANGER0001"
    assert ("op_type" in stranger) == (endpoint == SYNC)


def test_a_fetch_can_hold_a_device_as_deleted(walk: Walk):
    [first, second, *_] = walk.page(FETCH, "deleted_in_fetch")["devices"]
    assert first["op_type"] == "deleted"
    assert "op_type" not in second


def test_op_dates_can_cross_an_older_entry_after_a_newer_one(walk: Walk):
    entries = walk.page(SYNC, "crossed_op_dates")["devices"]
    pairs = list(zip(entries[::2], entries[1::2], strict=True))
    assert len(pairs) == 3
    for true, stale in pairs:
        assert stale["serial_number"] == true["serial_number"]
        assert stale["op_date"] < true["op_date"]
        assert (stale["op_type"] == "deleted") != (true["op_type"] == "deleted")


def test_op_dates_can_all_be_equal(walk: Walk):
    assert len({entry["op_date"] for entry in walk.page(SYNC, "equal_op_dates")["devices"]}) == 1


@pytest.mark.parametrize("key", ["op_type", "op_date"])
def test_an_operations_key_can_be_missing(walk: Walk, key: str):
    page = walk.page(SYNC, f"without_{key}")
    assert page["devices"]
    assert not any(key in entry for entry in page["devices"])


def test_a_cursor_can_stay_so_that_the_same_is_told_again(walk: Walk):
    page = walk.page(SYNC, "cursor_stays")
    assert (page["cursor"], page["more_to_follow"]) == (walk.cursor, False)
    assert walk.caller.sync(page["cursor"])["devices"] == page["devices"]


def test_faults_of_pages_show_to_older_versions_too(simulator: Simulator):
    caller = Caller(simulator, version=3)
    simulator.fault(FETCH, "malformed_device")
    assert caller.fetch()["devices"][0]["device_assigned_date"] == "the day before yesterday"


def test_an_empty_page_can_be_spoilt_by_any_word(simulator: Simulator):
    caller = Caller(Simulator())
    _devices, cursor = caller.fetch_all()
    for word in WORDS.values():
        if word.effect != "page":
            continue
        for endpoint, path in ((FETCH, "/server/devices"), (SYNC, "/devices/sync")):
            if word.endpoints is not None and endpoint in word.endpoints:
                caller.simulator.fault(endpoint, word.name)
                body = {"cursor": cursor} if endpoint == SYNC else {}
                assert json.loads(caller.call("POST", path, body).body) is not None
