"""The runner: what is due is looked after, a few at a time, whatever happens to one account or to the database."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest

from adept.accounts.registry import add, remove
from adept.accounts.rhythm import no_jitter
from adept.client.async_client import AsyncClient
from adept.errors import StoreError
from adept.jobs.kinds import JobKinds, job_kinds
from adept.jobs.requests import request_pass
from adept.jobs.retention import Keep
from adept.jobs.runner import Runner
from adept.jobs.visit import Visitor
from adept.protocol.server_token import ServerToken
from adept.store.accounts import account_named, lock_account, update_account
from adept.store.audit import ADEPT, AuditEntry, add_audit, audit_entries
from adept.store.database import Store, Transaction, open_store
from adept.store.device_filters import DeviceFilter
from adept.store.inventory import device_rows
from adept.store.passes import passes_of
from adept.sync.outcome import PassKind, PassOutcome, PassState
from tests.sync.apple import FETCH, SYNC, Clock, ScriptedApple, device, page, server_token
from tests.sync.conftest import URL

SOON_S = 30  # a busy machine is slow; where things go well nothing waits for this


@dataclass
class Fleet:
    """Accounts with an Apple each, and a runner that looks after them."""

    store: Store
    clock: Clock
    apples: dict[str, ScriptedApple] = field(default_factory=dict)
    ended: asyncio.Queue[PassOutcome] = field(default_factory=asyncio.Queue)

    async def add(self, name: str, *pages: Any, **columns: Any) -> None:
        """An account whose first fetch gives these pages."""
        apple = self.apples[server_token(name).consumer_key] = ScriptedApple(self.clock)
        token = server_token(name)
        await add(self.store, name, base_url=URL, token=token, connect=self.connect, by=ADEPT, now=self.clock)
        apple.say(FETCH, *(pages or [page(device(f"{name}1"), cursor="s0")]))
        apple.say(SYNC, page(cursor="s0"))
        if columns:
            async with self.store.writing() as tx:
                await update_account(tx, (await account_named(tx, name)).id, **columns)

    def apple(self, name: str) -> ScriptedApple:
        return self.apples[server_token(name).consumer_key]

    def connect(self, token: ServerToken, base_url: str) -> AsyncClient:
        return self.apples[token.consumer_key].connect(token, base_url)

    def runner(self, store: Store | None = None, *, width: int = 4, observe=None, connect=None, keep=None) -> Runner:
        return Runner(store or self.store, self.kinds(store, observe, connect, keep), now=self.clock, width=width)

    def kinds(self, store: Store | None = None, observe=None, connect=None, keep=None) -> JobKinds:
        visitor = Visitor(store or self.store, connect or self.connect, self.clock, "test", no_jitter)
        return job_kinds(visitor, keep=keep, observe=observe or self.ended.put_nowait)

    async def next_end(self) -> PassOutcome:
        return await asyncio.wait_for(self.ended.get(), SOON_S)

    async def ends(self, count: int) -> list[PassOutcome]:
        return [await self.next_end() for _ in range(count)]

    async def live(self) -> set[str]:
        async with self.store.reading() as tx:
            return {row.serial_number.lower() for row in await device_rows(tx, DeviceFilter(), limit=1000)}

    async def passes(self, name: str) -> list[str]:
        async with self.store.reading() as tx:
            return [row.state for row in await passes_of(tx, (await account_named(tx, name)).id, limit=100)]


@pytest.fixture
def fleet(store: Store, clock: Clock) -> Fleet:
    return Fleet(store, clock)


@asynccontextmanager
async def running(runner: Runner) -> AsyncIterator[Runner]:
    task = asyncio.create_task(runner.run())
    try:
        yield runner
    finally:
        await runner.stop()
        await asyncio.wait_for(task, SOON_S)


def hanging(reached: asyncio.Event) -> Callable[[], Any]:
    """An answer that never comes."""

    async def answer() -> Any:
        reached.set()
        await asyncio.Event().wait()

    return answer


async def test_accounts_that_are_due_are_walked_and_others_are_not(fleet: Fleet):
    await fleet.add("hq")
    await fleet.add("lab", next_sync_at=fleet.clock.time.replace(year=2030))
    await fleet.add("old", paused=True)
    async with running(fleet.runner()):
        outcome = await fleet.next_end()
    assert (outcome.state, outcome.error) == (PassState.DONE, None)
    assert await fleet.live() == {"hq1"}


async def test_an_account_that_is_added_while_it_runs_is_walked_when_the_runner_is_woken(fleet: Fleet):
    async with running(fleet.runner()) as runner:
        await fleet.add("hq")
        runner.wake()
        await fleet.next_end()
    assert await fleet.live() == {"hq1"}


async def test_what_another_process_asks_for_is_seen_without_a_wake(fleet: Fleet):
    await fleet.add("hq")
    async with running(fleet.runner()):
        await fleet.next_end()
        fleet.apple("hq").say(SYNC, page(device("hq2", op_type="added"), cursor="s1"))
        asked = await request_pass(fleet.store, "hq", PassKind.SYNC, by=ADEPT, now=fleet.clock)
        assert (await fleet.next_end()).pass_id == asked.id
    assert await fleet.live() == {"hq1", "hq2"}


async def test_what_is_kept_no_longer_goes_beside_the_visits(fleet: Fleet):
    async with fleet.store.writing() as tx:
        await add_audit(tx, ADEPT, "account.paused", "gone", now=fleet.clock.time.replace(year=2020))
    await fleet.add("hq")

    async def old_entries() -> list[AuditEntry]:
        async with fleet.store.reading() as tx:
            return await audit_entries(tx, subject="gone", limit=9)

    assert await old_entries()
    async with running(fleet.runner(keep=Keep.days(changes=90, passes=90, audit=365))):
        await fleet.next_end()
        async with asyncio.timeout(SOON_S):
            while await old_entries():
                pass
    assert await fleet.live() == {"hq1"}


async def test_as_many_accounts_as_there_are_slots_are_walked_at_once_and_no_more(fleet: Fleet):
    all_slots_taken = asyncio.Barrier(3)
    at_once: list[int] = []

    async def together() -> Any:
        at_once.append(runner.visiting)
        await all_slots_taken.wait()
        return page(cursor="s0")

    for number in range(9):
        await fleet.add(f"a{number}", together)
    async with running(fleet.runner(width=3)) as runner:
        await fleet.ends(9)
    assert max(at_once) == 3


async def test_accounts_that_failed_and_hang_now_do_not_delay_the_others(fleet: Fleet):
    hung = [asyncio.Event() for _ in range(4)]
    for number, reached in enumerate(hung):
        long_due = fleet.clock.time.replace(year=2025)
        await fleet.add(f"ill{number}", hanging(reached), failures=1, next_sync_at=long_due)
    for number in range(6):
        await fleet.add(f"well{number}")
    async with running(fleet.runner(width=4)):
        assert {outcome.state for outcome in await fleet.ends(6)} == {PassState.DONE}
    assert await fleet.live() == {f"well{number}1" for number in range(6)}
    assert [reached.is_set() for reached in hung].count(True) == 2


async def test_a_fault_at_one_account_costs_the_others_nothing(fleet: Fleet, caplog: pytest.LogCaptureFixture):
    def connect(token: ServerToken, base_url: str) -> AsyncClient:
        if token.consumer_key == "CK_broken":
            raise RuntimeError("a bug")
        return fleet.connect(token, base_url)

    await fleet.add("broken")
    await fleet.add("hq")
    with caplog.at_level(logging.ERROR, "adept.jobs"):
        async with running(fleet.runner(connect=connect)):
            await fleet.next_end()
    assert await fleet.live() == {"hq1"}
    assert "a bug" in caplog.text


async def test_who_observes_and_fails_does_not_end_the_runner(fleet: Fleet, caplog: pytest.LogCaptureFixture):
    def observe(outcome: PassOutcome) -> None:
        fleet.ended.put_nowait(outcome)
        raise RuntimeError("a bug of the observer")

    await fleet.add("hq")
    with caplog.at_level(logging.CRITICAL, "adept.jobs"):
        async with running(fleet.runner(observe=observe)) as runner:
            await fleet.next_end()
            await fleet.add("lab")
            runner.wake()
            await fleet.next_end()
    assert await fleet.live() == {"hq1", "lab1"}


class Unreliable(Store):
    """A store whose database is out of reach while `is_down`."""

    is_down = False

    @asynccontextmanager
    async def _transaction(self, begin: Any) -> AsyncIterator[Transaction]:
        if self.is_down:
            raise StoreError("the database is out of reach")
        async with super()._transaction(begin) as tx:
            yield tx


async def test_a_database_that_fails_and_comes_back_does_not_end_the_runner(fleet: Fleet):
    unreliable = Unreliable(
        fleet.store.place, fleet.store.engine, fleet.store.sealer, busy_timeout_s=30, now=fleet.store.now
    )
    failed = asyncio.Event()
    handler = logging.Handler()
    handler.emit = lambda record: failed.set()  # type: ignore[method-assign] # as simple as can be
    logger = logging.getLogger("adept.jobs")
    logger.addHandler(handler)
    try:
        async with running(fleet.runner(unreliable)):
            unreliable.is_down = True
            await asyncio.wait_for(failed.wait(), SOON_S)
            await fleet.add("hq")
            unreliable.is_down = False
            await fleet.next_end()
    finally:
        logger.removeHandler(handler)
    assert await fleet.live() == {"hq1"}


async def test_two_runners_on_one_database_walk_each_account_once(fleet: Fleet, database_url: str, secret_key: str):
    names = [f"a{number:02}" for number in range(20)]
    for name in names:
        await fleet.add(name)
    async with (
        open_store(database_url, secret_keys=[secret_key], data_dir=None, migrate=False) as other,
        running(fleet.runner()),
        running(fleet.runner(other)),
    ):
        await fleet.ends(len(names))
    assert [await fleet.passes(name) for name in names] == [["done"]] * len(names)


async def test_stopping_finishes_the_page_that_is_stored_drops_the_request_in_flight_and_frees_the_account(
    fleet: Fleet,
):
    reached = asyncio.Event()
    await fleet.add("hq", page(device("hq1"), cursor="f1", more=True), hanging(reached))
    async with running(fleet.runner()) as runner:
        await asyncio.wait_for(reached.wait(), SOON_S)
        await asyncio.wait_for(runner.stop(), 10)
        assert runner.visiting == 0
    assert await fleet.live() == {"hq1"}
    assert await fleet.passes("hq") == ["failed"]
    fleet.apple("hq").say(FETCH, page(device("hq2"), cursor="s0"))
    async with running(fleet.runner()):  # due as before: it goes on where it was
        await fleet.next_end()
    assert await fleet.live() == {"hq1", "hq2"}
    assert await fleet.passes("hq") == ["done", "failed"]


async def test_stopping_does_not_wait_for_a_database_that_somebody_locked(
    fleet: Fleet, database_url: str, secret_key: str
):
    reached, locked = asyncio.Event(), asyncio.Event()

    async def when_locked() -> Any:
        reached.set()
        await locked.wait()
        return page(device("hq1"), cursor="s0")

    await fleet.add("hq", when_locked)
    async with (
        open_store(database_url, secret_keys=[secret_key], data_dir=None, migrate=False) as other,
        running(fleet.runner()) as runner,
    ):
        await asyncio.wait_for(reached.wait(), SOON_S)
        async with other.writing() as tx:
            await lock_account(tx, (await account_named(tx, "hq")).id)
            locked.set()
            began_s = asyncio.get_running_loop().time()
            await runner.stop(within_s=2)
            assert asyncio.get_running_loop().time() - began_s < 10
    assert await fleet.live() == set()


async def test_a_runner_that_is_cancelled_cleans_up_as_one_that_is_stopped(fleet: Fleet):
    reached = asyncio.Event()
    await fleet.add("hq", hanging(reached))
    runner = fleet.runner()
    task = asyncio.create_task(runner.run())
    await asyncio.wait_for(reached.wait(), SOON_S)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert runner.visiting == 0
    async with fleet.store.reading() as tx:
        assert (await account_named(tx, "hq")).lease_until is None


async def test_stopping_a_runner_that_never_ran_is_nothing_special(fleet: Fleet):
    await fleet.runner().stop()


async def test_an_account_that_is_removed_in_mid_pass_is_forgotten_and_the_others_go_on(fleet: Fleet):
    async def removed() -> Any:
        await remove(fleet.store, "hq", by=ADEPT, now=fleet.clock)
        return page(device("hq1"), cursor="s0")

    await fleet.add("hq", removed)
    await fleet.add("lab")
    async with running(fleet.runner()):
        states = {outcome.state for outcome in await fleet.ends(2)}
    assert states == {PassState.LOST, PassState.DONE}
    assert await fleet.live() == {"lab1"}
