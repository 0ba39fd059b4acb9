"""Workers on PostgreSQL: what is due is handed out in order, done once, and taken over from those who die or lose the
database."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from datetime import timedelta

import pytest
from procrastinate.exceptions import ConnectorException
from sqlalchemy import text

from adept.errors import Outdated, StoreError
from adept.jobs.engine import Engine
from adept.jobs.kinds import JobKinds, find_due
from adept.jobs.requests import request_pass
from adept.jobs.schedule import AHEAD
from adept.jobs.worker import Worker
from adept.store import engine_jobs, tables
from adept.store.accounts import account_named
from adept.store.audit import ADEPT
from adept.store.database import Store, open_store
from adept.sync.lease import LEASE_S, held_lease
from adept.sync.outcome import PassKind
from tests.jobs.test_runner import SOON_S, Fleet, hanging
from tests.postgres import TEMPLATE, Cluster
from tests.store.test_schema import migrate
from tests.sync.apple import FETCH, SYNC, Clock, device, page


@pytest.fixture
def database_url(postgresql: Cluster) -> Iterator[str]:
    """Workers are PostgreSQL's."""
    with postgresql.database(TEMPLATE) as url:
        yield url


@pytest.fixture
def fleet(store: Store, clock: Clock) -> Fleet:
    return Fleet(store, clock)


@asynccontextmanager
async def working(
    fleet: Fleet, *, store: Store | None = None, width: int = 4, kinds: JobKinds | None = None, long_s: float = 60
) -> AsyncIterator[Worker]:
    """A worker at work."""
    worker = Worker(store or fleet.store, kinds or fleet.kinds(store), now=fleet.clock, width=width, long_s=long_s)
    task = asyncio.create_task(worker.run())
    try:
        yield worker
    finally:
        await worker.stop()
        await task


async def told(store: Store, statement: str) -> list[object]:
    async with store.writing() as tx:
        result = await tx.execute(text(statement))
        return list(result.scalars()) if result.returns_rows else []


async def until(store: Store, statement: str) -> None:
    """Wait until the statement's one value is true."""
    async with asyncio.timeout(SOON_S):
        while (await told(store, statement)) != [True]:  # noqa: ASYNC110  # the database has no event to wait for
            await asyncio.sleep(0.05)


NOTHING_AT_HAND = "SELECT count(*) = 0 FROM procrastinate_jobs WHERE status IN ('todo', 'doing')"


async def test_two_workers_on_one_database_walk_each_account_once_and_leave_nothing_behind(
    fleet: Fleet, database_url: str, secret_key: str
):
    names = [f"a{number:02}" for number in range(20)]
    for name in names:
        await fleet.add(name)
    async with (
        open_store(database_url, secret_keys=[secret_key], data_dir=None, migrate=False) as other,
        working(fleet),
        working(fleet, store=other),
    ):
        await fleet.ends(len(names))
        await until(fleet.store, NOTHING_AT_HAND)
        assert await told(fleet.store, "SELECT count(*) FROM procrastinate_workers") == [2]
    assert [await fleet.passes(name) for name in names] == [["done"]] * len(names)
    assert await told(fleet.store, "SELECT count(*) FROM procrastinate_jobs") == [0]
    assert await told(fleet.store, "SELECT count(*) FROM procrastinate_workers") == [0]


async def test_a_worker_that_stops_hands_back_what_it_was_at_and_another_goes_on_at_once(fleet: Fleet):
    reached = asyncio.Event()
    await fleet.add("hq", page(device("hq1"), cursor="f1", more=True), hanging(reached))
    async with working(fleet) as first:
        await asyncio.wait_for(reached.wait(), SOON_S)
        await asyncio.wait_for(first.stop(), SOON_S)
        assert first.visiting == 0
    async with fleet.store.reading() as tx:
        assert (await account_named(tx, "hq")).lease_until is None
    fleet.apple("hq").say(FETCH, page(device("hq2"), cursor="s0"))
    async with working(fleet):
        await fleet.next_end()
    assert await fleet.live() == {"hq1", "hq2"}
    assert await fleet.passes("hq") == ["done", "failed"]


