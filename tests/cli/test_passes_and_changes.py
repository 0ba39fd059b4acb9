"""`adept passes` and `adept changes`: what happened, over a database and over a service."""

from __future__ import annotations

import pytest

from adept.simulator.running import Running
from tests.cli.conftest import Run

pytestmark = pytest.mark.usefixtures("desk")

KEPT, GONE = "C02AAAA00001", "C02AAAA00002"


@pytest.fixture
def history(adept: Run, apple: Running, hq: str) -> Running:
    """Two devices came, one of them changed, the other went, and a pass failed."""
    apple.simulator.buy(serials=[KEPT, GONE], fields={"description": "MBA", "color": "SILVER"})
    adept("accounts", "sync", hq)
    apple.simulator.amend([KEPT], color="BLUE")
    apple.simulator.release([GONE])
    adept("accounts", "sync", hq)
    apple.simulator.fault("post_devices_sync", "internal_server_error")
    adept("accounts", "sync", hq)
    return apple


def test_passes_are_listed_newest_first(adept: Run, history: Running) -> None:
    passes = adept("passes", "--json").json
    assert passes["next_cursor"] is None
    assert [(p["account"], p["kind"], p["state"]) for p in passes["items"]] == [
        ("hq", "sync", "failed"),
        ("hq", "sync", "done"),
        ("hq", "full", "done"),
    ]
    assert passes["items"][0]["error_code"] == "unreachable"
    assert (passes["items"][1]["modified"], passes["items"][1]["deleted"]) == (1, 1)
    assert isinstance(passes["items"][0]["notes"], list)


def test_passes_for_people_say_why_one_failed(adept: Run, history: Running) -> None:
    lines = adept("passes", "--account", "hq").out.splitlines()
    assert lines[0].split()[:4] == ["ID", "ACCOUNT", "KIND", "STATE"]
    assert "500" in lines[1]
    assert "failed" in lines[1]


def test_passes_go_on_from_a_cursor(adept: Run, history: Running) -> None:
    first = adept("passes", "--limit", 2, "--json").json
    rest = adept("passes", "--cursor", first["next_cursor"], "--json").json
    assert (len(first["items"]), len(rest["items"]), rest["next_cursor"]) == (2, 1, None)


@pytest.mark.parametrize("words", [("--limit", "0"), ("--cursor", "x"), ("--account", "nobody")])
def test_what_cant_be_is_our_callers_mistake(adept: Run, hq: str, words: tuple[str, str]) -> None:
    assert adept("passes", *words).code == 2
    assert adept("changes", *words).code == 2


def test_nothing_yet_is_a_sentence(adept: Run, hq: str) -> None:
    assert adept("passes").out == "There were no passes yet.\n"
    assert adept("changes").out == "There are no such changes.\n"
    assert adept("changes", "--json").json == {"items": [], "next_cursor": None}


def test_changes_are_listed_oldest_first_with_what_was_and_what_is(adept: Run, history: Running) -> None:
    items = adept("changes", "--json").json["items"]
    assert [(c["serial_number"], c["kind"]) for c in items[:2]] == [(KEPT, "added"), (GONE, "added")]
    after = {c["kind"]: c for c in items[2:]}
    assert after["modified"]["before"]["color"] == "SILVER"
    assert after["modified"]["after"]["color"] == "BLUE"
    assert after["deleted"]["reason"] == "deleted"
    assert [int(c["cursor"]) for c in items] == sorted(int(c["cursor"]) for c in items)


def test_changes_go_on_from_a_cursor_and_miss_none(adept: Run, history: Running) -> None:
    everything = adept("changes", "--json").json["items"]
    found, cursor = [], None
    for _ in range(10):
        more = ("--cursor", cursor) if cursor else ()
        page = adept("changes", "--limit", 1, "--json", *more).json
        found += page["items"]
        cursor = page["next_cursor"]
        if cursor is None:
            break
    assert found == everything


def test_changes_of_one_device(adept: Run, history: Running) -> None:
    kinds = [c["kind"] for c in adept("changes", "--serial", GONE.lower(), "--json").json["items"]]
    assert kinds == ["added", "deleted"]


def test_changes_for_people_say_what_changed(adept: Run, history: Running) -> None:
    out = adept("changes").out
    assert "color: SILVER -> BLUE" in out
    assert "unassigned, moved or released at Apple" in out


def test_changes_outlive_their_account(adept: Run, history: Running) -> None:
    adept("accounts", "remove", "hq", "--yes")
    last = adept("changes", "--json").json["items"][-1]
    assert (last["account"], last["serial_number"], last["reason"]) == ("hq", KEPT, "account_removed")
