"""`adept accounts`: the whole life of an account, from its certificate to its removal; over database and service."""

from __future__ import annotations

from pathlib import Path

import pytest

from adept.protocol.keypair import load_certificate
from adept.simulator.running import Running
from tests.cli.conftest import Run

pytestmark = pytest.mark.usefixtures("desk")

SERVER = "Example MDM"


@pytest.fixture
def p7m(adept: Run, apple: Running, tmp_path: Path) -> Path:
    """A token of Apple's portal for the certificate of the account hq, which is new."""
    assert adept("accounts", "add", "hq").code == 0
    certificate = adept("accounts", "certificate", "hq").out.encode()
    apple.simulator.upload_certificate(SERVER, certificate)
    file = tmp_path / "token.p7m"
    file.write_bytes(apple.simulator.get_token(SERVER).content)
    return file


def test_the_way_from_a_name_to_devices(adept: Run, apple: Running, p7m: Path) -> None:
    apple.simulator.buy(12)
    uploaded = adept("accounts", "upload-token", "hq", p7m)
    assert uploaded.out.startswith("The token is accepted: server Example MDM of Example Organisation.\n")
    synced = adept("accounts", "sync", "hq")
    assert synced.code == 0
    assert "12 added, 0 modified, 0 deleted." in synced.out
    [account] = adept("accounts", "list", "--json").json["items"]
    assert (account["name"], account["health"], account["devices"]) == ("hq", "ok", 12)


def test_the_base_url_is_apples_the_environments_or_the_options(adept: Run, environment: dict[str, str]) -> None:
    urls = [adept("accounts", "add", "a", "--json").json["base_url"]]
    environment["ADEPT_URL"] = "http://127.0.0.1:9"
    urls.append(adept("accounts", "add", "b", "--json").json["base_url"])
    urls.append(adept("accounts", "add", "c", "--url", "https://apple.example.org", "--json").json["base_url"])
    assert urls == ["https://mdmenrollment.apple.com", "http://127.0.0.1:9", "https://apple.example.org"]


@pytest.mark.parametrize("words", [("",), ("a b",), ("hq", "--url", "http://mdm.example.org"), ("hq", "--url", "x")])
def test_an_impossible_name_or_url_makes_no_account(adept: Run, words: tuple[str, ...]) -> None:
    assert adept("accounts", "add", *words).code == 2
    assert adept("db", "upgrade").code == 0
    assert adept("accounts", "list").out == "There are no accounts yet: adept accounts add NAME\n"


def test_a_name_is_taken_once(adept: Run) -> None:
    adept("accounts", "add", "hq")
    assert adept("accounts", "add", "HQ").code == 2


def test_a_token_that_apple_refuses_adds_no_account(adept: Run, apple: Running, tmp_path: Path) -> None:
    apple.simulator.revoke_token()
    assert adept("accounts", "add", "hq", "--token", tmp_path / "token.json").code == 3
    assert adept("accounts", "list", "--json").json["items"] == []


def test_the_certificate_is_the_same_until_its_token_was_accepted(adept: Run, p7m: Path, tmp_path: Path) -> None:
    first = adept("accounts", "certificate", "hq").out
    assert load_certificate(first.encode()).subject.rfc4514_string() == "CN=adept hq"
    written = adept("accounts", "certificate", "hq", "-o", tmp_path / "hq.pem")
    assert (written.code, written.out) == (0, "")
    assert (tmp_path / "hq.pem").read_text() == first
    assert adept("accounts", "certificate", "hq", "--json").json == {"account": "hq", "certificate": first}
    assert adept("accounts", "upload-token", "hq", p7m).code == 0
    assert adept("accounts", "certificate", "hq").out != first


def test_the_outcome_of_an_upload_is_one_object(adept: Run, p7m: Path) -> None:
    outcome = adept("accounts", "upload-token", "hq", p7m, "--json").json
    assert (outcome["account"], outcome["state"], outcome["server_name"]) == ("hq", "active", SERVER)
    assert outcome["waits_for"] is None
    shown = adept("accounts", "show", "hq", "--json").json
    assert shown["token_expires_at"] == outcome["expires_at"]
    assert [pair["state"] for pair in shown["keypairs"]] == ["active"]


def test_a_token_that_apple_cant_be_asked_about_is_kept_and_tried_at_the_next_sync(
    adept: Run, apple: Running, p7m: Path
) -> None:
    apple.simulator.sign_terms(signed=False)
    ran = adept("accounts", "upload-token", "hq", p7m)
    assert ran.code == 0
    assert "is kept" in ran.out
    assert "T_C_NOT_SIGNED" in ran.err
    assert adept("accounts", "sync", "hq").code == 3
    apple.simulator.sign_terms()
    assert adept("accounts", "sync", "hq").code == 0


def test_a_token_for_another_certificate_changes_nothing(adept: Run, p7m: Path) -> None:
    adept("accounts", "add", "branch")
    adept("accounts", "certificate", "branch")
    ran = adept("accounts", "upload-token", "branch", p7m, "--json")
    assert (ran.code, ran.error["code"]) == (7, "token_file")
    assert adept("accounts", "show", "branch", "--json").json["health"] == "no_token"


def test_a_key_of_ones_own_opens_the_token(adept: Run, apple: Running, tmp_path: Path) -> None:
    cert, key, file = tmp_path / "c.pem", tmp_path / "k.pem", tmp_path / "own.p7m"
    adept("token", "keypair", "--cert", cert, "--key", key)
    apple.simulator.upload_certificate(SERVER, cert.read_bytes())
    file.write_bytes(apple.simulator.get_token(SERVER).content)
    adept("accounts", "add", "hq")
    assert adept("accounts", "upload-token", "hq", file).code == 8  # no certificate was made here
    assert adept("accounts", "upload-token", "hq", file, "--key", key).code == 0


