"""Removing what an account holds, on both engines."""

import asyncio
import json

import pytest
from sqlalchemy import event, func, select

from adept.errors import Misuse
from adept.store import (
    accounts,
    changes,
    devices,
    holds,
    keypairs,
    leases,
    outbox,
    passes,
    removal,
    seen,
    tables,
    tokens,
)
from adept.store.database import Store
from adept.store.device_filters import DeviceFilter
from adept.store.inventory import device_rows
from tests.store.examples import NOW, an_account, device_row, devices_of, gone, somebody_waits


async def test_every_live_device_gets_a_tombstone_and_a_change_in_the_order_of_serial_numbers(store: Store):
    async with store.writing() as tx:
        account, other = await an_account(tx), await an_account(tx, "other")
        await devices_of(tx, account.id, "b", "C", "A")
        await devices.put(tx, account.id, [gone("D"), device_row("E", in_doubt=True)])
        await devices_of(tx, other.id, "A")
        await accounts.count_live(tx, account.id, 4)
        await changes.draw_numbers(tx, 10)
        assert await removal.tombstone_all(tx, account, reason="server_replaced", now=NOW) == 4
        found = await changes.changes_after(tx, 0, limit=10)
        (message,) = await outbox.outbox_after(tx, 0, limit=10)
        left = await device_rows(tx, DeviceFilter(deleted=None, account_id=account.id), limit=10)
        assert await devices.live_count(tx, other.id) == 1
        emptied = await accounts.account_by_id(tx, account.id)
        assert emptied is not None
        assert emptied.live_devices == 0
    assert [(change.id, change.serial_number) for change in found] == [(11, "A"), (12, "C"), (13, "E"), (14, "b")]
    assert {(change.kind, change.reason, change.after, change.account_name) for change in found} == {
        ("deleted", "server_replaced", None, "hq")
    }
    assert json.loads(found[0].before or "") == {"serial_number": "A"}
    assert (message.kind, message.first_change, message.last_change) == ("deleted", 11, 14)
    assert [row.deleted_reason for row in left] == ["server_replaced"] * 2 + ["deleted"] + ["server_replaced"] * 2
    assert not any(row.in_doubt for row in left)


async def test_an_account_without_devices_tells_nothing(store: Store):
    async with store.writing() as tx:
        account = await an_account(tx)
        assert await removal.tombstone_all(tx, account, reason="server_replaced", now=NOW) == 0
        assert await changes.changes_after(tx, 0, limit=10) == []
        assert await outbox.outbox_after(tx, 0, limit=10) == []
        assert await changes.draw_numbers(tx, 1) == 1


@pytest.mark.parametrize(
    ("count", "ranges"),
    [(1000, [(1, 1000)]), (1001, [(1, 1000), (1001, 1001)]), (2500, [(1, 1000), (1001, 2000), (2001, 2500)])],
)
async def test_a_message_tells_at_most_a_thousand_deletions(store: Store, count: int, ranges: list[tuple[int, int]]):
    async with store.writing() as tx:
        account = await an_account(tx)
        await devices_of(tx, account.id, *(f"A{number:05}" for number in range(count)))
        assert await removal.tombstone_all(tx, account, reason="server_replaced", now=NOW) == count
        found = await outbox.outbox_after(tx, 0, limit=10)
    assert [(message.first_change, message.last_change) for message in found] == ranges


async def test_removing_an_account_takes_few_statements_however_many_devices_it_has(store: Store):
    statements: list[str] = []

    @event.listens_for(store.engine.sync_engine, "before_cursor_execute")
    def count(_connection, _cursor, statement, *_):
        statements.append(statement)

    async with store.writing() as tx:
        account = await an_account(tx)
        await devices_of(tx, account.id, *(f"A{number:05}" for number in range(3000)))
        statements.clear()
        await removal.remove_account(tx, account.id, NOW)
    assert len(statements) <= 9


async def test_removing_an_account_leaves_its_keypairs_and_changes_and_nothing_else(store: Store):
    sealer = store.sealer
    async with store.writing(durable=True) as tx:
        account, other = await an_account(tx), await an_account(tx, "other")
        for one in (account, other):
            await devices_of(tx, one.id, "A1")
            pair = await keypairs.add_keypair(tx, one, b"KEY", "CERT", state="active", sealer=sealer, now=NOW)
            await keypairs.add_keypair(tx, one, b"KEY", None, state="staged", sealer=sealer, now=NOW)
            await tokens.add_token(
                tx,
                one.id,
                b"{}",
                state="active",
                keypair_id=pair.id,
                expires_at=NOW,
                consumer_key_hash="0",
                sealer=sealer,
                now=NOW,
            )
            ran = await passes.start_pass(tx, one.id, kind="full", lease_epoch=1, now=NOW)
            await seen.add_seen(tx, one.id, 1, ["A1"])
            await holds.add_hold(tx, one.id, pass_id=ran.id, serials=["A1"], live_devices=1, now=NOW)
        assert await removal.remove_account(tx, account.id, NOW) == 1
    async with store.reading() as tx:
        counts = {
            table.name: (await tx.execute(select(func.count()).select_from(table))).scalar_one()
            for table in tables.metadata.sorted_tables
        }
        left = await keypairs.keypairs_of_removed(tx, "hq")
        (told,) = await changes.changes_after(tx, 0, limit=10)
        (message,) = await outbox.outbox_after(tx, 0, limit=10)
    once = {"accounts", "devices", "server_tokens", "passes", "seen_pages", "holds", "changes", "outbox"}
    singletons = {"feed_position": 1, "sealing_canary": 1, "schema_state": 1}
    assert {table: count for table, count in counts.items() if count} == {
        **dict.fromkeys(once, 1),
        **singletons,
        "keypairs": 4,
    }
    assert [(pair.state, pair.retired_at, pair.account_id) for pair in left] == [("retired", NOW, None)] * 2
    assert keypairs.private_key(left[0], sealer) == b"KEY"
    assert (told.account_id, told.account_name, told.reason) == (None, "hq", "account_removed")
    assert (message.account_id, message.account_name) == (None, "hq")


async def test_a_removal_waits_for_the_page_in_hand_and_does_not_keep_it_from_ending(store: Store):
    """Both need the account's row and the feed's: in another order each would wait for the other."""
    async with store.writing() as tx:
        account = await an_account(tx)
        await devices_of(tx, account.id, "A1")
        epoch = await leases.claim(tx, account.id, now=NOW, holder="me", lease_s=30)
        assert epoch == 1

    async def remove() -> int:
        async with store.writing() as tx:
            return await removal.remove_account(tx, account.id, NOW)

    async with store.writing() as tx:
        assert await leases.fence(tx, account.id, epoch, now=NOW)
        removing = asyncio.create_task(remove())
        if store.dialect_name == "postgresql":
            await somebody_waits(store)
        await devices_of(tx, account.id, "A2")
        assert await changes.draw_numbers(tx, 1) == 1
    assert await removing == 2


async def test_an_account_is_removed_once(store: Store):
    async with store.writing() as tx:
        account = await an_account(tx)
        assert await removal.remove_account(tx, account.id, NOW) == 0
        with pytest.raises(Misuse, match="removed meanwhile"):
            await removal.remove_account(tx, account.id, NOW)
        assert await accounts.all_accounts(tx) == []
