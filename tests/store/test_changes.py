"""The feed of changes and the outbox, on both engines: nobody who follows by id ever misses one."""

import asyncio
import random
from datetime import timedelta
from typing import Any

import pytest

from adept.errors import Misuse
from adept.store import changes, outbox
from adept.store.accounts import StoredAccount
from adept.store.database import Store
from tests.store.examples import NOW, an_account, somebody_waits


@pytest.fixture
async def account(store: Store) -> StoredAccount:
    async with store.writing() as tx:
        return await an_account(tx)


def change_row(account: StoredAccount, number: int, serial: str, **columns: Any) -> dict[str, Any]:
    row: dict[str, Any] = {
        "id": number,
        "account_id": account.id,
        "account_name": account.name,
        "serial_number": serial,
        "pass_id": 1,
        "kind": "modified",
        "reason": None,
        "before": '{"color":"RED"}',
        "after": '{"color":"BLUE"}',
        "op_type": "modified",
        "op_date": NOW,
        "found_at": NOW,
    }
    return row | columns


async def tell(store: Store, account: StoredAccount, *serials: str) -> None:
    """One change for each serial number, in a transaction."""
    async with store.writing() as tx:
        first = await changes.draw_numbers(tx, len(serials))
        await changes.add_changes(tx, [change_row(account, first + n, serial) for n, serial in enumerate(serials)])


async def ids_after(store: Store, cursor: int) -> list[int]:
    async with store.reading() as tx:
        return [change.id for change in await changes.changes_after(tx, cursor, limit=1000)]


async def test_a_change_comes_back_as_it_was_told(store: Store, account: StoredAccount):
    async with store.writing() as tx:
        number = await changes.draw_numbers(tx, 1)
        row = change_row(account, number, "A1", kind="deleted", reason="released", after=None)
        await changes.add_changes(tx, [row])
        await changes.add_changes(tx, [])
        (found,) = await changes.changes_after(tx, 0, limit=10)
    assert {name: getattr(found, name) for name in row} == row


async def test_numbers_are_drawn_in_a_row_from_one(store: Store):
    async with store.writing() as tx:
        assert [await changes.draw_numbers(tx, count) for count in (1, 3, 1000, 1)] == [1, 2, 5, 1005]


async def test_numbers_of_a_transaction_that_failed_are_drawn_again(store: Store, account: StoredAccount):
    await tell(store, account, "A1")

    async def draw_and_fail() -> None:
        async with store.writing() as tx:
            await changes.draw_numbers(tx, 5)
            raise Misuse("no")

    with pytest.raises(Misuse):
        await draw_and_fail()
    await tell(store, account, "A2")
    assert await ids_after(store, 0) == [1, 2]


async def test_the_feed_is_read_page_by_page_and_by_account_and_serial_number(store: Store, account: StoredAccount):
    async with store.writing() as tx:
        other = await an_account(tx, "other")
    await tell(store, account, "A1", "A2")
    await tell(store, other, "A1")
    await tell(store, account, "A1")
    async with store.reading() as tx:

        async def found(cursor: int, **which: Any) -> list[int]:
            return [change.id for change in await changes.changes_after(tx, cursor, **which)]

        assert await found(0, limit=2) == [1, 2]
        assert await found(2, limit=2) == [3, 4]
        assert await found(4, limit=2) == []
        assert await found(0, account_id=account.id, limit=9) == [1, 2, 4]
        assert await found(0, serial="A1", limit=9) == [1, 3, 4]
        assert await found(1, serial="A1", account_id=account.id, limit=9) == [4]
        assert await changes.last_change(tx) == 4


async def test_an_empty_feed_ends_at_zero(store: Store):
    async with store.reading() as tx:
        assert await changes.last_change(tx) == 0
        assert await changes.changes_after(tx, 0, limit=10) == []


@pytest.mark.parametrize("engine_name", ["postgresql"], indirect=True)
async def test_of_two_transactions_that_draw_numbers_the_second_waits_for_the_first_to_commit(
    store: Store, account: StoredAccount
):
    async with store.writing() as tx:
        first = await changes.draw_numbers(tx, 2)
        second = asyncio.create_task(tell(store, account, "B1"))
        await somebody_waits(store)
        assert await ids_after(store, 0) == []
        rows = [change_row(account, first, "A1"), change_row(account, first + 1, "A2")]
        await changes.add_changes(tx, rows)
        assert not second.done()
    await second
    assert await ids_after(store, 0) == [1, 2, 3]


@pytest.mark.parametrize("seed", [1, 2])
async def test_a_follower_of_many_writers_never_skips_a_change(store: Store, account: StoredAccount, seed: int):
    dice = random.Random(seed)
    followed: list[int] = []
    told: list[str] = []

    async def write(writer: int) -> None:
        for turn in range(12):
            serials = [f"W{writer}T{turn}N{number}" for number in range(dice.randint(1, 4))]
            fails = dice.random() < 0.25
            try:
                async with store.writing() as tx:
                    first = await changes.draw_numbers(tx, len(serials))
                    await asyncio.sleep(0)
                    rows = [change_row(account, first + n, serial) for n, serial in enumerate(serials)]
                    await changes.add_changes(tx, rows)
                    if fails:
                        raise Misuse("rolled back")
            except Misuse:
                continue
            told.extend(serials)

    async def follow(done: asyncio.Event) -> None:
        while True:
            last_round = done.is_set()
            page = await ids_after(store, followed[-1] if followed else 0)
            followed.extend(page)
            if last_round and not page:
                return

    done = asyncio.Event()
    follower = asyncio.create_task(follow(done))
    await asyncio.gather(*(write(writer) for writer in range(4)))
    done.set()
    await follower
    assert followed == await ids_after(store, 0) == list(range(1, len(told) + 1))


async def test_a_message_of_the_outbox_is_a_range_of_changes_in_their_order(store: Store, account: StoredAccount):
    def message(first: int, last: int) -> dict[str, Any]:
        who = {"account_id": account.id, "account_name": account.name}
        return {**who, "kind": "added", "first_change": first, "last_change": last, "created_at": NOW}

    async with store.writing() as tx:
        await outbox.add_outbox(tx, [message(11, 20), message(1, 10)])
        await outbox.add_outbox(tx, [])
        found = await outbox.outbox_after(tx, 0, limit=10)
        rest = await outbox.outbox_after(tx, 10, limit=10)
        one = await outbox.outbox_after(tx, 0, limit=1)
    assert [(one.first_change, one.last_change) for one in found] == [(1, 10), (11, 20)]
    assert rest == found[1:]
    assert one == found[:1]
    assert found[0].created_at - NOW == timedelta(0)
