"""`adept devices follow`: the feed from a kept place; it never skips, whatever ends it."""

from __future__ import annotations

import json
import signal
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from adept.simulator.running import Running
from tests.cli.conftest import Ran, Run

pytestmark = pytest.mark.usefixtures("desk")

FIRST, SECOND, THIRD = "C02AAAA00001", "C02AAAA00002", "C02AAAA00003"

Spawn = Callable[..., subprocess.Popen[str]]


def told(ran: Ran) -> list[tuple[str, str]]:
    """What a follower printed: serial numbers and kinds."""
    assert ran.code == 0, ran.err
    changes: list[dict[str, Any]] = [json.loads(line) for line in ran.out.splitlines()]
    return [(change["serial_number"], change["kind"]) for change in changes]


@pytest.fixture
def bought(adept: Run, apple: Running, hq: str) -> Callable[[str], None]:
    """Buy a device and sync it."""

    def buy(serial: str) -> None:
        apple.simulator.buy(serials=[serial])
        assert adept("accounts", "sync", hq).code == 0

    buy(FIRST)
    return buy


def test_it_begins_with_the_first_change_and_goes_on_where_it_ended(
    adept: Run, bought: Callable[[str], None], tmp_path: Path
) -> None:
    assert told(adept("devices", "follow", "--once")) == [(FIRST, "added")]
    assert told(adept("devices", "follow", "--once")) == []
    bought(SECOND)
    assert told(adept("devices", "follow", "--once")) == [(SECOND, "added")]
    assert (tmp_path / "data" / "follow.json").exists()


def test_a_line_is_what_changes_tell(adept: Run, bought: Callable[[str], None]) -> None:
    [line] = adept("devices", "follow", "--once").out.splitlines()
    assert [json.loads(line)] == adept("changes", "--json").json["items"]


def test_each_file_keeps_a_place_of_its_own(adept: Run, bought: Callable[[str], None], tmp_path: Path) -> None:
    follow = ("devices", "follow", "--once", "--state")
    assert told(adept(*follow, tmp_path / "a.json")) == [(FIRST, "added")]
    assert told(adept(*follow, tmp_path / "new" / "b.json")) == [(FIRST, "added")]


def test_a_cursor_is_where_it_begins_whatever_the_file_says(adept: Run, bought: Callable[[str], None]) -> None:
    bought(SECOND)
    [first, _] = adept("changes", "--json").json["items"]
    adept("devices", "follow", "--once")
    assert told(adept("devices", "follow", "--once", "--cursor", first["cursor"])) == [(SECOND, "added")]
    assert told(adept("devices", "follow", "--once")) == []


def test_more_than_one_answer_holds_comes_complete_and_in_order(adept: Run, apple: Running, hq: str) -> None:
    apple.simulator.buy(2300)
    adept("accounts", "sync", hq)
    cursors = [json.loads(line)["cursor"] for line in adept("devices", "follow", "--once").out.splitlines()]
    assert len(cursors) == 2300
    assert cursors == sorted(cursors, key=int)


def test_an_account_that_is_removed_is_followed_to_its_end(adept: Run, bought: Callable[[str], None]) -> None:
    adept("devices", "follow", "--once")
    adept("accounts", "remove", "hq", "--yes")
    assert told(adept("devices", "follow", "--once")) == [(FIRST, "deleted")]


def test_a_place_beyond_the_feeds_end_is_told_and_kept(
    adept: Run, bought: Callable[[str], None], tmp_path: Path
) -> None:
    ran = adept("devices", "follow", "--once", "--cursor", "999999", "--json")
    assert (ran.code, ran.out) == (2, "")
    assert not (tmp_path / "data" / "follow.json").exists()


def test_a_file_of_another_feed_or_of_none_is_told_and_left_alone(
    adept: Run, bought: Callable[[str], None], tmp_path: Path
) -> None:
    state = tmp_path / "state.json"
    for content, code in (('{"source":"service https://other.example.org","cursor":"7"}', 2), ("no JSON", 6)):
        state.write_text(content)
        ran = adept("devices", "follow", "--once", "--state", state)
        assert (ran.code, ran.out) == (code, "")
        assert "--state" in ran.err
        assert state.read_text() == content


def test_a_reader_that_goes_away_costs_no_change(
    adept: Run, spawn: Spawn, bought: Callable[[str], None], apple: Running
) -> None:
    apple.simulator.buy(5000)
    adept("accounts", "sync", "hq")
    process = spawn("devices", "follow")
    assert process.stdout is not None
    seen = json.loads(process.stdout.readline())["cursor"]
    process.stdout.close()
    assert process.wait(60) == 0
    process.stdout = None
    rest = {json.loads(line)["cursor"] for line in adept("devices", "follow", "--once").out.splitlines()}
    all_cursors = {change["cursor"] for change in adept("changes", "--json").json["items"]}
    assert all_cursors - rest <= {str(number) for number in range(int(seen), int(seen) + 1001)}
    assert len(rest) >= 4000


def test_it_goes_on_until_ctrl_c_and_tells_what_comes(
    adept: Run, spawn: Spawn, bought: Callable[[str], None], tmp_path: Path
) -> None:
    state = tmp_path / "state.json"
    process = spawn("devices", "follow", "--state", state)
    assert process.stdout is not None
    assert json.loads(process.stdout.readline())["serial_number"] == FIRST
    bought(SECOND)
    assert json.loads(process.stdout.readline())["serial_number"] == SECOND
    bought(THIRD)
    assert json.loads(process.stdout.readline())["serial_number"] == THIRD
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=30)
    assert (process.returncode, out) == (130, "")
    assert err == "adept: error: interrupted\n"
    again = told(adept("devices", "follow", "--once", "--state", state))
    assert again in ([], [(THIRD, "added")])  # interrupted between printing and keeping the place, it comes twice
