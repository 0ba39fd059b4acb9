"""Backups of a SQLite store, and restoring them: consistent, complete, proved before they replace anything."""

# ruff: noqa: ASYNC240  # files are what this is about

import asyncio
import os
import sqlite3
import stat
from contextlib import AbstractAsyncContextManager, closing
from datetime import datetime
from pathlib import Path
from shutil import copy

import pytest
from sqlalchemy import select, update

from adept.errors import Busy, ConfigError, Conflict, Misuse, StoreError
from adept.store import keypairs, tables
from adept.store.audit import ADEPT
from adept.store.backup import Backup, back_up
from adept.store.changes import RESTORED_GAP
from adept.store.database import Store, open_store
from adept.store.places import read_place
from adept.store.restoring import Keys, restore
from adept.store.schema import HEAD
from adept.store.sealing import new_key
from tests.store.examples import NOW, an_account
from tests.store.full_database import SECRET, every_row, fill
from tests.store.test_schema import insert_first_rows, migrate


def now() -> datetime:
    return NOW


@pytest.fixture
def file(sqlite_template: Path, tmp_path: Path) -> Path:
    """A database in a directory of its own."""
    (tmp_path / "data").mkdir()
    return Path(copy(sqlite_template, tmp_path / "data" / "adept.sqlite3"))


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    """Where the backup goes."""
    return tmp_path / "saved.sqlite3"


def opened(file: Path, key: str) -> AbstractAsyncContextManager[Store]:
    return open_store(f"sqlite:///{file}", secret_keys=[key], data_dir=None, migrate=False)


def backed_up(file: Path, to: Path, *, force: bool = False) -> Backup:
    key_file = file.with_name("secret.key")
    return back_up(read_place(f"sqlite:///{file}"), to, force=force, key_file=key_file, tell=lambda *_: None)


async def restored(backup: Path, file: Path, key: str, *, force: bool = True) -> Backup:
    return await restore(
        backup,
        read_place(f"sqlite:///{file}"),
        keys=Keys([key], file.parent),
        force=force,
        by=ADEPT,
        now=now,
        tell=lambda *_: None,
    )


async def test_a_backup_is_one_private_file_without_the_key(file: Path, saved: Path, secret_key: str):
    key_file = file.with_name("secret.key")
    key_file.write_text(secret_key)
    async with opened(file, secret_key) as store:
        await fill(store, devices=50)
        made = backed_up(file, saved)
    assert (made.schema, made.size_bytes) == (HEAD, saved.stat().st_size)
    assert stat.S_IMODE(saved.stat().st_mode) == 0o600
    assert secret_key.encode() not in saved.read_bytes()
    assert sorted(os.listdir(saved.parent)) == ["data", "saved.sqlite3"]
    with closing(sqlite3.connect(saved)) as database:
        assert database.execute("PRAGMA journal_mode").fetchone() == ("delete",)
        assert database.execute("SELECT count(*) FROM devices").fetchone() == (51,)


async def test_a_backup_beside_a_writer_shows_one_state(file: Path, tmp_path: Path, secret_key: str):
    async with opened(file, secret_key) as store:
        await fill(store, devices=4000)
        async with store.writing() as tx:
            await an_account(tx, "branch")
            await tx.execute(update(tables.accounts).values(failures=0))
        ended = asyncio.Event()

        async def write() -> int:
            written = 0
            while not ended.is_set():
                async with store.writing() as tx:  # both accounts at once, or neither
                    await tx.execute(update(tables.accounts).values(failures=tables.accounts.c.failures + 1))
                    await tx.execute(update(tables.devices).values(color=str(written)))
                written += 1
            return written

        writer = asyncio.create_task(write())
        for number in range(3):
            await asyncio.to_thread(backed_up, file, tmp_path / f"{number}.sqlite3")
        ended.set()
        assert await writer > 3
    for number in range(3):
        with closing(sqlite3.connect(tmp_path / f"{number}.sqlite3")) as database:
            assert database.execute("SELECT count(DISTINCT failures) FROM accounts").fetchone() == (1,)
            assert database.execute("SELECT count(DISTINCT color) FROM devices").fetchone() == (1,)


async def test_what_is_restored_is_what_was_backed_up_and_serves(file: Path, saved: Path, secret_key: str):
    async with opened(file, secret_key) as store:
        await fill(store)
        async with store.reading() as tx:
            before = await every_row(tx)
    backed_up(file, saved)
    async with opened(file, secret_key) as store, store.writing() as tx:
        await tx.execute(tables.devices.delete())
    found = await restored(saved, file, secret_key)
    assert found.schema == HEAD
    assert sorted(os.listdir(file.parent)) == ["adept.sqlite3"]
    async with opened(file, secret_key) as store, store.reading() as tx:
        after = await every_row(tx)
        (pair,) = await keypairs.keypairs_of(tx, 7, state="staged")
        assert keypairs.private_key(pair, store.sealer) == SECRET
        assert (await tx.execute(select(tables.feed_position.c.last_id))).scalar_one() == 9 + RESTORED_GAP
    assert (after["sessions"], after["setup_link"], len(after["audit"])) == ([], [], len(before["audit"]) + 1)
    changed = {"sessions", "setup_link", "audit", "feed_position"}
    assert {name: rows for name, rows in after.items() if name not in changed} == {
        name: rows for name, rows in before.items() if name not in changed
    }


