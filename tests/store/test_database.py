"""Transactions of the store, on both engines."""

import asyncio
import gc
import sqlite3
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from psycopg import sql
from sqlalchemy import event, func, select, text, update
from sqlalchemy.exc import IntegrityError

from adept.errors import Misuse, StoreError
from adept.store import accounts, devices, tables
from adept.store.database import Store, open_store
from adept.store.one_trip import FIRST_ROWS
from tests.postgres import Cluster
from tests.store.examples import an_account, device_row, devices_of

ROOT = Path(__file__).parents[2]
SECONDS = 0.3  # long enough for a wait that must not be endless


@asynccontextmanager
async def impatient(url: str, secret_key: str) -> AsyncIterator[Store]:
    """The store, opened so that no wait is longer than `SECONDS`."""
    async with open_store(url, secret_keys=[secret_key], data_dir=None, migrate=False, busy_timeout_s=SECONDS) as store:
        yield store


async def names(store: Store) -> list[str]:
    async with store.reading() as tx:
        return [account.name for account in await accounts.all_accounts(tx)]


async def test_what_a_block_wrote_is_there_when_it_has_ended(store: Store):
    async with store.writing() as tx:
        await an_account(tx, "a")
    async with store.writing(durable=True) as tx:
        await an_account(tx, "b")
    assert await names(store) == ["a", "b"]


async def test_a_block_that_raises_leaves_nothing_behind(store: Store):
    async def write_and_fail() -> None:
        async with store.writing() as tx:
            account = await an_account(tx, "a")
            await devices_of(tx, account.id, "A1")
            raise Misuse("no")

    with pytest.raises(Misuse):
        await write_and_fail()
    assert await names(store) == []


async def test_a_block_that_is_cancelled_leaves_nothing_behind_and_the_next_one_works(store: Store):
    written = asyncio.Event()

    async def write_and_wait() -> None:
        async with store.writing() as tx:
            await an_account(tx, "a")
            written.set()
            await asyncio.Event().wait()

    task = asyncio.create_task(write_and_wait())
    await written.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    async with store.writing() as tx:
        await an_account(tx, "b")
    assert await names(store) == ["b"]


async def test_a_writer_that_waits_for_another_process_can_be_cancelled(
    store: Store, database_url: str, secret_key: str
):
    async with open_store(database_url, secret_keys=[secret_key], data_dir=None, migrate=False) as other:
        async with store.writing() as tx:
            account = await an_account(tx)

        async def write() -> None:
            async with other.writing() as tx:
                await accounts.lock_account(tx, account.id)

        async with store.writing() as tx:
            await accounts.lock_account(tx, account.id)
            waiting = asyncio.create_task(write())
            done, _ = await asyncio.wait([waiting], timeout=0.2)
            assert not done
            waiting.cancel()
            await asyncio.wait([waiting], timeout=10)
            assert waiting.cancelled()
        await asyncio.wait_for(write(), 10)


async def test_a_statement_that_is_cancelled_on_its_way_leaves_nothing_behind(store: Store):
    rows = [device_row(f"A{number:05}") for number in range(5000)]
    async with store.writing() as tx:
        account = await an_account(tx)

    async def write() -> None:
        async with store.writing() as tx:
            await devices.put(tx, account.id, rows)

    for turns in range(0, 60, 3):  # after so many turns of the event loop
        task = asyncio.create_task(write())
        for _ in range(turns):
            await asyncio.sleep(0)
        task.cancel()
        await asyncio.wait([task])
    async with store.writing() as tx:
        assert await devices.live_count(tx, account.id) in (0, 5000)
        await devices_of(tx, account.id, "B1")


def test_a_task_that_is_cancelled_twice_holds_up_neither_the_store_nor_the_process(tmp_path: Path):
    program = [sys.executable, "-W", "error", "-m", "tests.store.impatient", str(tmp_path / "adept.sqlite3")]
    ended = subprocess.run(program, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)
    assert (ended.returncode, ended.stdout, ended.stderr) == (0, "ended\n", "")


async def test_a_store_that_ends_has_those_who_are_still_at_it_break_off(database_url: str, secret_key: str):
    async with open_store(database_url, secret_keys=[secret_key], data_dir=None, migrate=True) as store:
        begun = asyncio.Semaphore(0)

        async def write() -> None:
            try:
                async with store.writing() as tx:
                    await an_account(tx)
                    begun.release()
                    await asyncio.Event().wait()
            finally:
                async with store.reading():  # to tidy up
                    pass

        async def read() -> None:
            async with store.reading():
                begun.release()
                await asyncio.shield(write())  # SQLite's writers take turns: this one waits for its own

        tasks = [asyncio.create_task(write()), asyncio.create_task(read())]
        for _ in tasks:
            await begun.acquire()
    with pytest.raises(StoreError, match="closed"):
        await tasks[0]
    with pytest.raises(asyncio.CancelledError):
        await tasks[1]
    del tasks
    gc.collect()  # SQLAlchemy warns of connections that nobody gave back, which is an error here
    async with open_store(database_url, secret_keys=[secret_key], data_dir=None, migrate=False) as store:
        assert await names(store) == []


