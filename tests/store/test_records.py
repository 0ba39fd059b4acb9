"""Seen pages, passes, holds and malformed devices, on both engines."""

import json
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import insert
from sqlalchemy.exc import IntegrityError

from adept.store import accounts, devices, holds, malformed, passes, seen, tables
from adept.store.accounts import StoredAccount
from adept.store.database import Store
from tests.store.examples import NOW, an_account

LATER = NOW + timedelta(hours=1)


@pytest.fixture
async def account(store: Store) -> StoredAccount:
    async with store.writing() as tx:
        return await an_account(tx)


async def test_pages_seen_are_numbered_on_and_forgotten_together(store: Store, account: StoredAccount):
    async with store.writing() as tx:
        other = await an_account(tx, "other")
        for serials in (["A1"], ["A2"], []):
            await seen.add_seen(tx, account.id, 1, serials)
        await seen.add_seen(tx, account.id, 2, ["A1"])
        await seen.add_seen(tx, other.id, 1, ["A1"])
        assert [await seen.count_seen_pages(tx, account.id, fetch) for fetch in (1, 2, 3)] == [3, 1, 0]
        await seen.forget_seen(tx, account.id)
        assert await seen.count_seen_pages(tx, account.id, 1) == 0
        assert await seen.count_seen_pages(tx, other.id, 1) == 1


async def test_a_pass_starts_as_running_and_keeps_what_is_noted(store: Store, account: StoredAccount):
    noted: dict[str, Any] = {
        "state": "throttled",
        "ended_at": LATER,
        "pages": 3,
        "devices": 2500,
        "waited_s": 1.5,
        "notes": '["cursor expired: full fetch"]',
        "error_code": "TOO_MANY_REQUESTS",
        "error": "Apple asked to wait an hour",
    }
    async with store.writing() as tx:
        started = await passes.start_pass(tx, account.id, kind="full", lease_epoch=4, now=NOW)
        await passes.update_pass(tx, started.id, **noted)
        found = await passes.pass_by_id(tx, started.id)
        assert await passes.pass_by_id(tx, started.id + 1) is None
    assert (started.state, started.kind, started.lease_epoch, started.notes) == ("running", "full", 4, "[]")
    assert (started.pages, started.waited_s, started.ended_at) == (0, 0.0, None)
    assert found is not None
    assert {name: getattr(found, name) for name in noted} == noted
    assert (found.started_at, found.kind, found.added) == (NOW, "full", 0)


async def test_running_passes_of_earlier_walkers_are_lost(store: Store, account: StoredAccount):
    async with store.writing() as tx:
        other = await an_account(tx, "other")
        made = [
            await passes.start_pass(tx, whose.id, kind="sync", lease_epoch=epoch, now=NOW)
            for whose, epoch in ((account, 1), (account, 2), (account, 3), (other, 1))
        ]
        await passes.update_pass(tx, made[0].id, state="done", ended_at=NOW)
        assert await passes.lose_running(tx, account.id, 3, LATER) == 1
        found = [await passes.pass_by_id(tx, one.id) for one in made]
    assert [(one.state, one.ended_at) for one in found if one] == [
        ("done", NOW),
        ("lost", LATER),
        ("running", None),
        ("running", None),
    ]


async def test_passes_are_listed_the_newest_first_page_by_page(store: Store, account: StoredAccount):
    async with store.writing() as tx:
        other = await an_account(tx, "other")
        made = [
            (await passes.start_pass(tx, whose.id, kind="sync", lease_epoch=1, now=NOW)).id
            for whose in (account, other, account, account)
        ]

        async def found(*args: Any, **which: Any) -> list[int]:
            return [one.id for one in await passes.passes_of(tx, *args, **which)]

        assert await found(limit=10) == made[::-1]
        assert await found(limit=2) == [made[3], made[2]]
        assert await found(limit=2, before=made[2]) == [made[1], made[0]]
        assert await found(account.id, limit=10) == [made[3], made[2], made[0]]


async def test_a_hold_keeps_its_list_and_replaces_the_one_before(store: Store, account: StoredAccount):
    async with store.writing() as tx:
        assert await holds.open_hold(tx, account.id) is None
        first = await holds.add_hold(tx, account.id, pass_id=1, serials=["A1", "ä"], live_devices=5, now=NOW)
        assert await holds.open_hold(tx, account.id) == first
        second = await holds.add_hold(tx, account.id, pass_id=2, serials=["A2"], live_devices=4, now=LATER)
        assert await holds.open_hold(tx, account.id) == second
        found = await holds.holds_of(tx, account.id)
        assert await holds.holds_of(tx, state="replaced") == found[1:]
    assert holds.serials_held(first) == ["A1", "ä"]
    assert (first.state, first.live_devices, first.pass_id, first.decided_at) == ("open", 5, 1, None)
    assert [(hold.state, hold.decided_at) for hold in found] == [("open", None), ("replaced", LATER)]


