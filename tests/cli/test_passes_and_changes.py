"""`adept passes`, `adept changes`, `adept db`: what happened, and the database's schema."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from adept.simulator.running import Running
from tests.cli.conftest import Run

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


def test_upgrade_makes_the_database_and_is_harmless_after_that(adept: Run, tmp_path: Path) -> None:
    for _ in range(2):
        ran = adept("db", "upgrade", "--json")
        assert ran.code == 0
        assert ran.json["database"] == str(tmp_path / "data" / "adept.sqlite3")


BAD_DATABASES = {
    "no database": b"this is a text file, and longer than the header of a database would be " * 20,
    "damaged": b"SQLite format 3\x00" + b"\xff" * 4096,
}


@pytest.mark.parametrize("content", BAD_DATABASES.values(), ids=BAD_DATABASES)
def test_a_file_that_is_no_database_is_told_and_left_alone(adept: Run, tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "data" / "adept.sqlite3"
    file.parent.mkdir()
    file.write_bytes(content)
    for words in (("accounts", "list"), ("db", "upgrade"), ("accounts", "add", "hq")):
        ran = adept(*words, "--json")
        assert (ran.code, ran.error["code"]) == (6, "store")
        assert file.read_bytes() == content


def test_a_newer_database_is_told_and_left_alone(adept: Run, hq: str, tmp_path: Path) -> None:
    file = tmp_path / "data" / "adept.sqlite3"
    with sqlite3.connect(file) as database:
        database.execute("UPDATE alembic_version SET version_num = '9999'")
    database.close()
    ran = adept("devices", "list", "--json")
    assert (ran.code, ran.error["code"]) == (6, "store")
    assert "newer" in ran.error["message"]


def test_a_lost_or_foreign_sealing_key_is_told(
    adept: Run, hq: str, tmp_path: Path, environment: dict[str, str]
) -> None:
    key = tmp_path / "data" / "secret.key"
    key.rename(tmp_path / "kept.key")
    lost = adept("accounts", "sync", hq, "--json")
    assert (lost.code, lost.error["code"]) == (6, "config")
    assert "secret.key" in lost.error["message"]
    environment["ADEPT_SECRET_KEYS"] = "b3RoZXIgb3RoZXIgb3RoZXIgb3RoZXIgb3RoZXIgMzI="
    assert adept("accounts", "sync", hq, "--json").error["code"] == "config"
    del environment["ADEPT_SECRET_KEYS"]


def test_postgresql_needs_its_keys_given(adept: Run, environment: dict[str, str]) -> None:
    environment["ADEPT_DATABASE_URL"] = "postgresql://adept:sesame@127.0.0.1:1/adept"
    ran = adept("accounts", "list")
    assert ran.code == 6
    assert "sesame" not in ran.err
