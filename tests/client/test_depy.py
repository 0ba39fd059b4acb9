"""DEPy's class: its eight commands, its arguments, what it tells, and its demonstration script, on the simulator."""

from __future__ import annotations

import json
import logging
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import httpx2
import pytest

from adept.depy import DEPy
from adept.errors import Malformed, Misuse, Refused, TokenFileError, TokenRejected
from adept.simulator.running import Running
from tests.client.apple import Apple, no, yes
from tests.tokens import NOW, SECRETS, TOKEN

EXAMPLES = Path(__file__).parents[2] / "examples" / "depy"
COMMANDS = {
    "account_info",
    "get_devices",
    "get_device_info",
    "sync_devices",
    "get_profile",
    "add_profile",
    "assign_profile",
    "remove_profile",
}


@pytest.fixture
def stoken(tmp_path: Path) -> Path:
    """A stoken.json with the tests' token."""
    file = tmp_path / "stoken.json"
    file.write_bytes(TOKEN.to_json())
    return file


@pytest.fixture
def mydep(apple: Apple, stoken: Path) -> DEPy:
    """A DEPy that talks to the scripted Apple."""
    mydep = DEPy(http=httpx2.MockTransport(apple), now=lambda: NOW)
    mydep.init_stoken(stoken)
    return mydep


def body(apple: Apple) -> Any:
    return json.loads(apple.requests[-1].content)


def test_the_eight_commands_are_there_and_documented_and_no_disown() -> None:
    public = {name for name in dir(DEPy) if not name.startswith("_")}
    assert public >= COMMANDS
    assert all(getattr(DEPy, name).__doc__ for name in public)
    assert not any("disown" in name for name in public)


def test_all_commands_work_on_the_simulator(dep_simulator: Running, tmp_path: Path) -> None:
    (tmp_path / "stoken.json").write_bytes(dep_simulator.token.to_json())
    serials = dep_simulator.simulator.buy(150)
    dep_simulator.simulator.assign(serials, "Example MDM")
    with DEPy() as mydep:
        mydep.dep_api_url = dep_simulator.url
        mydep.init_stoken(tmp_path / "stoken.json")
        assert mydep.account_info()["server_name"] == "Example MDM"
        first = mydep.get_devices()
        second = mydep.get_devices(cursor=first["cursor"], limit=30)
        assert (len(first["devices"]), len(second["devices"])) == (100, 30)
        last = mydep.get_devices(cursor=second["cursor"], limit=1000)
        assert last["more_to_follow"] is False
        serial = first["devices"][0]["serial_number"]
        defined = mydep.add_profile(mydep.myprofile)
        assignment = {"profile_uuid": defined["profile_uuid"], "devices": [serial]}
        assert mydep.assign_profile(assignment)["devices"] == {serial: "SUCCESS"}
        assert mydep.get_profile(defined["profile_uuid"])["profile_name"] == "Test Profile"
        assert mydep.get_device_info(serial)["devices"][serial]["profile_status"] == "assigned"
        assert mydep.remove_profile({"devices": [serial]})["devices"] == {serial: "SUCCESS"}
        changes = mydep.sync_devices({"cursor": last["cursor"], "limit": 100})
        assert serial in {device["serial_number"] for device in changes["devices"]}