async def test_a_reader_sees_one_state_while_others_write(store: Store):
    async with store.writing() as tx:
        await an_account(tx, "a")
    async with store.reading() as tx:
        before = await accounts.count_accounts(tx)
        async with store.writing() as other:
            await an_account(other, "b")
        assert await accounts.count_accounts(tx) == before == 1
    assert await names(store) == ["a", "b"]


async def test_readers_do_not_wait_for_a_writer_and_see_nothing_of_it(store: Store):
    async with store.writing() as tx:
        await an_account(tx, "a")
        assert await names(store) == []


async def test_a_reader_can_not_write(store: Store):
    with pytest.raises(StoreError, match="read-only"):
        async with store.reading() as tx:
            await an_account(tx)
    async with store.writing() as tx:
        await an_account(tx)


async def test_tasks_at_once_lose_none_of_their_writes(store: Store):
    async def write(number: int) -> None:
        async with store.writing() as tx:
            await an_account(tx, f"a{number:02}")
        await names(store)

    async with asyncio.TaskGroup() as group:
        for number in range(40):
            group.create_task(write(number))
    assert await names(store) == [f"a{number:02}" for number in range(40)]


async def test_a_counter_read_and_written_by_many_writers_misses_no_step(store: Store):
    """SQLite's writers begin immediately; PostgreSQL's take the row's lock with what they read."""
    async with store.writing() as tx:
        account = await an_account(tx)
    strikes = tables.accounts.c.strikes

    async def step() -> None:
        async with store.writing() as tx:
            found = (await tx.execute(select(strikes).with_for_update())).scalar_one()
            await tx.execute(update(tables.accounts).values(strikes=found + 1))

    async with asyncio.TaskGroup() as group:
        for _ in range(20):
            group.create_task(step())
    async with store.reading() as tx:
        assert (await accounts.account_named(tx, account.name)).strikes == 20


@pytest.mark.parametrize("count", [0, 1, FIRST_ROWS, 2 * FIRST_ROWS + 1])
async def test_every_row_is_read_at_once_or_as_a_stream(store: Store, count: int):
    """SQLite's rows come along with the statement only so far."""
    counted = (
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < :count) "
        "SELECT i FROM n WHERE i <= :count"
    )
    async with store.reading() as tx:
        at_once = (await tx.execute(text(counted), {"count": count})).scalars().all()
        stream = await tx.stream_scalars(text(counted), {"count": count})
        assert at_once == list(range(1, count + 1)) == [number async for number in stream]
        begun = await tx.stream_scalars(text(counted), {"count": count})
        assert (await begun.fetchmany(1)) == at_once[:1]
        await begun.close()  # and leave the rest
    async with store.writing() as tx:
        assert (await tx.execute(text("UPDATE feed_position SET last_id = 5"))).rowcount == 1


async def test_a_fault_of_our_own_is_not_blamed_on_the_database(store: Store):
    async with store.writing() as tx:
        account = await an_account(tx)
    with pytest.raises(IntegrityError):
        async with store.writing() as tx:
            await devices.put(tx, account.id, [device_row("A1", deleted_reason="without a time")])


async def test_a_row_of_a_foreign_account_is_refused_by_the_database(store: Store):
    with pytest.raises(IntegrityError):
        async with store.writing() as tx:
            await devices_of(tx, 12345, "A1")


@pytest.mark.parametrize("engine_name", ["sqlite"], indirect=True)
async def test_a_sqlite_database_locked_by_another_program_is_not_waited_for_for_ever(
    database_url: str, secret_key: str
):
    async with impatient(database_url, secret_key) as store:
        shell = sqlite3.connect(database_url.removeprefix("sqlite:///"), isolation_level=None)
        shell.execute("BEGIN IMMEDIATE")
        with pytest.raises(StoreError, match="locked by another program") as caught:
            async with store.writing() as tx:
                await an_account(tx)
        assert "backup" in str(caught.value.way_out)
        assert await names(store) == []  # who only reads is not disturbed
        shell.close()
        async with store.writing() as tx:
            await an_account(tx)


