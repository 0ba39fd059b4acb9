"""`adept users`, `adept keys` and `adept audit`: over a database and over a running service."""

from __future__ import annotations

import asyncio
import os
import subprocess
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from adept.access.admission import Visitor
from adept.access.caller import Caller, caller_of
from adept.access.login import authenticate
from adept.cli.storage import utc_now
from adept.errors import Denied
from adept.store.database import open_store
from tests.cli.conftest import ADEPT, Run, process_environment

PASSWORD = "correct horse battery"
NEW = "a password that is new"


@pytest.fixture
def password_file(tmp_path: Path) -> Path:
    """A file whose first line is a password."""
    file = tmp_path / "password"
    file.write_text(f"{PASSWORD}\nnot this line\n")
    return file


@pytest.fixture
def ann(desk: str, adept: Run, password_file: Path) -> str:
    """An operator."""
    assert adept("users", "add", "Ann", "--role", "operator", "--password-file", password_file).code == 0
    return "ann"


def may_log_in(data: Path, name: str, password: str) -> bool:
    """Whether the password is that user's."""

    async def ask() -> bool:
        async with open_store(
            f"sqlite:///{data}/adept.sqlite3", secret_keys=None, data_dir=data, migrate=False
        ) as store:
            try:
                await authenticate(store, name, password, visitor=Visitor(), now=utc_now)
            except Denied:
                return False
            return True

    return asyncio.run(ask())


def caller(data: Path, key: str) -> Caller | None:
    """Who comes with the key."""

    async def ask() -> Caller | None:
        async with open_store(
            f"sqlite:///{data}/adept.sqlite3", secret_keys=None, data_dir=data, migrate=False
        ) as store:
            header = f"Bearer {key}"
            return await caller_of(store, cookie=None, authorization=header, address=None, request_id=None, now=utc_now)

    return asyncio.run(ask())


def test_a_user_is_added_listed_and_can_log_in(adept: Run, ann: str, tmp_path: Path) -> None:
    [user] = adept("users", "list", "--json").json["items"]
    assert (user["name"], user["role"], user["disabled_at"]) == ("ann", "operator", None)
    assert adept("users", "list").out.splitlines()[1].startswith("ann   operator")
    assert may_log_in(tmp_path / "data", "ann", PASSWORD)


def test_a_name_is_given_once(adept: Run, ann: str, password_file: Path) -> None:
    again = adept("users", "add", "ann", "--role", "viewer", "--password-file", password_file, "--json")
    assert (again.code, again.error["code"]) == (2, "conflict")


@pytest.mark.usefixtures("desk")
def test_a_name_or_a_password_that_wont_do_adds_nobody(adept: Run, password_file: Path, tmp_path: Path) -> None:
    short = tmp_path / "short"
    short.write_text("short")
    latin = tmp_path / "latin"
    latin.write_bytes("pässwörter für alle".encode("latin-1"))
    adept("keys", "list")
    words = ("users", "add", "--role", "viewer", "--password-file")
    assert adept(*words, password_file, "no name").code == 2
    assert adept(*words, password_file, "\udcff").code == 2
    assert adept(*words, short, "bob").code == 2
    assert adept(*words, latin, "bob").code == 7
    assert adept(*words, tmp_path / "nowhere", "bob").code == 7
    assert adept("users", "add", "bob", "--role", "owner").code == 2
    assert "--password-file" in adept("users", "add", "bob", "--role", "viewer").err
    assert adept("db", "upgrade").code == 0
    assert adept("users", "list").out == "There are no users yet: adept users add NAME --role admin\n"


def test_a_role_is_changed_and_a_user_disabled_and_enabled(adept: Run, ann: str, tmp_path: Path) -> None:
    assert adept("users", "role", "ann", "viewer").out == "User ann has the role viewer.\n"
    assert adept("users", "disable", "ANN").out == "User ann can't log in any more.\n"
    assert not may_log_in(tmp_path / "data", "ann", PASSWORD)
    [user] = adept("users", "list", "--json").json["items"]
    assert (user["role"], user["disabled_at"] is not None) == ("viewer", True)
    assert adept("users", "enable", "ann", "--json").json["disabled_at"] is None
    assert may_log_in(tmp_path / "data", "ann", PASSWORD)