async def test_a_database_that_is_there_is_replaced_only_by_force(file: Path, saved: Path, secret_key: str):
    backed_up(file, saved)
    with pytest.raises(Conflict, match="there is a database at"):
        await restored(saved, file, secret_key, force=False)
    file.unlink()
    await restored(saved, file, secret_key, force=False)
    async with opened(file, secret_key):
        pass


async def test_a_database_in_use_is_not_replaced(file: Path, saved: Path, secret_key: str):
    backed_up(file, saved)
    async with opened(file, secret_key) as store:
        async with store.reading() as tx:
            await every_row(tx)
        before = file.read_bytes()
        with pytest.raises(Busy, match="is in use by another process"):
            await restored(saved, file, secret_key)
    assert file.read_bytes() == before


async def test_an_older_backup_is_migrated(tmp_path: Path, saved: Path, file: Path, secret_key: str):
    old = tmp_path / "old.sqlite3"
    await migrate(f"sqlite:///{old}", "0001")
    await insert_first_rows(f"sqlite:///{old}")
    with closing(sqlite3.connect(old)) as database, closing(sqlite3.connect(file)) as new, database:
        (canary,) = new.execute("SELECT sealed FROM sealing_canary").fetchone()
        database.execute("INSERT INTO sealing_canary VALUES (1, ?)", (canary,))
    assert backed_up(old, saved).schema == "0001"
    assert (await restored(saved, file, secret_key)).schema == "0001"
    async with opened(file, secret_key) as store, store.reading() as tx:
        assert len((await every_row(tx))["devices"]) == 1


def make_newer(backup: Path) -> None:
    with closing(sqlite3.connect(backup)) as database, database:
        database.execute("UPDATE alembic_version SET version_num = '9999'")


def make_a_strangers(backup: Path) -> None:
    with closing(sqlite3.connect(backup)) as database, database:
        database.execute("DROP TABLE alembic_version")


def damage(backup: Path) -> None:
    with backup.open("r+b") as opened_file:
        opened_file.seek(4096 * 3)
        opened_file.write(b"\xff" * 4096 * 4)


def cut_off(backup: Path) -> None:
    with backup.open("r+b") as opened_file:
        opened_file.truncate(4096 * 5)


@pytest.mark.parametrize(
    ("spoil", "told"),
    [
        (make_newer, "is at schema 9999, newer than"),
        (make_a_strangers, "is no database of adept's"),
        (damage, "damaged"),
        (cut_off, "damaged"),
        (lambda backup: backup.write_text("no database at all " * 300), "is not a SQLite database"),
        (lambda backup: backup.unlink(), "there is no file"),
    ],
)
async def test_a_backup_that_will_not_do_changes_nothing(file: Path, saved: Path, secret_key: str, spoil, told: str):
    backed_up(file, saved)
    spoil(saved)
    async with opened(file, secret_key) as store:
        await fill(store)
    with pytest.raises(StoreError, match=told):
        await restored(saved, file, secret_key)
    assert sorted(os.listdir(file.parent)) == ["adept.sqlite3"]
    async with opened(file, secret_key) as store, store.reading() as tx:
        assert len((await every_row(tx))["devices"]) == 1


async def test_another_key_than_the_backups_changes_nothing(file: Path, saved: Path, secret_key: str):
    backed_up(file, saved)
    with pytest.raises(ConfigError, match="the sealing keys of this process are not those"):
        await restored(saved, file, new_key())
    async with opened(file, secret_key):
        pass


async def test_a_damaged_database_is_replaced_with_its_log(file: Path, saved: Path, secret_key: str):
    backed_up(file, saved)
    file.write_bytes(b"SQLite format 3\x00" + b"\xff" * 8192)
    file.with_name("adept.sqlite3-wal").write_bytes(b"rubbish" * 1000)
    await restored(saved, file, secret_key)
    async with opened(file, secret_key):
        pass


def test_a_backup_overwrites_nothing_unless_told_and_never_the_store(file: Path, saved: Path):
    saved.write_text("precious")
    with pytest.raises(Misuse, match="exists already"):
        backed_up(file, saved)
    assert saved.read_text() == "precious"
    backed_up(file, saved, force=True)
    assert saved.stat().st_size > 10_000
    for own in ("adept.sqlite3", "adept.sqlite3-wal", "secret.key"):
        with pytest.raises(Misuse, match="is a file of the store itself"):
            backed_up(file, file.with_name(own), force=True)
