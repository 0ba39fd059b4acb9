"""A database that can't be used: each way ends in one clear sentence with a way out, and loses nothing."""

import json
import os
import socket
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import psycopg
import pytest
from sqlalchemy.exc import DBAPIError, StatementError

from adept.errors import ConfigError, StoreError
from adept.store import failures
from adept.store.database import open_store
from adept.store.places import read_place
from tests.postgres import Cluster
from tests.postgres_keeper import STRANGER

ROOT = Path(__file__).parents[2]


def deprived(action: str, url: str, secret_key: str, *, disk_mib: int | None = None) -> dict[str, object]:
    """What `deprived.py` tells: without rights, or on a disk of so many MiB."""
    program = [sys.executable, "-m", "tests.store.deprived", action, url, secret_key]
    if disk_mib is not None:
        namespaces = ["--mount"] if os.geteuid() == 0 else ["--map-root-user", "--mount"]
        program = ["unshare", *namespaces, *program, str(disk_mib)]
    ran = subprocess.run(program, cwd=ROOT, capture_output=True, text=True, check=False, timeout=120)
    assert ran.returncode == 0, ran.stderr
    told: dict[str, object] = json.loads(ran.stdout)
    return told


@pytest.fixture
def sqlite_file(sqlite_template: Path) -> Iterator[Path]:
    """A migrated SQLite database in a directory that any user may pass."""
    with TemporaryDirectory(prefix="adept-tests-") as name:
        directory = Path(name) / "data"
        directory.mkdir()
        directory.parent.chmod(0o755)
        file = directory / "adept.sqlite3"
        file.write_bytes(sqlite_template.read_bytes())
        yield file


async def told_at_opening(url: str, secret_key: str) -> str:
    """The sentence that opening ends in."""
    with pytest.raises(StoreError) as caught:
        async with open_store(url, secret_keys=[secret_key], data_dir=None, migrate=True, busy_timeout_s=5):
            pass
    assert caught.value.way_out
    return str(caught.value)


def test_a_read_only_file_is_told_as_such(sqlite_file: Path, secret_key: str):
    sqlite_file.chmod(0o444)
    sqlite_file.parent.chmod(0o777)
    told = deprived("write", f"sqlite:///{sqlite_file}", secret_key)
    assert told["kind"] == "StoreError"
    assert "read-only" in str(told["error"])
    assert str(sqlite_file) in str(told["error"])


def test_a_read_only_directory_is_told_as_such(sqlite_file: Path, secret_key: str):
    sqlite_file.chmod(0o666)
    sqlite_file.parent.chmod(0o555)
    told = deprived("write", f"sqlite:///{sqlite_file}", secret_key)
    assert told["kind"] == "StoreError"
    assert "directory" in str(told["error"])


def test_a_file_this_user_may_not_read_is_told_as_such(sqlite_file: Path, secret_key: str):
    sqlite_file.chmod(0o600 if os.geteuid() == 0 else 0)
    told = deprived("read", f"sqlite:///{sqlite_file}", secret_key)
    assert told["kind"] == "StoreError"
    assert "can't be opened" in str(told["error"])


def test_a_directory_this_user_may_not_write_in_is_named_at_the_first_start(sqlite_file: Path, secret_key: str):
    sqlite_file.parent.chmod(0o555)
    told = deprived("open", f"sqlite:///{sqlite_file.parent / 'other' / 'new.sqlite3'}", secret_key)
    assert told["kind"] == "ConfigError"
    assert str(sqlite_file.parent / "other") in str(told["error"])


def test_a_disk_that_fills_up_costs_the_page_in_hand_and_no_other(sqlite_file: Path, secret_key: str):
    told = deprived("fill", f"sqlite:///{sqlite_file}", secret_key, disk_mib=8)["result"]
    assert isinstance(told, dict)
    assert "the disk is full" in told["error"]
    assert told["there"] == told["put"] > 1000