def test_another_password_takes_the_place_of_the_old_one(adept: Run, ann: str, tmp_path: Path) -> None:
    file = tmp_path / "new"
    file.write_text(NEW)
    assert adept("users", "password", "ann", "--password-file", file).out == "User ann has another password.\n"
    assert not may_log_in(tmp_path / "data", "ann", PASSWORD)
    assert may_log_in(tmp_path / "data", "ann", NEW)


def test_a_user_is_signed_out(adept: Run, ann: str) -> None:
    assert adept("users", "sign-out", "ann").out == "Ended 0 sessions of user ann.\n"
    assert adept("users", "sign-out", "ann", "--json").json == {"user": "ann", "sessions": 0}


def test_unknown_users_and_keys_are_named(adept: Run, ann: str, password_file: Path) -> None:
    for words in (
        ("users", "disable", "bob"),
        ("users", "role", "bob", "viewer"),
        ("users", "sign-out", "bob"),
        ("users", "password", "bob", "--password-file", password_file),
        ("keys", "revoke", "bob"),
        ("keys", "revoke", "a/b"),
    ):
        ran = adept(*words, "--json")
        assert (ran.code, ran.error["code"]) == (2, "not_found"), words


@pytest.mark.usefixtures("desk")
def test_a_key_is_printed_once_and_works(adept: Run, tmp_path: Path) -> None:
    made = adept("keys", "create", "Backup", "--role", "viewer", "--expires", "30")
    key = made.out.strip()
    found = caller(tmp_path / "data", key)
    assert found is not None
    assert (found.actor.name, found.role.value, found.may_read_secrets) == ("backup", "viewer", False)
    listed = adept("keys", "list", "--json")
    assert key not in listed.out
    record = next(item for item in listed.json["items"] if item["name"] == "backup")
    left = datetime.fromisoformat(record["expires_at"]) - datetime.now(UTC)
    assert timedelta(days=29, hours=23) < left <= timedelta(days=30)
    assert "backup" in adept("keys", "list").out


@pytest.mark.usefixtures("desk")
def test_a_key_as_json_says_what_it_may(adept: Run) -> None:
    made = adept("keys", "create", "backup", "--role", "operator", "--json").json
    assert made["key"].startswith("adk_")
    assert (made["name"], made["role"], made["may_read_secrets"], made["expires_at"]) == (
        "backup",
        "operator",
        False,
        None,
    )


@pytest.mark.usefixtures("desk")
def test_a_revoked_key_is_worth_nothing(adept: Run, tmp_path: Path) -> None:
    key = adept("keys", "create", "backup", "--role", "viewer").out.strip()
    assert adept("keys", "create", "backup", "--role", "viewer").code == 2
    assert adept("keys", "revoke", "backup").out == "Revoked key backup.\n"
    assert adept("keys", "revoke", "backup", "--json").json == {"key": "backup", "revoked": True}
    assert caller(tmp_path / "data", key) is None
    names = [item["name"] for item in adept("keys", "list", "--json").json["items"]]
    with_revoked = [item["name"] for item in adept("keys", "list", "--revoked", "--json").json["items"]]
    assert ("backup" in names, "backup" in with_revoked) == (False, True)


@pytest.mark.usefixtures("desk")
@pytest.mark.parametrize("words", [("a b",), ("backup", "--expires", "0"), ("backup", "--expires", "4000")])
def test_what_cant_be_a_key_is_none(adept: Run, words: tuple[str, ...]) -> None:
    assert adept("keys", "create", *words, "--role", "viewer").code == 2