@pytest.mark.parametrize("engine_name", ["postgresql"], indirect=True)
async def test_a_row_locked_in_postgresql_is_not_waited_for_for_ever(database_url: str, secret_key: str, store: Store):
    async with store.writing() as tx:
        account = await an_account(tx)
    async with impatient(database_url, secret_key) as other, store.writing() as tx:
        await accounts.update_account(tx, account.id, strikes=1)
        with pytest.raises(StoreError, match="locked by another session"):
            async with other.writing() as waiting:
                await accounts.update_account(waiting, account.id, strikes=2)


@pytest.mark.parametrize("engine_name", ["sqlite"], indirect=True)
async def test_a_writer_that_never_ends_is_not_waited_for_for_ever(database_url: str, secret_key: str):
    async with impatient(database_url, secret_key) as store, store.writing() as tx:
        await an_account(tx)
        with pytest.raises(StoreError, match="another task of this process"):
            async with store.writing():
                pass


async def test_a_process_that_uses_all_its_connections_says_so(database_url: str, secret_key: str):
    async with impatient(database_url, secret_key) as store, asyncio.TaskGroup() as group:
        enough, held = asyncio.Event(), asyncio.Semaphore(0)

        async def hold() -> None:
            async with store.reading() as tx:
                await accounts.count_accounts(tx)
                held.release()
                await enough.wait()

        for _ in range(16):
            group.create_task(hold())
        for _ in range(16):
            await held.acquire()
        with pytest.raises(StoreError, match="every connection"):
            async with store.reading():
                pass
        enough.set()


@pytest.mark.parametrize("engine_name", ["sqlite"], indirect=True)
async def test_only_durable_transactions_wait_for_the_disk(store: Store):
    async def safety(*, durable: bool) -> int:
        async with store.writing(durable=durable) as tx:
            return int((await tx.execute(text("PRAGMA synchronous"))).scalar_one())

    normal, full = 1, 2
    found = [await safety(durable=durable) for durable in (False, True, False, True, True)]
    assert found == [normal, full, normal, full, full]


@pytest.mark.parametrize("engine_name", ["sqlite"], indirect=True)
async def test_every_sqlite_connection_is_set_as_adept_wants_it(store: Store):
    async with store.writing() as first, store.reading() as second:
        for tx in (first, second):
            found = [
                (await tx.execute(text(f"PRAGMA {name}"))).scalar_one() for name in ("journal_mode", "foreign_keys")
            ]
            assert found == ["wal", 1]


@pytest.mark.parametrize("engine_name", ["sqlite"], indirect=True)
async def test_a_sqlite_writer_has_the_lock_from_its_first_moment(store: Store):
    """Else two writers could both have read, and the second would fail when it writes."""
    begun: list[str] = []

    @event.listens_for(store.engine.sync_engine, "before_cursor_execute")
    def note(_connection, _cursor, statement, *_):
        if statement.startswith("BEGIN"):
            begun.append(statement)

    async with store.writing():
        pass
    async with store.reading():
        pass
    assert begun == ["BEGIN IMMEDIATE", "BEGIN"]


@pytest.mark.parametrize("engine_name", ["postgresql"], indirect=True)
async def test_a_writer_that_stands_still_is_ended_by_postgresql_and_a_reader_is_not(store: Store):
    async def patience(tx) -> str:
        return str((await tx.execute(text("SHOW idle_in_transaction_session_timeout"))).scalar_one())

    async with store.writing() as tx:
        assert await patience(tx) == "20s"
    async with store.writing(durable=True) as tx:
        assert await patience(tx) == "20s"
    async with store.reading() as tx:
        assert await patience(tx) == "0"


@pytest.mark.parametrize("engine_name", ["postgresql"], indirect=True)
async def test_a_lost_connection_costs_its_transaction_and_no_other(store: Store):
    async with store.writing() as tx:
        await an_account(tx, "a")

    async def write_while_it_is_ended() -> None:
        async with store.writing() as tx:
            await an_account(tx, "b")
            victim = (await tx.execute(select(func.pg_backend_pid()))).scalar_one()
            async with store.reading() as other:
                await other.execute(select(func.pg_terminate_backend(victim)))
            await an_account(tx, "c")

    with pytest.raises(StoreError, match="lost the connection"):
        await write_while_it_is_ended()
    assert await names(store) == ["a"]


@pytest.mark.parametrize("engine_name", ["postgresql"], indirect=True)
async def test_a_connection_that_died_in_the_pool_is_not_noticed(store: Store, postgresql: Cluster):
    assert await names(store) == []
    postgresql.run(
        sql.SQL("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = {}").format(
            sql.Literal(store.place.url.database)
        )
    )
    assert await names(store) == []
