"""`adept worker` on PostgreSQL, as processes: told to stop, killed, and put to sleep in mid-pass.

Another goes on, nothing is lost, nothing is told twice, and the outcome is that of a run without any trouble.
"""

from __future__ import annotations

import asyncio
import signal
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import ExitStack
from datetime import UTC, datetime

import pytest
from sqlalchemy import text

from adept.accounts.registry import add
from adept.client.async_client import AsyncClient
from adept.jobs.requests import request_pass
from adept.simulator.running import Running, serve
from adept.simulator.simulator import Simulator
from adept.store.accounts import account_named
from adept.store.audit import ADEPT
from adept.store.database import Store
from adept.store.passes import StoredPass, pass_by_id, passes_of
from adept.sync.outcome import PassKind
from tests.acceptance.service import serving, working
from tests.postgres import TEMPLATE, Cluster
from tests.sync.truth import assert_equals_the_truth, assert_the_feed_tells_every_change_once

TAKEN_OVER_S = 60  # the promise
DEADLINE_S = 150
DEVICES, PAGE = 600, 50


@pytest.fixture
def database_url(postgresql: Cluster) -> Iterator[str]:
    """Workers are PostgreSQL's."""
    with postgresql.database(TEMPLATE) as url:
        yield url


@pytest.fixture
def apple() -> Iterator[Running]:
    with serve(Simulator(devices=DEVICES, seed=1, page_limit=PAGE)) as running:
        yield running


def now() -> datetime:
    return datetime.now(UTC)


async def with_account(store: Store, apple: Running) -> None:
    def connect(token, base_url):
        return AsyncClient(token, base_url=base_url)

    await add(store, "hq", base_url=apple.url, by=ADEPT, now=now, connect=connect, token=apple.token)


async def newest(store: Store) -> StoredPass | None:
    async with store.reading() as tx:
        found = await passes_of(tx, (await account_named(tx, "hq")).id, limit=1)
    return found[0] if found else None


async def stuck(store: Store, *, pages: int = 5) -> StoredPass:
    """The pass that has stored so many pages and waits for Apple's next."""
    async with asyncio.timeout(DEADLINE_S):
        while True:
            found = await newest(store)
            if found is not None and found.state == "running" and found.pages >= pages:
                return found
            await asyncio.sleep(0.1)


async def ended(store: Store, *, after: int = 0) -> StoredPass:
    """The newest pass, younger than that one, when it has ended well."""
    async with asyncio.timeout(DEADLINE_S):
        while True:
            found = await newest(store)
            if found is not None and found.id > after and found.state == "done":
                return found
            await asyncio.sleep(0.1)


async def until_true(met: Callable[[], Awaitable[bool]]) -> None:
    """Look again and again until it is so."""
    async with asyncio.timeout(DEADLINE_S):
        while True:
            if await met():
                return
            await asyncio.sleep(0.1)


def slow(apple: Running) -> None:
    """Apple's sixth page of the next fetch takes a minute, once."""
    apple.simulator.fault("post_server_devices", "slow", after=5, seconds=60, count=1)


async def assert_as_if_nothing_had_happened(store: Store, apple: Running) -> None:
    async with store.reading() as tx:
        account = await account_named(tx, "hq")
        left = "SELECT count(*) FROM procrastinate_jobs WHERE status IN ('todo', 'doing')"
        assert (await tx.execute(text(left))).scalar_one() == 0
        running = [found for found in await passes_of(tx, account.id, limit=100) if found.state == "running"]
    assert (account.lease_until, account.lease_holder, running) == (None, None, [])
    await assert_equals_the_truth(store, account.id, apple.simulator.devices())
    await assert_the_feed_tells_every_change_once(store, account.id)


async def test_another_goes_on_where_a_worker_was_stopped_or_killed_in_mid_pass(store, environment, apple, tmp_path):
    slow(apple)
    await with_account(store, apple)
    with ExitStack() as workers:
        first = workers.enter_context(working(environment, log_file=tmp_path / "first"))
        await stuck(store)
        second = workers.enter_context(working(environment, log_file=tmp_path / "second"))
        began_s = time.monotonic()
        assert first.stop() == 0
        assert time.monotonic() - began_s < 10
        await ended(store)
        slow(apple)
        full = await request_pass(store, "hq", PassKind.FULL, by=ADEPT, now=now)
        await stuck(store)
        third = workers.enter_context(working(environment, log_file=tmp_path / "third"))
        async with store.reading() as tx:
            assert (await account_named(tx, "hq")).lease_holder == second.holder
        second.kill()
        killed_s = time.monotonic()
        await ended(store, after=full.id)
        assert time.monotonic() - killed_s < TAKEN_OVER_S
        async with store.reading() as tx:
            lost = await pass_by_id(tx, full.id)
        assert lost is not None
        assert lost.state == "lost"
        apple.simulator.clear_faults()
        assert third.stop() == 0
    await assert_as_if_nothing_had_happened(store, apple)
    for log in ("first", "second", "third"):
        assert "Traceback" not in (tmp_path / log).read_text()


async def test_a_worker_that_slept_through_its_lease_writes_nothing_more_and_lives_on(
    store, environment, apple, tmp_path
):
    slow(apple)
    await with_account(store, apple)
    with (
        working(environment, log_file=tmp_path / "sleeper") as sleeper,
        serving(environment, log_file=tmp_path / "service"),
    ):
        await stuck(store)
        async with store.reading() as tx:
            holder = (await account_named(tx, "hq")).lease_holder
        assert holder == sleeper.holder  # it was there first
        sleeper.process.send_signal(signal.SIGSTOP)
        async with store.writing() as tx:  # half a minute has passed
            await tx.execute(text("UPDATE accounts SET lease_until = now() - interval '1 s'"))
            await tx.execute(
                text(
                    "UPDATE procrastinate_workers SET last_heartbeat = now() - interval '31 s' WHERE id = "
                    "(SELECT worker_id FROM procrastinate_jobs WHERE status = 'doing')"
                )
            )
        done = await ended(store)
        await assert_as_if_nothing_had_happened(store, apple)
        apple.simulator.buy(10)
        sleeper.process.send_signal(signal.SIGCONT)
        again = await request_pass(store, "hq", PassKind.SYNC, by=ADEPT, now=now)
        assert again.id > done.id
        await ended(store, after=done.id)
        assert sleeper.stop() == 0
    await assert_as_if_nothing_had_happened(store, apple)