async def test_the_job_of_a_dead_worker_is_taken_away_and_done_by_another(fleet: Fleet):
    async def never(_: object) -> None:
        raise AssertionError("it died before")

    await fleet.add("hq")
    dead = Engine(fleet.store, fleet.kinds(), never)
    async with dead.opened():
        async with fleet.store.writing() as tx:
            await dead.defer(tx, await find_due(fleet.kinds(), tx, fleet.clock(), limit=1))
        manager = dead._app.job_manager
        worker = await manager.register_worker()
        assert await manager.fetch_job(None, worker) is not None
    async with working(fleet):
        await until(fleet.store, "SELECT count(*) = 2 FROM procrastinate_workers")
        assert await fleet.passes("hq") == []
        await told(
            fleet.store, "UPDATE procrastinate_workers SET last_heartbeat = now() - interval '31 s' WHERE id = 1"
        )
        await fleet.next_end()
    assert await fleet.passes("hq") == ["done"]
    assert await told(fleet.store, "SELECT status::text FROM procrastinate_jobs") == ["failed"]


FULL_DISK = """
    CREATE FUNCTION fill_disk() RETURNS trigger LANGUAGE plpgsql AS
    $$ BEGIN RAISE EXCEPTION 'No space left on device' USING ERRCODE = '53100'; END $$
"""
AS_JOBS_END = "CREATE TRIGGER full_disk BEFORE DELETE ON procrastinate_jobs FOR EACH ROW EXECUTE FUNCTION fill_disk()"


async def test_an_account_whose_jobs_end_could_not_be_written_is_visited_again(
    fleet: Fleet, caplog: pytest.LogCaptureFixture
):
    # found by the fault suite, seed 3: the job stayed a live worker's, and nobody was given the account any more
    await fleet.add("hq")
    await told(fleet.store, FULL_DISK)
    await told(fleet.store, AS_JOBS_END)
    async with working(fleet):
        await fleet.next_end()
        await until(fleet.store, NOTHING_AT_HAND)
        await told(fleet.store, "DROP TRIGGER full_disk ON procrastinate_jobs")
        fleet.apple("hq").say(SYNC, page(device("hq2"), cursor="s1"), page(cursor="s1"))
        await request_pass(fleet.store, "hq", PassKind.SYNC, by=ADEPT, now=fleet.clock)
        await fleet.next_end()
    assert await fleet.passes("hq") == ["done", "done"]
    assert "Traceback" not in caplog.text


async def test_a_disk_that_is_full_where_jobs_are_handed_out_is_told_in_a_sentence_and_costs_a_turn(
    fleet: Fleet, caplog: pytest.LogCaptureFixture
):
    # found by the fault suite, seed 3004: told as a fault of adept's own, with a traceback
    await fleet.add("hq")
    await told(fleet.store, FULL_DISK)
    await told(fleet.store, AS_JOBS_END.replace("DELETE", "INSERT"))
    worker = Worker(fleet.store, fleet.kinds(), now=fleet.clock, width=1)
    async with worker._engine.opened():
        assert not await worker._take_turn()
        await told(fleet.store, "DROP TRIGGER full_disk ON procrastinate_jobs")
        assert await worker._take_turn()
        assert await told(fleet.store, "SELECT count(*) FROM procrastinate_jobs") == [1]
    assert [record.message for record in caplog.records] == ["worker waits for the database"]
    assert "Traceback" not in caplog.text


@pytest.mark.parametrize("left", [ConnectorException(), StoreError("the pool is closed")])
async def test_what_the_engine_leaves_behind_when_the_database_goes_is_no_traceback(
    fleet: Fleet, caplog: pytest.LogCaptureFixture, left: Exception
):
    # found by the fault suite, seeds 5003 and 8001: its heartbeat, and its farewell, came upon a pool that was closed
    async with working(fleet):
        pass
    lost = {"message": "Task exception was never retrieved", "exception": left}
    asyncio.get_running_loop().default_exception_handler(lost)
    assert caplog.records == []


async def test_who_comes_by_a_job_of_an_account_that_somebody_walks_leaves_it_alone(fleet: Fleet):
    await fleet.add("hq")
    async with fleet.store.reading() as tx:
        account = await account_named(tx, "hq")
        due = await find_due(fleet.kinds(), tx, fleet.clock(), limit=10)
    async with held_lease(fleet.store, account.id, "hq", now=fleet.clock, holder="command", lease_s=LEASE_S):
        await fleet.kinds()["visit account"].do(due[0])
        assert await fleet.passes("hq") == []