def test_the_audit_log_tells_who_did_what(adept: Run, ann: str) -> None:
    adept("users", "role", "ann", "viewer")
    adept("users", "disable", "ann")
    log = adept("audit", "--subject", "ann", "--json").json
    assert [item["act"] for item in log["items"]] == ["user.disabled", "user.changed", "user.added"]
    assert log["items"][1]["before"] == {"role": "operator", "disabled": False}
    first = adept("audit", "--act", "user", "--limit", "1", "--json").json
    rest = adept("audit", "--act", "user", "--cursor", first["next_cursor"], "--json").json
    assert [item["act"] for item in rest["items"]] == ["user.changed", "user.added"]
    assert adept("audit", "--until", "2020-01-01").out == "There is no such entry.\n"
    assert "user.changed" in adept("audit", "--since", "2020-01-01T00:00").out
    assert adept("audit", "--limit", "0").code == 2


def test_the_first_administrator_is_named_where_there_is_no_database_yet(
    adept: Run, password_file: Path, tmp_path: Path
) -> None:
    assert adept("users", "add", "ann", "--role", "admin", "--password-file", password_file).code == 0
    assert may_log_in(tmp_path / "data", "ann", PASSWORD)
    for words in (("users", "disable", "ann"), ("users", "role", "ann", "viewer")):
        refused = adept(*words, "--json")
        assert (refused.code, refused.error["way_out"]) == (2, "make somebody else an administrator first")


def test_a_key_for_programs_may_be_one_that_reads_secrets(adept: Run, tmp_path: Path) -> None:
    key = adept("keys", "create", "door", "--role", "admin", "--may-read-secrets").out.strip()
    found = caller(tmp_path / "data", key)
    assert found is not None
    assert found.may_read_secrets
    assert "yes" in adept("keys", "list").out
    [entry] = adept("audit", "--json").json["items"]
    assert (entry["act"], entry["actor_kind"]) == ("key.created", "cli")


@pytest.mark.parametrize("desk", ["service"], indirect=True)
def test_a_service_takes_no_administrator_from_a_key_that_may_not_read_secrets(
    desk: str, adept: Run, password_file: Path
) -> None:
    added = adept("users", "add", "eve", "--role", "admin", "--password-file", password_file, "--json")
    assert (added.code, added.error["code"]) == (3, "may_not_give")


def test_a_password_comes_from_standard_input_only_where_that_is_said(adept_process: Run) -> None:
    add = ("users", "add", "ann", "--role", "admin")
    refused = adept_process(*add, stdin=f"{PASSWORD}\n{PASSWORD}\n")
    assert (refused.code, PASSWORD in refused.out + refused.err) == (2, False)
    added = adept_process(*add, "--password-file", "-", stdin=f"{PASSWORD}\n")
    assert (added.code, added.out) == (0, "Added user ann with the role admin.\n")


def test_a_terminal_asks_twice_and_shows_no_password(environment: dict[str, str], tmp_path: Path) -> None:
    add = ("users", "add", "ann", "--role", "admin")
    code, screen = at_terminal(environment, *add, answers=[PASSWORD, NEW])
    assert (code, "not the same" in screen) == (2, True)
    code, screen = at_terminal(environment, *add, answers=[PASSWORD, PASSWORD])
    assert (code, "Added user ann" in screen, PASSWORD in screen) == (0, True, False)
    assert may_log_in(tmp_path / "data", "ann", PASSWORD)


def at_terminal(environment: dict[str, str], *words: str, answers: list[str]) -> tuple[int, str]:
    """Run a command at a terminal of its own and answer its questions; its exit code and what is on the screen."""
    terminal, inside = os.openpty()
    process = subprocess.Popen(
        [ADEPT, *words],
        env=process_environment(environment),
        stdin=inside,
        stdout=inside,
        stderr=inside,
        start_new_session=True,
    )
    os.close(inside)
    screen, questions = b"", 0
    with process, os.fdopen(terminal, "r+b", buffering=0) as opened, suppress(OSError):  # Linux says so at the end
        while seen := opened.read(65536):
            screen += seen
            for answer in answers[questions : screen.count(b": ")]:
                opened.write(f"{answer}\n".encode())
                questions += 1
    return process.returncode, screen.decode()
