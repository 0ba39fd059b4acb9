"""Copying a database from engine to engine: every row, readable secrets, and nothing that gets by unseen."""

from collections.abc import Iterator
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from shutil import copy

import pytest
from sqlalchemy import insert, select, text, update

from adept.errors import Busy, ConfigError, Conflict, Misuse, StoreError
from adept.store import keypairs, tables
from adept.store.accounts import account_named
from adept.store.copying import Copied, copy_database
from adept.store.database import Store, open_store
from adept.store.device_values import has_value
from adept.store.places import read_place
from adept.store.sealing import new_key
from tests.postgres import TEMPLATE, Cluster
from tests.store.examples import NOW
from tests.store.full_database import LAST_PASS, SECRET, every_row, fill


@pytest.fixture
def source(sqlite_template: Path, tmp_path: Path) -> str:
    return f"sqlite:///{copy(sqlite_template, tmp_path / 'source.sqlite3')}"


@pytest.fixture
def target(postgresql: Cluster) -> Iterator[str]:
    with postgresql.database() as url:
        yield url


def opened(url: str, key: str) -> AbstractAsyncContextManager[Store]:
    return open_store(url, secret_keys=[key], data_dir=None, migrate=False)


async def copied(source: str, target: str, key: str) -> Copied:
    return await copy_database(read_place(source), read_place(target), keys=[key], data_dir=None, tell=lambda *_: None)


async def rows_of(url: str, key: str) -> dict[str, list[tuple[object, ...]]]:
    async with opened(url, key) as store, store.reading() as tx:
        return await every_row(tx)


async def test_every_row_arrives_on_the_other_engine_and_comes_back(
    source: str, target: str, secret_key: str, tmp_path: Path
):
    async with opened(source, secret_key) as store:
        await fill(store, devices=2500)
    there = await rows_of(source, secret_key)
    assert all(there.values()), "a table without a row proves nothing: add one to tests/store/full_database.py"

    outcome = await copied(source, target, secret_key)
    assert {name: digest.rows for name, digest in outcome.tables.items()} == {
        name: len(rows) for name, rows in there.items() if name != "sealing_canary"
    }
    assert await rows_of(target, secret_key) == there
    async with opened(target, secret_key) as store, store.writing() as tx:
        account = await account_named(tx, "hq")
        pair, *_ = await keypairs.keypairs_of(tx, account.id)
        assert keypairs.private_key(pair, store.sealer) == SECRET
        begun = {"account_id": 7, "state": "done", "lease_epoch": 1, "started_at": NOW, "kind": "sync"}
        added = await tx.execute(insert(tables.passes).values(**begun).returning(tables.passes.c.id))
        assert added.scalar_one() == LAST_PASS + 1  # no number is given twice
        await tx.execute(tables.passes.delete().where(tables.passes.c.id == LAST_PASS + 1))

    back = f"sqlite:///{tmp_path / 'back.sqlite3'}"
    await copied(target, back, secret_key)
    assert await rows_of(back, secret_key) == await rows_of(source, secret_key) == there
    async with opened(back, secret_key) as store, store.writing() as tx:
        found = select(tables.devices.c.serial_number).where(has_value(["d002499"], tx, only_begins=False))
        assert (await tx.execute(found)).scalars().all() == ["D002499"]  # by an index that is no table of ours
        added = await tx.execute(insert(tables.passes).values(**begun).returning(tables.passes.c.id))
        assert added.scalar_one() == LAST_PASS + 2


async def test_a_target_that_was_only_set_up_counts_as_empty(source: str, postgresql: Cluster, secret_key: str):
    async with opened(source, secret_key) as store:
        await fill(store)
    with postgresql.database(TEMPLATE) as set_up:
        await copied(source, set_up, secret_key)
        assert await rows_of(set_up, secret_key) == await rows_of(source, secret_key)


async def test_a_target_with_rows_is_refused_and_left_alone(source: str, postgresql: Cluster, secret_key: str):
    with postgresql.database(TEMPLATE) as full:
        async with opened(full, secret_key) as store:
            await fill(store)
        before = await rows_of(full, secret_key)
        with pytest.raises(Conflict, match="is not empty: there are rows in accounts"):
            await copied(source, full, secret_key)
        assert await rows_of(full, secret_key) == before


async def test_a_source_that_somebody_has_open_is_refused(source: str, target: str, secret_key: str):
    async with opened(source, secret_key) as store, store.reading() as tx:
        await every_row(tx)
        with pytest.raises(Busy, match="is in use by another process"):
            await copied(source, target, secret_key)
    await copied(source, target, secret_key)


async def test_a_postgresql_source_in_which_somebody_writes_is_refused(target: str, secret_key: str, tmp_path: Path):
    made = open_store(target, secret_keys=[secret_key], data_dir=None, migrate=True)
    async with made as store, store.writing() as tx:
        await tx.execute(update(tables.feed_position).values(last_id=9))
        with pytest.raises(Busy, match="is in use by another process"):
            await copied(target, f"sqlite:///{tmp_path / 'back.sqlite3'}", secret_key)


async def test_another_key_than_the_sources_is_refused_before_anything_is_written(
    source: str, target: str, secret_key: str
):
    with pytest.raises(ConfigError, match="the sealing keys"):
        await copied(source, target, new_key())
    with pytest.raises(StoreError, match="is empty"):
        async with opened(target, secret_key):
            pass


async def test_a_copy_onto_itself_is_refused(source: str, secret_key: str):
    with pytest.raises(Misuse, match="the same database"):
        await copied(source, source, secret_key)


@pytest.fixture
async def half_a_copy(source: str, target: str, secret_key: str) -> str:
    """A target that an interrupted copy left: a row that the source does not have, and no canary."""
    async with opened(source, secret_key) as store:
        await fill(store, devices=20)
    await copied(source, target, secret_key)
    async with opened(target, secret_key) as store, store.writing() as tx:
        await tx.execute(text("CREATE TABLE unfinished_copy (source TEXT)"))
        label = read_place(source).label
        await tx.execute(text("INSERT INTO unfinished_copy VALUES (:label)"), {"label": label})
        await tx.execute(tables.sealing_canary.delete())
        await tx.execute(tables.devices.delete().where(tables.devices.c.id > 10))
    return target


async def test_half_a_copy_can_not_be_opened_and_is_completed(source: str, half_a_copy: str, secret_key: str):
    with pytest.raises(StoreError, match="is half a copy of another database"):
        async with opened(half_a_copy, secret_key):
            pass
    outcome = await copied(source, half_a_copy, secret_key)
    assert (outcome.resumed, outcome.restarted) == (True, False)
    assert await rows_of(half_a_copy, secret_key) == await rows_of(source, secret_key)


async def test_a_source_that_changed_since_the_interruption_is_copied_anew(
    source: str, half_a_copy: str, secret_key: str
):
    async with opened(source, secret_key) as store, store.writing() as tx:
        await tx.execute(update(tables.devices).where(tables.devices.c.id == 3).values(color="GOLD"))
        await tx.execute(tables.devices.delete().where(tables.devices.c.id == 4))
    outcome = await copied(source, half_a_copy, secret_key)
    assert (outcome.resumed, outcome.restarted) == (True, True)
    assert await rows_of(half_a_copy, secret_key) == await rows_of(source, secret_key)


async def test_half_a_copy_of_another_source_is_refused(half_a_copy: str, source: str, secret_key: str, tmp_path: Path):
    other = copy(source.removeprefix("sqlite:///"), tmp_path / "other.sqlite3")
    with pytest.raises(Conflict, match="is half a copy of"):
        await copied(f"sqlite:///{other}", half_a_copy, secret_key)