def test_a_disk_that_is_full_at_the_first_start_is_told_as_such(sqlite_file: Path, secret_key: str):
    sqlite_file.unlink()
    (sqlite_file.parent / "ballast").write_bytes(b"x" * 1_000_000)
    told = deprived("open", f"sqlite:///{sqlite_file}", secret_key, disk_mib=1)
    assert told["kind"] == "StoreError"
    assert "the disk is full" in str(told["error"])


@pytest.mark.parametrize("content", [b"device list\n" * 100, b"\x00" * 4096, b"SQLite format 4\x00" + b"x" * 4096])
async def test_a_file_that_is_no_database_is_told_and_left_alone(tmp_path: Path, secret_key: str, content: bytes):
    file = tmp_path / "adept.sqlite3"
    file.write_bytes(content)
    assert "is not a SQLite database" in await told_at_opening(f"sqlite:///{file}", secret_key)
    assert file.read_bytes() == content


async def test_a_directory_in_the_databases_place_is_told(tmp_path: Path, secret_key: str):
    assert "can't be opened" in await told_at_opening(f"sqlite:///{tmp_path}", secret_key)


@pytest.fixture
def damaged_file(sqlite_file: Path) -> Path:
    """A SQLite database whose schema's page was overwritten."""
    content = bytearray(sqlite_file.read_bytes())
    content[100:2000] = b"\xff" * 1900
    sqlite_file.write_bytes(content)
    return sqlite_file


async def test_a_damaged_database_is_told(damaged_file: Path, secret_key: str):
    assert "is damaged" in await told_at_opening(f"sqlite:///{damaged_file}", secret_key)


async def test_without_migrate_a_missing_database_is_told_and_not_made(tmp_path: Path, secret_key: str):
    file = tmp_path / "adept.sqlite3"
    with pytest.raises(StoreError, match="there is no database at") as caught:
        async with open_store(f"sqlite:///{file}", secret_keys=[secret_key], data_dir=None, migrate=False):
            pass
    assert "adept db upgrade" in str(caught.value)
    assert not file.exists()


async def test_a_postgresql_that_does_not_run_is_told(secret_key: str):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # and nobody listens
        url = f"postgresql://adept:hidden@127.0.0.1:{taken.getsockname()[1]}/adept"
        told = await told_at_opening(url, secret_key)
    assert "can't be reached" in told
    assert "refused" in told
    assert "hidden" not in told


async def test_a_wrong_password_is_told_and_not_repeated(postgresql: Cluster, secret_key: str):
    url = postgresql.url("postgres", user=f"{STRANGER}:hidden")
    told = await told_at_opening(url, secret_key)
    assert "password authentication failed" in told
    assert "hidden" not in told


async def test_a_missing_postgresql_database_is_told(postgresql: Cluster, secret_key: str):
    assert '"nowhere" does not exist' in await told_at_opening(postgresql.url("nowhere"), secret_key)


def test_a_key_file_that_could_not_be_written_whole_is_not_left_behind(sqlite_file: Path):
    told = deprived("half-a-file", f"sqlite:///{sqlite_file}", "", disk_mib=1)
    assert told == {"result": "No space left on device", "left": ["adept.sqlite3"]}


def test_without_psycopg_postgresql_is_told_to_need_an_extra(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(sys.modules, "psycopg", None)
    with pytest.raises(ConfigError, match=r"pip install 'adept-mdm\[postgres\]'"):
        read_place("postgresql://host/db")


@pytest.mark.parametrize(
    "fault",
    [
        ValueError("no"),
        StatementError("no", "SELECT", {}, None),
        sqlite3.ProgrammingError("Cannot operate on a closed database."),
        DBAPIError("SELECT", {}, psycopg.ProgrammingError("cannot adapt type")),
        DBAPIError("SELECT", {}, psycopg.errors.SyntaxError("syntax error")),
    ],
)
def test_a_fault_of_our_own_is_not_explained_away(fault: Exception):
    assert failures.explain(fault, "the database") is None


async def test_a_url_of_no_engine_of_ours_is_told(secret_key: str):
    with pytest.raises(ConfigError, match="mysql"):
        async with open_store("mysql://user:hidden@host/db", secret_keys=[secret_key], data_dir=None, migrate=True):
            pass
