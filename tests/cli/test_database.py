"""Commands and the database at hand: how it is made, and what is told of one that can't be used."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from tests.cli.conftest import Run


def test_adding_makes_the_database_and_says_what_comes_next(adept: Run, tmp_path: Path) -> None:
    assert adept("accounts", "list").code == 6
    ran = adept("accounts", "add", "HQ")
    assert ran.out.splitlines()[0] == "Added account hq."
    assert "adept accounts certificate hq" in ran.out
    assert {path.name for path in (tmp_path / "data").iterdir()} >= {"adept.sqlite3", "secret.key"}


def test_upgrade_makes_the_database_and_is_harmless_after_that(adept: Run, tmp_path: Path) -> None:
    for _ in range(2):
        ran = adept("db", "upgrade", "--json")
        assert ran.code == 0
        assert ran.json["database"] == str(tmp_path / "data" / "adept.sqlite3")


def test_a_worker_on_sqlite_says_who_looks_after_the_accounts(adept: Run) -> None:
    ran = adept("worker", "--json")
    assert ran.code == 6
    assert "looked after by adept serve itself" in ran.error["message"]
    assert "ADEPT_DATABASE_URL" in ran.error["way_out"]


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


def test_a_target_with_a_password_is_not_taken_from_the_command_line(adept: Run, hq: str) -> None:
    ran = adept("db", "copy", "--to", "postgresql://adept:sesame@127.0.0.1:1/adept", "--json")
    assert (ran.code, ran.error["code"]) == (2, "misuse")
    assert "--to-file" in ran.error["way_out"]
    assert "sesame" not in ran.err
    assert adept("db", "copy").code == 2


def test_a_copy_to_another_sqlite_file_is_a_database_like_the_first(
    adept: Run, hq: str, tmp_path: Path, environment: dict[str, str]
) -> None:
    ran = adept("db", "copy", "--to", f"sqlite:///{tmp_path / 'other.sqlite3'}")
    assert ran.code == 0
    assert "Counts and checksums of every table agree" in ran.out
    environment["ADEPT_DATABASE_URL"] = f"sqlite:///{tmp_path / 'other.sqlite3'}"
    assert adept("accounts", "sync", hq).code == 0
