"""`adept apple`: what each command sends, prints and exits with, against a simulated Apple on a socket."""

from __future__ import annotations

import json
from pathlib import Path

from adept.simulator.running import Running
from tests.cli.conftest import Run


def test_account_is_told_to_people_line_by_line(adept: Run, apple: Running) -> None:
    ran = adept("apple", "account")
    assert ran.code == 0
    assert "server_name     Example MDM\n" in ran.out
    assert "org_name        Example Organisation\n" in ran.out


def test_account_as_json_is_what_apple_sent(adept: Run, apple: Running) -> None:
    ran = adept("apple", "account", "--json")
    assert ran.json["server_name"] == "Example MDM"
    assert {"uri", "http_method"} <= set(ran.json["urls"][0])


def test_the_options_say_whom_to_ask_and_as_whom(adept: Run, apple: Running, environment: dict[str, str]) -> None:
    token = environment.pop("ADEPT_TOKEN")
    url = environment.pop("ADEPT_URL")
    options = ("--token", token, "--url", url, "--user-agent", "example/1", "--protocol-version", "2")
    ran = adept("apple", "account", "--json", *options)
    assert ran.code == 0
    assert "urls" not in ran.json  # they come with version 3
    [*_, request] = apple.simulator.requests()
    assert request.user_agent == "example/1"


def test_without_a_token_the_way_out_names_option_and_variable(adept: Run) -> None:
    ran = adept("apple", "account")
    assert ran.code == 2
    assert "--token" in ran.err
    assert "ADEPT_TOKEN" in ran.err


def test_details_names_devices_that_apple_does_not_know(adept: Run, apple: Running) -> None:
    apple.simulator.buy(serials=["C02AAAA00001"])
    ran = adept("apple", "details", "c02aaaa00001", "NOSUCH")
    assert ran.code == 0
    lines = ran.out.splitlines()
    assert lines[1].startswith("SUCCESS    C02AAAA00001")
    assert lines[2].startswith("NOT_FOUND  NOSUCH")


def test_details_as_json_is_what_apple_sent(adept: Run, apple: Running) -> None:
    apple.simulator.buy(serials=["C02AAAA00001"])
    found = adept("apple", "details", "C02AAAA00001", "NOSUCH", "--json").json["devices"]
    assert found["NOSUCH"] == {"response_status": "NOT_FOUND"}
    assert found["C02AAAA00001"]["response_status"] == "SUCCESS"


def test_replacement_names_the_device_that_was_replaced(adept: Run, apple: Running) -> None:
    apple.simulator.buy(serials=["C02AAAA00001"])
    [new] = apple.simulator.replace(["C02AAAA00001"], server="Example MDM").values()
    assert adept("apple", "replacement", new, "--json").json["original_device_serial_number"] == "C02AAAA00001"
    assert "original_device_serial_number  C02AAAA00001" in adept("apple", "replacement", new).out


def test_replacement_of_a_device_that_is_none_is_refused(adept: Run, apple: Running) -> None:
    ran = adept("apple", "replacement", "C02AAAA00001", "--json")
    assert ran.code == 3
    assert ran.error["code"] == "DEVICE_NOT_FOUND"


def test_activation_lock_sends_the_escrow_key_and_the_message(adept: Run, apple: Running) -> None:
    apple.simulator.buy(serials=["C02AAAA00001"], family="iPad")
    key = adept("bypass-code", "--json").json["escrow_key"]
    ran = adept("apple", "activation-lock", "C02AAAA00001", "--escrow-key", key, "--message", "Please return")
    assert ran.code == 0
    assert "response_status  SUCCESS" in ran.out


def test_an_activation_lock_that_failed_exits_3_though_apple_answered_200(adept: Run, apple: Running) -> None:
    ran = adept("apple", "activation-lock", "C02AAAA00001", "--json")
    assert ran.code == 3
    assert ran.json["response_status"] == "NOT_ACCESSIBLE"
    assert ran.error["code"] == "NOT_ACCESSIBLE"


def test_a_bypass_code_is_no_escrow_key_and_is_not_sent(adept: Run, apple: Running) -> None:
    code = adept("bypass-code", "--json").json["code"]
    ran = adept("apple", "activation-lock", "C02AAAA00001", "--escrow-key", code)
    assert ran.code == 2
    assert code not in ran.err
    assert apple.simulator.requests() == []


def test_beta_tokens_are_listed(adept: Run, apple: Running) -> None:
    assert adept("apple", "beta-tokens").out.startswith("OS    TITLE")
    assert set(adept("apple", "beta-tokens", "--json").json["betaEnrollmentTokens"][0]) >= {"token", "title", "os"}


def test_account_driven_enrollment_is_set_shown_and_deleted(adept: Run, apple: Running) -> None:
    url = "https://mdm.example.org/enroll"
    command = ("apple", "account-driven-enrollment")
    assert adept(*command, "get").code == 3
    assert adept(*command, "set", url).out == f"Set to {url}\n"
    assert url in adept(*command, "get").out
    assert adept(*command, "get", "--json").json["mdm_service_discovery_url"] == url
    assert adept(*command, "delete").out == "Deleted\n"
    assert adept(*command, "get").code == 3


def test_record_writes_exchanges_without_secrets(adept: Run, apple: Running, tmp_path: Path) -> None:
    apple.simulator.buy(serials=["C02AAAA00001"])
    assert adept("apple", "fetch", "--record", tmp_path / "records").code == 0
    written = "".join(path.read_text() for path in (tmp_path / "records").rglob("*") if path.is_file())
    assert "/server/devices" in written
    token = json.loads((tmp_path / "token.json").read_text())
    for secret in (*list(token.values())[:4], "C02AAAA00001"):
        assert secret not in written


def test_a_wait_that_apple_asks_for_is_told_of(adept: Run, apple: Running) -> None:
    apple.simulator.fault("get_account", "too_many_requests", count=1, seconds=0)
    ran = adept("apple", "account")
    assert ran.code == 0
    assert ran.err == "adept: Apple asks for patience: waiting 0 s\n"


def test_a_wait_longer_than_our_patience_is_refused_at_once(adept: Run, apple: Running) -> None:
    apple.simulator.fault("get_account", "service_unavailable")  # for two minutes
    ran = adept("apple", "account")
    assert ran.code == 4
    assert "waiting" not in ran.err