def test_a_key_under_a_password_opens_the_token(adept: Run, apple: Running, tmp_path: Path) -> None:
    cert, key, file, password = (tmp_path / name for name in ("c.pem", "k.pem", "own.p7m", "password"))
    password.write_text("sesame\n")
    adept("token", "keypair", "--cert", cert, "--key", key, "--password-file", password)
    apple.simulator.upload_certificate(SERVER, cert.read_bytes())
    file.write_bytes(apple.simulator.get_token(SERVER).content)
    adept("accounts", "add", "hq")
    upload = ("accounts", "upload-token", "hq", file)
    assert adept(*upload, "--password-file", password).code == 2  # of no key
    assert adept(*upload, "--key", key).code == 7  # nobody to ask for it
    ran = adept(*upload, "--key", key, "--password-file", password)
    assert (ran.code, "sesame" in ran.out + ran.err) == (0, False)


def test_another_servers_token_is_refused_and_taken_only_by_name(
    adept: Run, apple: Running, p7m: Path, tmp_path: Path
) -> None:
    apple.simulator.buy(3)
    adept("accounts", "upload-token", "hq", p7m)
    adept("accounts", "sync", "hq")
    certificate = adept("accounts", "certificate", "hq").out.encode()
    apple.simulator.add_server("Other MDM", certificate=certificate)
    other = tmp_path / "other.p7m"
    other.write_bytes(apple.simulator.get_token("Other MDM").content)

    refused = adept("accounts", "upload-token", "hq", other)
    assert refused.code == 7
    assert "--replace-server" in refused.err
    assert adept("accounts", "sync", "hq").code == 0

    taken = adept("accounts", "upload-token", "hq", other, "--replace-server", "--json").json
    assert (taken["server_name"], taken["deleted_devices"]) == ("Other MDM", 3)


def test_show_says_how_it_is_and_what_to_do(adept: Run) -> None:
    adept("accounts", "add", "hq")
    out = adept("accounts", "show", "hq").out
    assert "health        no_token\n" in out
    assert "way_out       upload a server token\n" in out
    assert "tokens" not in out


def test_what_is_named_is_changed_and_the_rest_stays(adept: Run) -> None:
    added = adept("accounts", "add", "hq", "--url", "https://apple.example.org", "--json").json
    changed = adept("accounts", "change", "hq", "--interval", 900, "--page-size", 200, "--json").json
    assert (changed["interval_s"], changed["page_size"]) == (900, 200)
    assert (changed["base_url"], changed["version"]) == ("https://apple.example.org", added["version"] + 1)
    ran = adept("accounts", "change", "hq", "--page-size", 0)
    assert ran.out == "Account hq: https://apple.example.org, every 900 s, as many devices as Apple gives at a time.\n"
    assert adept("accounts", "change", "hq", "--url", "http://127.0.0.1:9", "--json").json["interval_s"] == 900


@pytest.mark.parametrize("words", [(), ("--interval", 1), ("--page-size", 1001), ("--url", "http://x.example.org")])
def test_an_impossible_change_changes_nothing(adept: Run, words: tuple[object, ...]) -> None:
    adept("accounts", "add", "hq")
    before = adept("accounts", "show", "hq", "--json").json
    assert adept("accounts", "change", "hq", *words).code == 2
    assert adept("accounts", "show", "hq", "--json").json == before


def test_a_paused_account_is_not_walked_until_it_is_resumed(adept: Run, hq: str) -> None:
    assert adept("accounts", "pause", hq).code == 0
    assert adept("accounts", "sync", hq).code == 8
    assert adept("accounts", "resume", hq, "--json").json == {"account": "hq", "paused": False}
    assert adept("accounts", "sync", hq).code == 0


def test_removing_without_a_terminal_needs_to_be_confirmed(adept: Run, adept_process: Run, hq: str) -> None:
    ran = adept_process("accounts", "remove", hq, "--json")
    assert (ran.code, ran.error["way_out"]) == (8, "add --yes")
    assert adept("accounts", "show", hq).code == 0
    assert adept("accounts", "remove", hq, "--yes").code == 0
    assert adept("accounts", "show", hq).code == 2


@pytest.mark.parametrize("command", ["show", "certificate", "sync", "holds", "pause", "resume"])
def test_an_unknown_account_is_told_with_those_there_are(adept: Run, command: str) -> None:
    adept("accounts", "add", "hq")
    ran = adept("accounts", command, "headquarters")
    assert ran.code == 2
    assert "known are hq" in ran.err


def test_no_secret_is_shown_or_stored_in_the_open(adept: Run, apple: Running, p7m: Path, tmp_path: Path) -> None:
    adept("accounts", "upload-token", "hq", p7m)
    token = apple.token
    shown = "".join(
        ran.out + ran.err
        for ran in (
            adept("accounts", "show", "hq", "--json"),
            adept("accounts", "show", "hq"),
            adept("accounts", "list", "--json"),
            adept("accounts", "sync", "hq", "--debug"),
            adept("passes", "--json"),
        )
    )
    stored = b"".join(path.read_bytes() for path in (tmp_path / "data").iterdir() if path.name != "secret.key")
    for secret in (token.consumer_key, token.consumer_secret, token.access_token, token.access_secret):
        assert secret not in shown
        assert secret.encode() not in stored
    assert b"PRIVATE KEY" not in stored