async def test_a_long_job_gives_its_slot_back_and_goes_on(fleet: Fleet):
    reached, done = asyncio.Event(), asyncio.Event()

    async def slowly():
        reached.set()
        await done.wait()
        return page(device("big1"), cursor="s0")

    await fleet.add("big", slowly)
    async with working(fleet, width=1, long_s=0.01) as worker:
        await asyncio.wait_for(reached.wait(), SOON_S)
        await fleet.add("hq")
        worker.wake()
        assert (await fleet.next_end()).state == "done"
        assert worker.visiting >= 1
        done.set()
        await fleet.next_end()
    assert await fleet.live() == {"big1", "hq1"}


async def test_connections_that_the_server_ends_are_made_anew(fleet: Fleet):
    reached, cut = asyncio.Event(), asyncio.Event()

    async def when_cut():
        reached.set()
        await cut.wait()
        return page(device("hq1"), cursor="s0")

    await fleet.add("hq", when_cut)
    async with working(fleet):
        await asyncio.wait_for(reached.wait(), SOON_S)
        others = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE pid <> pg_backend_pid()"
        await told(fleet.store, f"{others} AND datname = current_database()")
        cut.set()
        await fleet.next_end()
        await fleet.add("lab")
        await fleet.next_end()
    assert await fleet.live() == {"hq1", "lab1"}


async def test_a_worker_goes_on_with_an_expanded_schema_and_ends_at_a_contracted_one(fleet: Fleet, database_url: str):
    worker = Worker(fleet.store, fleet.kinds(), now=fleet.clock, width=2)
    task = asyncio.create_task(worker.run())
    await fleet.add("hq")
    await fleet.next_end()
    await migrate(database_url, "8001", later=True)
    await fleet.add("lab")
    await fleet.next_end()
    assert await fleet.live() == {"hq1", "lab1"}
    await migrate(database_url, "8002", later=True)
    with pytest.raises(Outdated, match=r"at schema 8002, .*restart it"):
        await asyncio.wait_for(task, SOON_S)


_TEN_THOUSAND = """
    INSERT INTO accounts (name, next_sync_at, failures, {same})
    SELECT 'a' || n, CAST(:now AS timestamptz) - n * interval '1 s', CASE WHEN n % 10 = 0 THEN 1 ELSE 0 END, {same}
    FROM accounts, generate_series(1, 10000) AS n WHERE name = 'first'
"""
_TOKENS = """
    INSERT INTO server_tokens (account_id, state, sealed, consumer_key_hash, created_at)
    SELECT a.id, 'active', t.sealed, t.consumer_key_hash, t.created_at FROM accounts a, server_tokens t
    WHERE a.name <> 'first'
"""


async def ten_thousand_due(fleet: Fleet) -> None:
    """Accounts of which a10000 is the longest due and a1 the shortest; every tenth failed last time."""
    await fleet.add("first", next_sync_at=fleet.clock() + timedelta(days=1))
    own = {"id", "name", "next_sync_at", "failures"}
    same = ", ".join(column.name for column in tables.accounts.c if column.name not in own)
    async with fleet.store.writing() as tx:
        await tx.execute(text(_TEN_THOUSAND.format(same=same)), {"now": fleet.clock()})
        await tx.execute(text(_TOKENS))


async def test_ten_thousand_due_at_once_are_handed_out_in_order_of_lateness_a_few_at_a_time(fleet: Fleet):
    await ten_thousand_due(fleet)
    await request_pass(fleet.store, "a17", PassKind.SYNC, by=ADEPT, now=fleet.clock)
    worker = Worker(fleet.store, fleet.kinds(), now=fleet.clock, width=4)
    async with worker._engine.opened():
        assert await worker._take_turn()
        queued = "SELECT args ->> 'name' FROM procrastinate_jobs ORDER BY priority DESC, id"
        names = await told(fleet.store, queued)
        healthy = [f"a{n}" for n in range(10_000, 0, -1) if n % 10]
        failing = [name for name in names if str(name).endswith("0")]
        assert failing == ["a10000", "a9990"]  # no more than for half of the slots
        assert [name for name in names if name not in failing] == ["a17", *healthy][: AHEAD * 4 - 2]
        assert await worker._take_turn()
        assert await told(fleet.store, queued) == names  # nothing was taken, nothing is added
        await told(fleet.store, "DELETE FROM procrastinate_jobs WHERE args ->> 'name' = 'a9999'")
        await told(fleet.store, "UPDATE accounts SET next_sync_at = now() + interval '9 years' WHERE name = 'a9999'")
        assert await worker._take_turn()
        assert (await told(fleet.store, queued))[-1] == healthy[AHEAD * 4 - 3]
    async with fleet.store.reading() as tx:
        assert (await engine_jobs.engine_gauge(tx)).waiting == AHEAD * 4
