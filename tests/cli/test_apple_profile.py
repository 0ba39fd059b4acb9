"""`adept apple profile`: defining, reading, assigning and removing; and what is told when devices are not done."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from adept.simulator.running import Running
from tests.cli.conftest import Run

PROFILE = {"profile_name": "Staff", "url": "https://mdm.example.org/enroll", "is_mdm_removable": True}


@pytest.fixture
def profile_file(tmp_path: Path) -> Path:
    file = tmp_path / "profile.json"
    file.write_text(json.dumps(PROFILE))
    return file


@pytest.fixture
def uuid(adept: Run, apple: Running, profile_file: Path) -> str:
    found: str = adept("apple", "profile", "define", profile_file, "--json").json["profile_uuid"]
    return found


def test_a_profile_is_defined_and_shown(adept: Run, uuid: str) -> None:
    shown = adept("apple", "profile", "show", uuid, "--json").json
    assert shown | PROFILE == shown
    assert "profile_name      Staff" in adept("apple", "profile", "show", uuid).out


def test_what_apple_would_refuse_is_warned_of(adept: Run, apple: Running, tmp_path: Path) -> None:
    file = tmp_path / "profile.json"
    file.write_text(json.dumps(PROFILE | {"skip_setup_items": ["NoSuchPane"], "language": "English"}))
    ran = adept("apple", "profile", "define", file)
    assert ran.code == 3
    assert "LOCALE_INVALID" in ran.err
    assert "NoSuchPane" in ran.err


def test_a_profile_that_is_no_json_is_our_callers_mistake(adept: Run, apple: Running, tmp_path: Path) -> None:
    file = tmp_path / "profile.json"
    file.write_text("profile_name: Staff")
    assert adept("apple", "profile", "define", file).code == 2
    assert apple.simulator.requests() == []


def test_devices_named_in_a_profile_that_apple_does_not_take_exit_3(adept: Run, apple: Running, tmp_path: Path) -> None:
    file = tmp_path / "profile.json"
    file.write_text(json.dumps(PROFILE | {"devices": ["NOSUCH"]}))
    ran = adept("apple", "profile", "define", file, "--json")
    assert ran.code == 3
    assert ran.json["devices"] == {"NOSUCH": "NOT_ACCESSIBLE"}
    assert ran.json["profile_uuid"] in ran.error["message"]


def test_an_unknown_profile_is_refused(adept: Run, apple: Running) -> None:
    ran = adept("apple", "profile", "show", "0" * 32, "--json")
    assert ran.code == 3
    assert "NOT_FOUND" in ran.error["code"]


def test_assigning_and_removing_takes_serials_as_they_are_written(
    adept: Run, apple: Running, uuid: str, tmp_path: Path
) -> None:
    apple.simulator.buy(serials=["C02AAAA00001", "C02AAAA00002", "C02AAAA00003"])
    file = tmp_path / "serials.txt"
    file.write_text("\n c02aaaa00002 \r\nC02AAAA00003,C02AAAA00002\n\n")
    ran = adept("apple", "profile", "assign", uuid, "c02aaaa00001", "--serials-file", file, "--json")
    assert ran.code == 0
    assert ran.json["devices"] == dict.fromkeys(("C02AAAA00001", "C02AAAA00002", "C02AAAA00003"), "SUCCESS")
    assert adept("apple", "profile", "remove", "C02AAAA00001").out == "1 of 1 device: SUCCESS\n"


def test_serials_come_from_standard_input(adept_process: Run, apple: Running, uuid: str) -> None:
    apple.simulator.buy(serials=["C02AAAA00001"])
    ran = adept_process("apple", "profile", "assign", uuid, "--serials-file", "-", "--json", stdin="c02aaaa00001\n")
    assert ran.json["devices"] == {"C02AAAA00001": "SUCCESS"}


def test_no_serial_at_all_is_our_callers_mistake(adept: Run, apple: Running, tmp_path: Path) -> None:
    (tmp_path / "empty").write_text("\n  \n")
    ran = adept("apple", "profile", "remove", "--serials-file", tmp_path / "empty")
    assert ran.code == 2
    assert "--serials-file" in ran.err
    assert adept("apple", "profile", "remove", "--serials-file", tmp_path / "missing").code == 2


def test_long_lists_are_cut_into_requests_of_1000_and_told_as_one(
    adept: Run, apple: Running, uuid: str, tmp_path: Path
) -> None:
    file = tmp_path / "serials.txt"
    file.write_text("\n".join(apple.simulator.buy(2500)))
    ran = adept("apple", "profile", "assign", uuid, "--serials-file", file, "--json")
    assert ran.code == 0
    assert len(ran.json["devices"]) == 2500
    assert ran.json["profile_uuid"] == uuid
    assert len([r for r in apple.simulator.requests() if r.path == "/profile/devices"]) == 3


def test_each_device_that_is_not_success_is_printed_and_the_command_exits_3(
    adept: Run, apple: Running, uuid: str
) -> None:
    apple.simulator.buy(serials=["C02AAAA00001"])
    ran = adept("apple", "profile", "assign", uuid, "C02AAAA00001", "NOSUCH")
    assert ran.code == 3
    assert ran.out == "SERIAL  ANSWER\nNOSUCH  NOT_ACCESSIBLE\n1 of 2 devices: SUCCESS\n"
    assert "1 of 2 devices were not done (NOT_ACCESSIBLE)" in ran.err


def test_a_device_that_apple_does_not_answer_for_is_not_done(adept: Run, apple: Running, uuid: str) -> None:
    apple.simulator.buy(serials=["C02AAAA00001", "C02AAAA00002"])
    apple.simulator.fault("post_profile_devices", "missing_devices")
    ran = adept("apple", "profile", "assign", uuid, "C02AAAA00001", "C02AAAA00002")
    assert ran.code == 3
    assert "no answer" in ran.out


def test_throttled_devices_are_told_with_when_to_try_again(adept: Run, apple: Running, uuid: str) -> None:
    apple.simulator.buy(serials=["C02AAAA00001"])
    apple.simulator.throttle(["C02AAAA00001"], 3600)
    ran = adept("apple", "profile", "assign", uuid, "C02AAAA00001", "--json")
    assert ran.code == 3
    assert ran.json["devices"] == {"C02AAAA00001": "THROTTLED"}
    assert ran.error["way_out"] == f"repeat throttled devices after {ran.json['retry_after_seconds']} s"


def test_what_was_done_before_a_failure_is_printed(adept: Run, apple: Running, uuid: str, tmp_path: Path) -> None:
    file = tmp_path / "serials.txt"
    file.write_text("\n".join(apple.simulator.buy(2500)))
    apple.simulator.fault("post_profile_devices", "internal_server_error", after=1)
    ran = adept("apple", "profile", "assign", uuid, "--serials-file", file, "--json")
    assert ran.code == 4
    assert len(ran.json["devices"]) == 1000
    assert "1,000 devices had been answered for when the next request failed" in ran.err
    assert ran.error["code"] == "unreachable"