def test_the_demonstration_script_runs(dep_simulator: Running, tmp_path: Path) -> None:
    (tmp_path / "stoken.json").write_bytes(dep_simulator.token.to_json())
    dep_simulator.simulator.buy(3)
    ran = subprocess.run(
        [sys.executable, "-W", "error", "dep_demo.py", tmp_path / "stoken.json", dep_simulator.url],
        cwd=EXAMPLES,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
    assert "'server_name': 'Example MDM'" in ran.stdout
    assert "More devices to follow: False" in ran.stdout
    assert "'C02SOMESERIAL': {'response_status': 'NOT_FOUND'}" in ran.stdout
    told = [re.sub(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d", "WHEN", line) for line in ran.stderr.splitlines()]
    assert told == [
        "Retrieving DEP account info...",
        "Sending account call via get",
        "Token expired, updating",
        "Token generated at WHEN",
        "Sending account call via get",
        "Retrieving devices...",
        "Sending JSON data to server/devices via post",
        "Sending JSON data to devices via post",
    ]


@pytest.mark.parametrize(
    ("arguments", "said"), [([], "No path to stoken.json given"), (["nowhere.json"], "not found, aborting")]
)
def test_the_demonstration_script_says_what_is_missing(arguments: list[str], said: str) -> None:
    ran = subprocess.run(
        [sys.executable, "dep_demo.py", *arguments],
        cwd=EXAMPLES,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert ran.returncode == 1
    assert said in ran.stderr


@pytest.mark.parametrize("url", ["https://dep.example/sub", "https://dep.example/sub/"])
def test_the_url_works_with_and_without_a_closing_slash(apple: Apple, mydep: DEPy, url: str) -> None:
    mydep.dep_api_url = url
    apple.script("GET /sub/session", yes({"auth_session_token": "s1"}))
    apple.script("GET /sub/account", yes({"server_name": "hq"}))
    assert mydep.account_info() == {"server_name": "hq"}


def test_another_url_is_another_session(apple: Apple, mydep: DEPy) -> None:
    mydep.account_info()
    mydep.dep_api_url = "https://dep.example"
    mydep.account_info()
    assert apple.opened == 2
    assert apple.requests[-1].url.host == "dep.example"


@pytest.mark.parametrize("devices", ["C02A", ["C02A"], ("C02A",), {"C02A"}, {"devices": ["C02A"]}])
def test_devices_are_taken_as_a_serial_a_list_or_a_dictionary(apple: Apple, mydep: DEPy, devices: Any) -> None:
    mydep.get_device_info(devices)
    assert body(apple) == {"devices": ["C02A"]}
    mydep.remove_profile(devices)
    assert (apple.asked[-1], body(apple)) == ("DELETE /profile/devices", {"devices": ["C02A"]})


@pytest.mark.parametrize("scope", ["c", {"cursor": "c"}])
def test_a_scope_is_a_dictionary_or_the_cursor(apple: Apple, mydep: DEPy, scope: Any) -> None:
    mydep.sync_devices(scope)
    assert body(apple) == {"cursor": "c"}


@pytest.mark.parametrize("uuid", ["9145", {"profile_uuid": "9145"}])
def test_a_profile_is_asked_for_by_its_uuid(apple: Apple, mydep: DEPy, uuid: Any) -> None:
    mydep.get_profile(uuid)
    assert apple.requests[-1].url.raw_path == b"/profile?profile_uuid=9145"
    assert "Content-Type" not in apple.requests[-1].headers


def test_cursor_and_limit_of_get_devices_are_honoured(apple: Apple, mydep: DEPy) -> None:
    mydep.get_devices()
    assert body(apple) == {}
    mydep.get_devices("c", 500)
    assert body(apple) == {"cursor": "c", "limit": 500}
    with pytest.raises(Misuse, match="1 to 1000"):
        mydep.get_devices(limit=5000)


def test_a_profile_is_sent_as_it_is_given(apple: Apple, mydep: DEPy) -> None:
    profile: dict[str, Any] = {"profile_name": "n", "department": "", "devices": [], "new": None}
    mydep.add_profile(profile)
    assert body(apple) == profile


def test_assigning_goes_on_by_put_where_post_is_not_known(apple: Apple, mydep: DEPy) -> None:
    apple.script("POST /profile/devices", no(405))
    mydep.assign_profile({"profile_uuid": "u", "devices": ["A"]})
    assert apple.asked[-2:] == ["POST /profile/devices", "PUT /profile/devices"]


@pytest.mark.parametrize(
    ("command", "argument"),
    [
        ("get_device_info", 5),
        ("remove_profile", None),
        ("sync_devices", {}),
        ("sync_devices", 5),
        ("sync_devices", ""),
        ("get_profile", {}),
        ("get_profile", ""),
        ("add_profile", "n"),
        ("assign_profile", ["A"]),
    ],
)
def test_arguments_that_make_no_sense_are_misuse_and_nothing_is_sent(
    apple: Apple, mydep: DEPy, command: str, argument: Any
) -> None:
    with pytest.raises(Misuse):
        getattr(mydep, command)(argument)
    assert apple.requests == []


def test_without_a_token_nothing_is_sent(apple: Apple) -> None:
    with pytest.raises(Misuse, match="init_stoken"):
        DEPy(http=httpx2.MockTransport(apple)).account_info()


@pytest.mark.parametrize("key", ["consumer_key", "consumer_secret", "access_token", "access_secret"])
@pytest.mark.parametrize("value", [None, 5, "", "XX_secret"])
def test_a_secret_without_its_prefix_is_named_and_not_shown(tmp_path: Path, key: str, value: Any) -> None:
    file = tmp_path / "stoken.json"
    file.write_text(json.dumps(json.loads(TOKEN.to_json()) | {key: value}))
    with pytest.raises(TokenFileError, match=key) as caught:
        DEPy().init_stoken(file)
    assert "XX_secret" not in str(caught.value)
    assert not any(secret in str(caught.value) for secret in SECRETS)


def test_the_four_secrets_alone_will_do(apple: Apple, tmp_path: Path) -> None:
    values = json.loads(TOKEN.to_json())
    del values["access_token_expiry"]
    (tmp_path / "stoken.json").write_text("\ufeff" + json.dumps(values), encoding="utf-8")
    mydep = DEPy(http=httpx2.MockTransport(apple))
    mydep.init_stoken(str(tmp_path / "stoken.json"))
    assert mydep.mytoken == values
    assert mydep.account_info()["server_name"] == "hq"


@pytest.mark.parametrize("content", [b"", b"CK_secret", b'["CK_secret"]', b'{"consumer_key": "CK_secret"', b"\xff"])
def test_a_file_that_is_no_token_is_refused_without_showing_it(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "stoken.json").write_bytes(content)
    with pytest.raises(TokenFileError) as caught:
        DEPy().init_stoken(tmp_path / "stoken.json")
    assert "CK_secret" not in f"{caught.value} {caught.value.__cause__}"


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(TokenFileError, match=r"none\.json"):
        DEPy().init_stoken(tmp_path / "none.json")


def test_an_expired_token_is_rejected_before_anything_is_sent(apple: Apple, stoken: Path) -> None:
    mydep = DEPy(http=httpx2.MockTransport(apple), now=lambda: TOKEN.access_token_expiry)
    mydep.init_stoken(stoken)
    with pytest.raises(TokenRejected):
        mydep.account_info()
    assert apple.requests == []


def test_a_refusal_is_raised_and_a_standing_403_is_not_asked_again_for_ever(apple: Apple, mydep: DEPy) -> None:
    apple.script("GET /account", *[no(403, "T_C_NOT_SIGNED")] * 50)
    with pytest.raises(Refused) as caught:
        mydep.account_info()
    assert caught.value.code == "T_C_NOT_SIGNED"
    assert apple.asked == ["GET /session", "GET /account"]


def test_an_answer_that_is_no_json_object_is_malformed(apple: Apple, mydep: DEPy) -> None:
    apple.script("GET /account", httpx2.Response(200, text="<html>"))
    with pytest.raises(Malformed):
        mydep.account_info()


def test_any_request_can_be_sent_and_no_body_is_an_empty_dictionary(apple: Apple, mydep: DEPy) -> None:
    apple.script("DELETE /account-driven-enrollment/profile", httpx2.Response(200))
    assert mydep.send_request("account-driven-enrollment/profile", "delete") == {}


def test_the_session_is_shown_as_depy_showed_it(apple: Apple, mydep: DEPy) -> None:
    assert (mydep.auth_session_token, mydep.auth_timestamp) == ("deadbeef", 0)
    apple.script("GET /session", yes({"auth_session_token": "1452562107394abc"}))
    assert mydep.get_auth_token() == ("1452562107394abc", "1452562107")
    assert (mydep.auth_session_token, mydep.auth_timestamp) == ("1452562107394abc", "1452562107")


def test_it_tells_what_depy_told(apple: Apple, mydep: DEPy, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, logger="adept.depy")
    apple.script("GET /session", yes({"auth_session_token": "1452562107394abc"}))
    apple.session = "1452562107394abc"
    mydep.account_info()
    mydep.get_profile("9145")
    apple.script("POST /devices/sync", no(401, "UNAUTHORIZED"))
    mydep.sync_devices("c")
    mydep.get_auth_token()
    told = [record.getMessage() for record in caplog.records if record.name == "adept.depy"]
    assert [re.sub(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d", "WHEN", line) for line in told] == [
        "Retrieving DEP account info...",
        "Sending account call via get",
        "Token expired, updating",
        "Token generated at WHEN",
        "Sending account call via get",
        "Sending query string profile_uuid=9145 to profile via get",
        "Sending JSON data to devices/sync via post",
        "Token expired, updating",
        "Token generated at WHEN",
        "Sending JSON data to devices/sync via post",
        "Token expired, updating",
        "Token generated at WHEN",
    ]
    assert re.search(r"at 201[56]-", told[3])
    assert "abc" not in " ".join(told)


def test_the_sample_profile_is_a_copy_of_ones_own(mydep: DEPy) -> None:
    mydep.myprofile["profile_name"] = "changed"
    assert DEPy().myprofile["profile_name"] == "Test Profile"


def test_closing_may_be_done_twice_and_the_next_command_connects_again(apple: Apple, mydep: DEPy) -> None:
    with mydep:
        mydep.account_info()
    mydep.close()
    assert mydep.account_info()["server_name"] == "hq"
