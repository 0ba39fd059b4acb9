"""`--hostile`: hard on clients, and passable for every one that keeps the rules."""

from __future__ import annotations

import json
from datetime import timedelta
from itertools import count, pairwise
from typing import Any

import pytest

from adept.simulator.hostility import PAGE_LIMIT
from adept.simulator.simulator import Simulator
from tests.simulator.caller import Caller
from tests.simulator.conftest import START

PROFILE = {"profile_name": "one", "url": "https://mdm.example.org/enroll"}


class PatientCaller(Caller):
    """Keeps Apple's rules: one new session for a 401, one repeat after Retry-After, tolerant reading."""

    waited = 0
    renewed = 0

    def call(self, method: str, path: str, body: Any = None, **headers: str | None) -> Any:
        """The answer after at most one renewal and one wait; the wait is only counted."""
        answer = super().call(method, path, body, **headers)
        if answer.status == 401:
            self.renewed += 1
            assert self.open().status == 200
            answer = super().call(method, path, body, **headers)
        if answer.status in (429, 503):
            assert answer.headers["Retry-After"]
            self.waited += 1
            answer = super().call(method, path, body, **headers)
        assert answer.status == 200, "a client that keeps the rules gets through"
        return answer

    def walk(self, path: str, cursor: str | None) -> tuple[list[dict[str, Any]], str]:
        """All pages of one listing: each page's entries by op_date, several at once only by their order."""
        entries: list[dict[str, Any]] = []
        while True:
            page = self.json("POST", path, {"limit": 1000} | ({"cursor": cursor} if cursor else {}))
            entries += sorted(page["devices"], key=lambda entry: entry.get("op_date", ""))
            more = str(page["more_to_follow"]).lower() == "true"
            if more:
                assert page["cursor"] != cursor, "a cursor that stays promises no more"
            cursor = page["cursor"]
            if not more:
                return entries, cursor


def without_operation(entry: dict[str, Any]) -> dict[str, Any]:
    """The device without what a sync entry adds."""
    return {key: value for key, value in entry.items() if key not in ("op_type", "op_date")}


def apply(known: dict[str, Any], entries: list[dict[str, Any]]) -> None:
    """What a client makes of entries, in their order."""
    for entry in entries:
        if entry.get("op_type") == "deleted":
            known.pop(entry["serial_number"], None)
        else:
            known[entry["serial_number"]] = without_operation(entry)


@pytest.mark.parametrize("seed", range(6))
def test_a_client_that_keeps_the_rules_always_ends_in_the_truth(seed: int):
    simulator = Simulator(600, seed, hostile=True)
    caller = PatientCaller(simulator)
    known: dict[str, Any] = {}
    entries, cursor = caller.walk("/server/devices", None)
    apply(known, entries)
    for round_ in range(4):
        bought = simulator.buy(60)
        simulator.advance(2)
        simulator.release(list(simulator.devices())[round_ : round_ + 20])
        simulator.advance(2)
        simulator.amend(bought[:30], asset_tag=f"round {round_}")
        simulator.advance(2)
        entries, cursor = caller.walk("/devices/sync", cursor)
        apply(known, entries)
    for _ in range(2):
        entries, cursor = caller.walk("/devices/sync", cursor)
        apply(known, entries)
    assert known == {serial: json.loads(document) for serial, document in simulator.devices().items()}
    assert caller.renewed >= 1


def test_pages_are_small_and_say_so():
    caller = PatientCaller(Simulator(100, hostile=True))
    page = caller.json("POST", "/server/devices", {"limit": 1000})
    assert len(page["devices"]) == PAGE_LIMIT
    limits = [url["limit"]["maximum"] for url in caller.json("GET", "/account")["urls"] if "limit" in url]
    assert limits == [PAGE_LIMIT] * 2


def test_session_tokens_roll_and_sessions_end_but_renewed_ones_not_before_twenty_five_requests():
    simulator = Simulator(hostile=True)
    caller = Caller(simulator)
    lengths, run, tokens = [], 0, set()
    for _ in range(400):
        answer = caller.call("GET", "/account")
        tokens.add(caller.session)
        if answer.status == 401:
            lengths.append(run)
            run, caller.session = 0, None
        else:
            run += 1
    assert len(lengths) >= 4
    assert 5 <= lengths[0] <= 15
    assert all(25 <= length <= 60 for length in lengths[1:])
    assert len(tokens) > 50


