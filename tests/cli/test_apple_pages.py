"""`adept apple fetch` and `sync`: pages joined or one by one, and Apple's tricks with them."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable

import pytest

from adept.simulator.running import Running
from tests.cli.conftest import Run


def serials(document: dict[str, list[dict[str, str]]]) -> list[str]:
    return [device["serial_number"] for device in document["devices"]]


def test_fetch_joins_the_pages_into_one_document_in_apples_order(adept: Run, apple: Running) -> None:
    bought = apple.simulator.buy(250)
    ran = adept("apple", "fetch", "--limit", 100, "--json")
    assert ran.code == 0
    assert set(ran.json) == {"devices", "cursor", "fetched_until", "more_to_follow"}
    assert sorted(serials(ran.json)) == sorted(bought)
    assert serials(ran.json) == list(apple.simulator.devices())
    assert ran.json["more_to_follow"] is False
    pages = [request for request in apple.simulator.requests() if request.path == "/server/devices"]
    assert len(pages) == 3


def test_every_device_of_the_joined_document_is_byte_for_byte_as_apple_sent_it(adept: Run, apple: Running) -> None:
    apple.simulator.buy(3)
    lines = adept("apple", "fetch", "--json").out.splitlines()[1:]
    sent = [document.decode() for document in apple.simulator.devices().values()]
    assert [line.rstrip(",") for line in lines][:2] == sent[:2]


def test_one_page_is_printed_as_apple_sent_it(adept: Run, apple: Running) -> None:
    apple.simulator.buy(250)
    ran = adept("apple", "fetch", "--one-page", "--limit", 100, "--json")
    assert len(ran.json["devices"]) == 100
    assert ran.json["more_to_follow"] is True
    rest = adept("apple", "fetch", "--json", "--cursor", ran.json["cursor"])
    assert len(rest.json["devices"]) == 150


def test_people_see_a_table_and_where_to_go_on(adept: Run, apple: Running) -> None:
    apple.simulator.buy(serials=["C02AAAA00001"], fields={"description": "MBA 13.6 SKY BLUE"})
    out = adept("apple", "fetch").out
    assert " ".join(out.split()).startswith("SERIAL FAMILY OS MODEL DESCRIPTION COLOR PROFILE ASSIGNED TO SERVER")
    assert "MBA 13.6 SKY BLUE" in out
    cursor = adept("apple", "fetch", "--json").json["cursor"]
    assert "\n1 device. The next cursor is " in out
    assert cursor


def test_no_devices_are_an_empty_list_or_a_sentence(adept: Run, apple: Running) -> None:
    assert adept("apple", "fetch", "--json").json["devices"] == []
    assert "Apple has no devices to show." in adept("apple", "fetch").out


def test_sync_prints_what_changed_since_the_cursor(adept: Run, apple: Running) -> None:
    [kept, gone] = apple.simulator.buy(2)
    cursor = adept("apple", "fetch", "--json").json["cursor"]
    apple.simulator.release([gone])
    changes = adept("apple", "sync", "--cursor", cursor, "--json").json["devices"]
    assert [(change["serial_number"], change["op_type"]) for change in changes] == [(gone, "deleted")]
    assert f"deleted  {gone}" in adept("apple", "sync", "--cursor", cursor).out
    assert kept not in adept("apple", "sync", "--cursor", cursor).out


def test_sync_needs_a_cursor(adept: Run) -> None:
    assert adept("apple", "sync").code == 2


@pytest.mark.parametrize("limit", ["0", "1001", "-5", "many"])
def test_an_impossible_limit_is_refused_before_anything_is_sent(adept: Run, apple: Running, limit: str) -> None:
    assert adept("apple", "fetch", f"--limit={limit}").code == 2
    assert apple.simulator.requests() == []


def test_a_refused_cursor_exits_3_with_apples_word(adept: Run, apple: Running) -> None:
    ran = adept("apple", "sync", "--cursor", "nonsense", "--json")
    assert (ran.code, ran.error["code"], ran.out) == (3, "INVALID_CURSOR", "")
    assert ran.error["way_out"] == "fetch all devices again"


@pytest.mark.parametrize("word", ["repeat_cursor", "without_cursor", "page_never_ends"])
def test_a_listing_that_goes_in_circles_ends_as_malformed_and_prints_no_half_document(
    adept: Run, apple: Running, word: str
) -> None:
    apple.simulator.buy(250)
    apple.simulator.fault("post_server_devices", word, count=1000)
    ran = adept("apple", "fetch", "--limit", 100, "--json")
    assert (ran.code, ran.out, ran.error["code"]) == (5, "", "malformed")


@pytest.mark.parametrize("word", ["success_html", "half_body", "success_wrong_shape", "success_empty"])
def test_an_answer_that_is_no_page_is_malformed_or_unreachable(adept: Run, apple: Running, word: str) -> None:
    apple.simulator.buy(5)
    apple.simulator.fault("post_server_devices", word)
    ran = adept("apple", "fetch", "--json")
    assert ran.code in (4, 5)
    assert ran.out == ""
    assert ran.error["message"]


def test_a_device_that_cant_be_read_is_kept_in_json_and_told_to_people(adept: Run, apple: Running) -> None:
    apple.simulator.buy(5)
    apple.simulator.fault("post_server_devices", "malformed_device", count=2)
    assert len(adept("apple", "fetch", "--json").json["devices"]) == 5
    ran = adept("apple", "fetch")
    assert ran.code == 0
    assert "can't be read" in ran.err
    assert "4 devices." in ran.out


def test_whoever_reads_only_the_beginning_gets_no_error(
    apple: Running, spawn: Callable[..., subprocess.Popen[str]]
) -> None:
    apple.simulator.buy(20_000)
    process = spawn("apple", "fetch")
    assert process.stdout is not None
    assert process.stdout.readline().startswith("SERIAL")
    process.stdout.close()
    assert process.wait(60) == 0
    assert process.stderr is not None
    assert process.stderr.read() == ""
    process.stdout = None


def test_json_text_is_utf8_and_control_characters_dont_reach_the_terminal(adept: Run, apple: Running) -> None:
    apple.simulator.buy(serials=["C02AAAA00001"], fields={"description": "für 🍏 \x1b[31mred"})
    assert adept("apple", "fetch", "--json").json["devices"][0]["description"] == "für 🍏 \x1b[31mred"
    out = adept("apple", "fetch").out
    assert "für 🍏 \\x1b[31mred" in out
    assert "\x1b" not in out


def test_a_cursor_may_begin_with_a_hyphen(adept: Run, apple: Running) -> None:
    for words in (("fetch", "--cursor", "-BhwfxQ55O"), ("sync", "--cursor", "-BhwfxQ55O"), ("sync", "--cursor=-Bhwf")):
        assert adept("apple", *words, "--json").error["code"] == "INVALID_CURSOR"


def test_the_cursor_of_the_json_can_be_given_back(adept: Run, apple: Running) -> None:
    """The cursor of a drained fetch is where a sync begins, and is refused by a fetch."""
    apple.simulator.buy(3)
    cursor = json.loads(adept("apple", "fetch", "--json").out)["cursor"]
    assert adept("apple", "sync", "--cursor", cursor).code == 0
    assert adept("apple", "fetch", "--cursor", cursor, "--json").error["code"] == "EXHAUSTED_CURSOR"
