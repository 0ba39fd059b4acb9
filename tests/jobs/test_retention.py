"""Retention on both engines: what goes, what stays, how much at a time, and whose turn it is."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from sqlalchemy import func, insert, select, update

from adept.jobs.retention import EVERY, Keep, Removed, remove_expired, remove_when_due
from adept.store import outbox, tables
from adept.store.accounts import StoredAccount
from adept.store.changes import add_changes, draw_numbers, kept_changes
from adept.store.database import Store
from adept.store.outbox import add_outbox
from tests.store.examples import NOW, an_account, gone
from tests.store.test_changes import change_row

DAY = timedelta(days=1)
KEEP = Keep.days(changes=90, passes=90, audit=365)
FOR_EVER = Keep.days(changes=0, passes=0, audit=0)


def now() -> datetime:
    return NOW


@pytest.fixture
async def account(store: Store) -> StoredAccount:
    async with store.writing() as tx:
        return await an_account(tx)


async def tell(store: Store, account: StoredAccount, count: int, *, age: timedelta) -> None:
    """So many changes of that age, and the message about them."""
    async with store.writing() as tx:
        first = await draw_numbers(tx, count)
        numbers = range(first, first + count)
        await add_changes(tx, [change_row(account, number, f"S{number}", found_at=NOW - age) for number in numbers])
        message = {"account_id": account.id, "account_name": account.name, "kind": "modified"}
        await add_outbox(
            tx, [{**message, "first_change": first, "last_change": first + count - 1, "created_at": NOW - age}]
        )


async def a_pass(store: Store, account: StoredAccount, *, age: timedelta, state: str = "done") -> int:
    row = {"account_id": account.id, "kind": "sync", "state": state, "lease_epoch": 1, "started_at": NOW - age}
    async with store.writing() as tx:
        added = insert(tables.passes).values(**row, ended_at=None if state == "running" else NOW - age)
        return int((await tx.execute(added.returning(tables.passes.c.id))).scalar_one())


async def ids(store: Store, name: str) -> list[int]:
    table = tables.metadata.tables[name]
    async with store.reading() as tx:
        return list((await tx.execute(select(table.c.id).order_by(table.c.id))).scalars())


async def test_old_changes_and_their_messages_go_and_the_feed_says_where_it_begins(
    store: Store, account: StoredAccount
):
    for age in (100, 91, 89):
        await tell(store, account, 5, age=age * DAY)
    removed = await remove_expired(store, KEEP, now=now)
    assert removed == Removed(changes=10, messages=2, passes=0, audit=0, is_all=True)
    assert await ids(store, "changes") == [11, 12, 13, 14, 15]
    async with store.reading() as tx:
        assert await kept_changes(tx) == (10, 15)
        assert [message.first_change for message in await outbox.outbox_after(tx, 0, limit=9)] == [11]


async def test_a_young_change_keeps_what_was_numbered_after_it_so_that_there_are_no_holes(
    store: Store, account: StoredAccount
):
    await tell(store, account, 1, age=10 * DAY)
    await tell(store, account, 1, age=100 * DAY)  # written while the clock was wrong
    assert (await remove_expired(store, KEEP, now=now)).changes == 0
    assert await ids(store, "changes") == [1, 2]


async def test_passes_that_still_tell_something_stay(store: Store, account: StoredAccount):
    async with store.writing() as tx:
        paused = await an_account(tx, "paused")
    newest_of_paused = await a_pass(store, paused, age=300 * DAY)
    await a_pass(store, account, age=200 * DAY)
    held = await a_pass(store, account, age=150 * DAY)
    running = await a_pass(store, account, age=120 * DAY, state="running")
    await a_pass(store, account, age=91 * DAY, state="failed")
    young = await a_pass(store, account, age=DAY)
    hold = {"account_id": account.id, "pass_id": held, "created_at": NOW, "serial_numbers": "[]", "live_devices": 1}
    async with store.writing() as tx:
        await tx.execute(insert(tables.holds).values(**hold, state="open"))
    assert (await remove_expired(store, KEEP, now=now, batch=2)).passes == 2
    assert await ids(store, "passes") == [newest_of_paused, held, running, young]


async def test_old_audit_entries_go_and_tombstones_stay(store: Store, account: StoredAccount):
    old_and_new = [
        {"at": NOW - age * DAY, "actor_kind": "cli", "actor": "ada", "act": "x", "subject": "hq"} for age in (400, 300)
    ]
    async with store.writing() as tx:
        await tx.execute(insert(tables.audit), old_and_new)
        buried = gone("OLD") | {"account_id": account.id, "deleted_at": NOW - 1000 * DAY}
        await tx.execute(insert(tables.devices).values(**buried))
    assert (await remove_expired(store, KEEP, now=now)).audit == 1
    assert await ids(store, "audit") == [2]
    assert len(await ids(store, "devices")) == 1


async def test_for_ever_is_for_ever(store: Store, account: StoredAccount):
    await tell(store, account, 3, age=10_000 * DAY)
    await a_pass(store, account, age=10_000 * DAY)
    await a_pass(store, account, age=DAY)
    assert await remove_expired(store, FOR_EVER, now=now) == Removed(0, 0, 0, 0, is_all=True)


async def test_one_turn_an_hour_for_all_processes_and_the_next_at_once_where_more_is_left(
    store: Store, account: StoredAccount
):
    await tell(store, account, 25, age=100 * DAY)
    part = await remove_expired(store, KEEP, now=now, batch=10, batches=2)
    assert (part.changes, part.is_all) == (20, False)
    assert (await remove_when_due(store, KEEP, now=now)) == Removed(5, 1, 0, 0, is_all=True)
    assert await remove_when_due(store, KEEP, now=now) is None
    assert await remove_when_due(store, KEEP, now=lambda: NOW + EVERY - timedelta(seconds=1)) is None
    assert await remove_when_due(store, KEEP, now=lambda: NOW + EVERY) is not None


async def test_a_turn_that_was_never_ended_costs_an_hour_and_nothing_more(store: Store, account: StoredAccount):
    assert await remove_when_due(store, KEEP, now=now) is not None
    async with store.writing() as tx:  # as a process leaves it that is killed right after it took its turn
        await tx.execute(update(tables.retention).values(next_at=NOW + EVERY, done_at=None))
    assert await remove_when_due(store, KEEP, now=lambda: NOW + EVERY) is not None
    async with store.reading() as tx:
        assert (await tx.execute(select(func.count(tables.retention.c.done_at)))).scalar_one() == 1
