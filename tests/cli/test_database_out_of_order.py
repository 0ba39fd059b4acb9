"""Commands on a database that is locked, read-only or full: exit code 6, one sentence, and nothing lost."""

from __future__ import annotations

import os
import sqlite3
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from adept.simulator.running import Running
from tests.cli.conftest import ADEPT, Ran, Run, process_environment

NAMESPACE = ["unshare", "--mount"] if os.geteuid() == 0 else ["unshare", "--map-root-user", "--mount"]
READ_ONLY = 'mount --bind "$0" "$0" && mount -o remount,ro,bind "$0" && exec "$@"'
SMALL_DISK = (
    'kept="$1"; shift; mkdir "$kept" && cp "$0"/* "$kept" && mount -t tmpfs -o size=2m disk "$0" && cp "$kept"/* "$0"'
    ' && { "$@"; code=$?; rm "$kept"/*; cp "$0"/* "$kept"; exit $code; }'
)
Spawn = Callable[..., subprocess.Popen[str]]


@pytest.fixture
def data(environment: dict[str, str]) -> Path:
    """The directory with the database."""
    return Path(environment["ADEPT_DATA_DIR"])


def in_a_namespace(script: str, environment: dict[str, str], *words: object) -> Ran:
    """Run a command once the script has mounted something in a namespace that ends with it."""
    command = [*NAMESPACE, "sh", "-c", script, environment["ADEPT_DATA_DIR"], *map(str, words)]
    done = subprocess.run(
        command, env=process_environment(environment), capture_output=True, text=True, timeout=300, check=False
    )
    return Ran(done.returncode, done.stdout, done.stderr)


def one_sentence(ran: Ran) -> str:
    """What the command told, which is all that it printed."""
    assert (ran.code, ran.out) == (6, ""), (ran.code, ran.out, ran.err)
    [line] = ran.err.splitlines()
    assert line.startswith("adept: error: ")
    return line


def test_a_locked_database_is_read_and_not_waited_for_for_ever(
    adept: Run, apple: Running, hq: str, data: Path, spawn: Spawn
) -> None:
    """The commands wait their half minute side by side."""
    before = adept("accounts", "show", hq, "--json").json
    locking = sqlite3.connect(data / "adept.sqlite3", isolation_level=None)
    locking.execute("BEGIN IMMEDIATE")
    commands = [
        spawn(*words)
        for words in (
            ("accounts", "sync", hq),
            ("accounts", "certificate", hq),
            ("accounts", "remove", hq, "--yes"),
        )
    ]
    assert adept("accounts", "show", hq, "--json").json == before
    for command in commands:
        out, err = command.communicate(timeout=300)
        assert "is locked by another program" in one_sentence(Ran(command.returncode, out, err))
    locking.execute("ROLLBACK")
    locking.close()
    assert adept("accounts", "show", hq, "--json").json == before
    assert adept("accounts", "sync", hq).code == 0


def test_a_read_only_database_is_told(adept: Run, hq: str, data: Path, environment: dict[str, str]) -> None:
    before = (data / "adept.sqlite3").read_bytes()
    for words in (("accounts", "sync", hq), ("accounts", "pause", hq)):
        told = one_sentence(in_a_namespace(READ_ONLY, environment, ADEPT, *words))
        assert str(data / "adept.sqlite3") in told
    assert (data / "adept.sqlite3").read_bytes() == before


def test_a_full_disk_ends_a_pass_whose_pages_stay_and_the_next_one_goes_on(
    adept: Run, apple: Running, hq: str, environment: dict[str, str], tmp_path: Path
) -> None:
    apple.simulator.buy(4000)
    kept = tmp_path / "kept"
    told = one_sentence(in_a_namespace(SMALL_DISK, environment, kept, ADEPT, "accounts", "sync", hq))
    assert "the disk is full; free some space and try again; nothing was lost" in told
    environment["ADEPT_DATA_DIR"] = str(kept)  # what was on the small disk
    [begun] = adept("passes", "--json").json["items"]
    assert 0 <= begun["devices"] < 4000
    assert len(adept("devices", "list", "--json").json["items"]) == begun["devices"]
    with sqlite3.connect(kept / "adept.sqlite3") as database:
        assert database.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        database.execute("UPDATE accounts SET lease_until = NULL")  # half a minute has passed
    database.close()
    assert adept("accounts", "sync", hq).code == 0
    assert len(adept("devices", "list", "--json").json["items"]) == 4000
    assert len(adept("changes", "--json").json["items"]) == 4000