async def test_the_list_of_a_hold_shrinks_while_it_is_open(store: Store, account: StoredAccount):
    async with store.writing() as tx:
        hold = await holds.add_hold(tx, account.id, pass_id=1, serials=["A1", "A2"], live_devices=5, now=NOW)
        await holds.set_hold_serials(tx, hold.id, ["A2"])
        assert await holds.decide_hold(tx, hold.id, "discarded", LATER)
        await holds.set_hold_serials(tx, hold.id, [])
        (found,) = await holds.holds_of(tx, account.id)
    assert json.loads(found.serial_numbers) == ["A2"]


async def test_a_hold_is_decided_once(store: Store, account: StoredAccount):
    async with store.writing() as tx:
        hold = await holds.add_hold(tx, account.id, pass_id=1, serials=["A1"], live_devices=5, now=NOW)
        assert await holds.decide_hold(tx, hold.id, "confirmed", LATER, deleted=1)
        assert not await holds.decide_hold(tx, hold.id, "discarded", LATER)
        assert await holds.open_hold(tx, account.id) is None
        (found,) = await holds.holds_of(tx)
    assert (found.state, found.deleted, found.decided_at) == ("confirmed", 1, LATER)


async def test_an_account_has_at_most_one_open_hold(store: Store, account: StoredAccount):
    async with store.writing() as tx:
        hold = await holds.add_hold(tx, account.id, pass_id=1, serials=[], live_devices=5, now=NOW)
    row = {"account_id": account.id, "pass_id": 1, "created_at": NOW, "serial_numbers": "[]", "live_devices": 1}
    with pytest.raises(IntegrityError):
        async with store.writing() as tx:
            await tx.execute(insert(tables.holds), row | {"state": hold.state})


def malformed_row(account: StoredAccount, serial: str | None, **columns: Any) -> dict[str, Any]:
    row: dict[str, Any] = {
        "account_id": account.id,
        "pass_id": 1,
        "serial_number": serial,
        "reason": "color: expected text",
        "document": '{"color":1}',
        "found_at": NOW,
    }
    return row | columns


async def test_of_a_malformed_device_the_newest_is_kept(store: Store, account: StoredAccount):
    async with store.writing() as tx:
        other = await an_account(tx, "other")
        await malformed.put_malformed(tx, [malformed_row(account, "A1"), malformed_row(account, "A2")])
        await malformed.put_malformed(tx, [malformed_row(other, "A1")])
        await malformed.put_malformed(tx, [malformed_row(account, "A1", document="{}", found_at=LATER)])
        await malformed.put_malformed(tx, [])
        found = await malformed.malformed_of(tx, account.id, limit=10)
        assert len(await malformed.malformed_of(tx, account.id, limit=1)) == 1
        assert len(await malformed.malformed_of(tx, other.id, limit=10)) == 1
    assert [(one.serial_number, one.document, one.found_at) for one in found] == [
        ("A1", "{}", LATER),
        ("A2", '{"color":1}', NOW),
    ]


async def test_malformed_devices_without_a_serial_number_do_not_pile_up(store: Store, account: StoredAccount):
    async with store.writing() as tx:
        for _ in range(3):
            rows = [malformed_row(account, None), malformed_row(account, None, document="[]")]
            await malformed.put_malformed(tx, rows)
        assert len(await malformed.malformed_of(tx, account.id, limit=10)) == 2


async def test_a_device_read_well_is_malformed_no_longer(store: Store, account: StoredAccount):
    async with store.writing() as tx:
        await malformed.put_malformed(tx, [malformed_row(account, serial) for serial in ("A1", "A2", None)])
        await malformed.clear_malformed(tx, account.id, ["A1", "A9"])
        found = await malformed.malformed_of(tx, account.id, limit=10)
        await malformed.clear_malformed(tx, account.id, [])
    assert [one.serial_number for one in found] == [None, "A2"]


async def test_everything_of_an_account_goes_with_it(store: Store, account: StoredAccount):
    async with store.writing() as tx:
        started = await passes.start_pass(tx, account.id, kind="sync", lease_epoch=1, now=NOW)
        await holds.add_hold(tx, account.id, pass_id=started.id, serials=["A1"], live_devices=1, now=NOW)
        await malformed.put_malformed(tx, [malformed_row(account, "A1")])
        await seen.add_seen(tx, account.id, 1, ["A1"])
        await accounts.delete_account(tx, account.id, NOW)
        assert await passes.passes_of(tx, limit=10) == []
        assert await holds.holds_of(tx) == []
        assert await malformed.malformed_of(tx, account.id, limit=10) == []
        assert await seen.count_seen_pages(tx, account.id, 1) == 0
        assert await devices.live_count(tx, account.id) == 0
