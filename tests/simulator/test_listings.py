"""Fetch and sync as a client meets them."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adept.simulator.simulator import Simulator
from tests.simulator.caller import Caller

WEEK_S = 7 * 24 * 3600


def serials(entries: list[dict[str, Any]]) -> list[str]:
    """The serial numbers of a page, in order."""
    return [entry["serial_number"] for entry in entries]


def test_a_fetch_shows_every_device_oldest_first_without_operations(simulator: Simulator, caller: Caller):
    devices, _cursor = caller.fetch_all(limit=3)
    assert serials(devices) == list(simulator.devices())
    assert devices == [json.loads(document) for document in simulator.devices().values()]
    assert not any("op_type" in device or "op_date" in device for device in devices)


def test_a_page_holds_a_hundred_devices_unless_told_otherwise():
    caller = Caller(Simulator(250))
    assert [len(caller.fetch()["devices"]), len(caller.fetch(limit=7)["devices"])] == [100, 7]


@pytest.mark.parametrize(("limit", "found"), [(1000, 1000), (5000, 1000), (0, 1), (-3, 1), (1, 1)])
def test_a_limit_is_brought_between_one_and_a_thousand(limit: int, found: int):
    assert len(Caller(Simulator(1200)).fetch(limit=limit)["devices"]) == found


@pytest.mark.parametrize("body", [{"limit": "100"}, {"limit": 1.5}, {"limit": True}, {"cursor": 7}])
@pytest.mark.parametrize("path", ["/server/devices", "/devices/sync"])
def test_a_cursor_or_limit_of_another_type_is_malformed(caller: Caller, path: str, body: dict[str, Any]):
    assert caller.refusal("POST", path, body) == (400, "MALFORMED_REQUEST_BODY")


def test_an_organisation_without_devices_has_one_empty_page():
    page = Caller(Simulator()).fetch()
    assert page["devices"] == []
    assert page["more_to_follow"] is False
    assert page["cursor"]


def test_a_fetch_shows_the_devices_of_its_first_page_and_sync_what_happened_meanwhile(
    simulator: Simulator, caller: Caller
):
    first = caller.fetch(limit=4)
    before = list(simulator.devices())
    new = simulator.buy(2)
    simulator.release(before[-1:])
    cursor, devices = first["cursor"], first["devices"]
    while True:
        page = caller.fetch(cursor, 4)
        devices += page["devices"]
        cursor = page["cursor"]
        if not page["more_to_follow"]:
            break
    assert serials(devices) == before
    entries, _cursor = caller.sync_all(cursor)
    assert [(entry["serial_number"], entry["op_type"]) for entry in entries] == [
        (new[0], "added"),
        (new[1], "added"),
        (before[-1], "deleted"),
    ]


def test_a_page_can_be_asked_for_again(caller: Caller):
    cursor = caller.fetch(limit=3)["cursor"]
    assert caller.fetch(cursor, 3)["devices"] == caller.fetch(cursor, 3)["devices"]


def test_a_sync_without_news_is_an_empty_page_with_a_cursor(caller: Caller):
    _devices, cursor = caller.fetch_all()
    page = caller.sync(cursor)
    assert page["devices"] == []
    assert page["more_to_follow"] is False
    assert caller.sync(page["cursor"])["devices"] == []


def test_a_sync_tells_each_operation_once_in_order_and_may_repeat_a_serial(simulator: Simulator, caller: Caller):
    _devices, cursor = caller.fetch_all()
    [serial] = simulator.buy(1)
    simulator.amend([serial], asset_tag="one")
    simulator.amend([serial], asset_tag="two")
    simulator.assign([serial], None)
    first = caller.sync(cursor, 3)
    second = caller.sync(first["cursor"], 3)
    entries = first["devices"] + second["devices"]
    assert first["more_to_follow"] is True
    assert [(entry["op_type"], entry.get("asset_tag") in ("one", "two")) for entry in entries] == [
        ("added", False),
        ("modified", True),
        ("modified", True),
        ("deleted", True),
    ]
    assert [entry["asset_tag"] for entry in entries[1:]] == ["one", "two", "two"]
    assert set(serials(entries)) == {serial}


def test_a_sync_cursor_is_not_used_up(simulator: Simulator, caller: Caller):
    _devices, cursor = caller.fetch_all()
    simulator.buy(2)
    assert caller.sync(cursor)["devices"] == caller.sync(cursor)["devices"]


@pytest.mark.parametrize("body", [{}, {"cursor": None}, {"cursor": ""}])
def test_a_sync_needs_a_cursor(caller: Caller, body: dict[str, Any]):
    assert caller.refusal("POST", "/devices/sync", body) == (400, "CURSOR_REQUIRED")


def test_a_drained_fetch_cursor_given_to_fetch_is_exhausted(caller: Caller):
    _devices, cursor = caller.fetch_all()
    assert caller.refusal("POST", "/server/devices", {"cursor": cursor}) == (400, "EXHAUSTED_CURSOR")


def test_a_sync_cursor_given_to_fetch_is_exhausted(caller: Caller):
    _devices, cursor = caller.fetch_all()
    cursor = caller.sync(cursor)["cursor"]
    assert caller.refusal("POST", "/server/devices", {"cursor": cursor}) == (400, "EXHAUSTED_CURSOR")


def test_a_cursor_in_the_middle_of_a_fetch_is_invalid_for_sync(caller: Caller):
    cursor = caller.fetch(limit=2)["cursor"]
    assert caller.refusal("POST", "/devices/sync", {"cursor": cursor}) == (400, "INVALID_CURSOR")


@pytest.mark.parametrize("path", ["/server/devices", "/devices/sync"])
@pytest.mark.parametrize("cursor", ["nonsense", "AAAA", "ü", "MTIzLTQ="])
def test_a_cursor_we_never_gave_is_invalid(caller: Caller, path: str, cursor: str):
    assert caller.refusal("POST", path, {"cursor": cursor}) == (400, "INVALID_CURSOR")


def test_a_cursor_of_another_server_is_invalid(simulator: Simulator, caller: Caller):
    simulator.add_server("other")
    simulator.get_token("other", form="json")
    _devices, cursor = caller.fetch_all()
    other = Caller(simulator, server="other")
    assert other.refusal("POST", "/devices/sync", {"cursor": cursor}) == (400, "INVALID_CURSOR")


def test_a_cursor_of_the_time_before_a_reset_is_invalid(simulator: Simulator, caller: Caller):
    _devices, cursor = caller.fetch_all()
    simulator.reset()
    caller.session = None
    assert caller.refusal("POST", "/devices/sync", {"cursor": cursor}) == (400, "INVALID_CURSOR")


def test_a_sync_cursor_lives_for_seven_days_by_the_movable_clock(simulator: Simulator, caller: Caller):
    _devices, cursor = caller.fetch_all()
    simulator.advance(WEEK_S)
    caller.session = None
    assert caller.sync(cursor)["devices"] == []
    simulator.advance(1)
    caller.session = None
    assert caller.refusal("POST", "/devices/sync", {"cursor": cursor}) == (400, "EXPIRED_CURSOR")
    assert caller.refusal("POST", "/server/devices", {"cursor": cursor}) == (400, "EXHAUSTED_CURSOR")


def test_an_old_cursor_in_the_middle_of_a_fetch_is_expired(simulator: Simulator, caller: Caller):
    cursor = caller.fetch(limit=2)["cursor"]
    simulator.advance(WEEK_S + 1)
    caller.session = None
    assert caller.refusal("POST", "/server/devices", {"cursor": cursor}) == (400, "EXPIRED_CURSOR")


def test_cursors_can_be_made_a_thousand_characters_long():
    caller = Caller(Simulator(5, cursor_length=1000))
    devices, cursor = caller.fetch_all(limit=2)
    assert len(devices) == 5
    assert len(cursor) == 1000
    assert caller.sync(cursor)["devices"] == []


def test_fetches_of_an_unchanged_fleet_share_their_snapshot(simulator: Simulator, caller: Caller):
    server = simulator._world.truth.server()
    assert server.snapshot() is server.snapshot()
    simulator.buy(1)
    assert len(server.snapshot().documents) == 11


def test_snapshots_are_dropped_oldest_first_when_they_list_too_much(simulator: Simulator, caller: Caller):
    server = simulator._world.truth.server()
    server.snapshot_references = 100
    cursor = caller.fetch(limit=2)["cursor"]
    for _ in range(10):
        simulator.buy(1)
        late = caller.fetch(limit=2)["cursor"]
    assert caller.refusal("POST", "/server/devices", {"cursor": cursor}) == (400, "INVALID_CURSOR")
    assert caller.fetch(late, 2)["devices"]


@pytest.mark.parametrize("version", [1, 2, 6, 7, 8, 9])
def test_pages_show_what_the_clients_version_knows(simulator: Simulator, version: int):
    caller = Caller(simulator, version=version)
    devices, cursor = caller.fetch_all()
    assert not any("wifi_mac_address" in device for device in devices)
    assert all(("os" in device) == (version >= 2) for device in devices)
    [serial] = simulator.buy(1, family="iPad")
    [entry] = caller.sync(cursor)["devices"]
    assert (entry["serial_number"], entry["op_type"]) == (serial, "added")
    assert entry.get("os") == (None if version < 2 else "iOS" if version < 7 else "iPadOS")


@pytest.mark.parametrize(("header", "spoken"), [(None, 1), ("", 1), ("x", 1), ("0", 1), ("99", 10), ("8", 8)])
def test_a_version_that_is_absent_or_odd_is_one_and_a_later_one_is_ours(
    simulator: Simulator, header: str | None, spoken: int
):
    caller = Caller(simulator, version=header)
    answer = caller.call("POST", "/server/devices", {})
    assert answer.headers["X-Server-Protocol-Version"] == str(spoken)


@settings(max_examples=60, deadline=None)
@given(
    acts=st.lists(st.sampled_from(["buy", "amend", "leave", "return", "sync", "switch"]), max_size=30),
    limit=st.integers(1, 7),
)
def test_fetch_and_then_sync_always_end_in_the_truth(acts: list[str], limit: int):
    """Whatever happens between the pages: applying the entries in order to the fetched devices gives the roster."""
    simulator = Simulator(6)
    caller = Caller(simulator)
    known = {device["serial_number"]: device for device in caller.fetch(limit=limit)["devices"]}
    page = caller.fetch(limit=limit)
    devices, cursor = list(page["devices"]), page["cursor"]
    is_fetching = page["more_to_follow"]
    for act in [*acts, "sync", "sync", "sync"] + ["sync"] * 40:
        present = list(simulator.devices())
        if act == "buy":
            simulator.buy(1)
        elif act == "amend" and present:
            simulator.amend(present[:2], asset_tag="changed")
        elif act == "leave" and present:
            simulator.assign(present[:1], None)
        elif act == "return":
            away = list(simulator._world.truth.organisation().unassigned)
            simulator.assign(away, "Example MDM")
        elif act == "sync":
            page = caller.fetch(cursor, limit) if is_fetching else caller.sync(cursor, limit)
            devices += page["devices"]
            cursor = page["cursor"]
            is_fetching = is_fetching and page["more_to_follow"]
    known = {}
    for device in devices:
        if device.pop("op_type", None) == "deleted":
            known.pop(device["serial_number"])
        else:
            device.pop("op_date", None)
            known[device["serial_number"]] = device
    assert known == {serial: json.loads(document) for serial, document in simulator.devices().items()}