def test_refusals_come_with_a_wait_in_both_forms_and_never_twice_soon():
    ticks = count()
    simulator = Simulator(hostile=True, session_life_s=10**6, now=lambda: START + timedelta(seconds=next(ticks)))
    caller = Caller(simulator)
    statuses, waits = [], set()
    for _ in range(2000):
        answer = caller.call("GET", "/account")
        if answer.status == 401:
            caller.session = None
            continue
        statuses.append(answer.status)
        if answer.status in (429, 503):
            waits.add(answer.headers["Retry-After"].isdigit())
    refused = [place for place, status in enumerate(statuses) if status != 200]
    assert {429, 503} <= set(statuses)
    assert waits == {True, False}
    assert 20 < len(refused) <= 80
    assert min(later - earlier for earlier, later in pairwise(refused)) > 25


def test_a_refused_server_is_left_alone_for_three_seconds_however_many_requests_come():
    caller = Caller(Simulator(hostile=True, now=lambda: START))
    statuses = []
    for _ in range(1000):
        answer = caller.call("GET", "/account")
        if answer.status == 401:
            caller.session = None
        statuses.append(answer.status)
    assert len([status for status in statuses if status in (429, 503)]) == 1


def test_booleans_are_words_now_and_then():
    caller = PatientCaller(Simulator(10, hostile=True))
    found = {type(caller.json("POST", "/server/devices", {})["more_to_follow"]) for _ in range(30)}
    assert found == {bool, str}


def test_entries_are_shuffled_and_doubled_but_not_those_of_one_device_and_second():
    simulator = Simulator(hostile=True)
    caller = PatientCaller(simulator)
    _entries, cursor = caller.walk("/server/devices", None)
    serials = simulator.buy(10)
    for tag in "abc":
        simulator.amend(serials, asset_tag=tag)
    page = caller.json("POST", "/devices/sync", {"cursor": cursor})
    entries = page["devices"]
    assert [entry["serial_number"] for entry in entries] != serials * 4
    for serial in serials:
        tags = [entry.get("asset_tag", "") for entry in entries if entry["serial_number"] == serial]
        assert [tag for tag in dict.fromkeys(tags) if tag in "abc" and tag] == ["a", "b", "c"]
    assert any(
        len(caller.json("POST", "/devices/sync", {"cursor": cursor})["devices"]) > len(serials) * 4 - 1
        for _ in range(20)
    )


def test_a_last_sync_page_may_keep_its_cursor_once():
    simulator = Simulator(hostile=True)
    caller = PatientCaller(simulator)
    _entries, cursor = caller.walk("/server/devices", None)
    kept = 0
    for _ in range(60):
        simulator.buy(1)
        page = caller.json("POST", "/devices/sync", {"cursor": cursor})
        if page["cursor"] == cursor:
            kept += 1
            page = caller.json("POST", "/devices/sync", {"cursor": cursor})
            assert page["cursor"] != cursor
        cursor = page["cursor"]
    assert kept > 5


def test_an_assign_may_leave_devices_out_each_of_them_once():
    simulator = Simulator(200, hostile=True)
    caller = PatientCaller(simulator)
    uuid = caller.json("POST", "/profile", PROFILE)["profile_uuid"]
    serials = list(simulator.devices())
    short = 0
    for start in range(0, 200, 10):
        body = {"profile_uuid": uuid, "devices": serials[start : start + 10]}
        answer = caller.json("POST", "/profile/devices", body)["devices"]
        if len(answer) < 10:
            short += 1
            answer |= caller.json("POST", "/profile/devices", body)["devices"]
        assert answer == dict.fromkeys(serials[start : start + 10], "SUCCESS")
    assert short > 2


def test_an_odd_assign_is_refused_by_its_code_even_then():
    caller = Caller(Simulator(hostile=True))
    for _ in range(10):
        assert caller.refusal("POST", "/profile/devices", {"profile_uuid": "X"}) == (400, "DEVICE_ID_REQUIRED")
