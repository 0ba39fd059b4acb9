"""Devices as the engine writes them, on both engines."""

from datetime import datetime, timedelta, timezone
from typing import Any

import pytest
from sqlalchemy import event, select, text

from adept.store import devices, seen, tables
from adept.store.database import Store, open_store
from adept.store.device_filters import DeviceFilter
from adept.store.inventory import device_rows
from tests.postgres import Cluster
from tests.store.examples import NOW, an_account, device_row, devices_of, gone


def read_back(row: dict[str, Any]) -> dict[str, Any]:
    """A row as it is read: what devices are searched by is for the database alone."""
    return {name: value for name, value in row.items() if name != "searched"}


async def test_a_device_comes_back_as_it_was_put(store: Store):
    row = device_row("A1", op_type="added", op_date=NOW, description="Größe ✓ 🍏", in_doubt=True)
    async with store.writing() as tx:
        account = await an_account(tx)
        await devices.put(tx, account.id, [row])
    async with store.reading() as tx:
        (found,) = await device_rows(tx, DeviceFilter(), limit=10)
    assert {name: getattr(found, name) for name in row if name != "searched"} == read_back(row)


async def test_putting_again_replaces_all_but_when_it_was_first_seen(store: Store):
    later = NOW + timedelta(days=1)
    async with store.writing() as tx:
        account = await an_account(tx)
        await devices.put(tx, account.id, [gone("A1"), device_row("A2")])
        await devices.put(tx, account.id, [device_row("A1", color="GOLD", first_seen_at=later, changed_at=later)])
        found, other = await device_rows(tx, DeviceFilter(deleted=None), limit=10)
    assert (found.color, found.first_seen_at, found.changed_at) == ("GOLD", NOW, later)
    assert (found.deleted_at, found.deleted_reason) == (None, None)
    assert other.color == "SILVER"


async def test_two_accounts_may_hold_the_same_serial_number(store: Store):
    async with store.writing() as tx:
        first, second = await an_account(tx, "a"), await an_account(tx, "b")
        await devices.put(tx, first.id, [device_row("A1", color="RED")])
        await devices.put(tx, second.id, [device_row("A1", color="BLUE")])
        found = await device_rows(tx, DeviceFilter(serial_number="A1"), limit=10)
    assert [(row.account_name, row.color) for row in found] == [("a", "RED"), ("b", "BLUE")]


async def test_known_tells_tombstones_and_doubts_and_leaves_out_strangers(store: Store):
    async with store.writing() as tx:
        account, other = await an_account(tx), await an_account(tx, "other")
        await devices.put(tx, account.id, [device_row("A1", op_type="modified", op_date=NOW, in_doubt=True)])
        await devices.put(tx, account.id, [gone("A2")])
        await devices_of(tx, other.id, "A3")
        found = await devices.known(tx, account.id, ["A1", "A2", "A3", "A4"])
    digest, a1, a2 = b"0123456789abcdef", '{"serial_number":"A1"}', '{"serial_number":"A2"}'
    assert found == {
        "A1": devices.KnownDevice("A1", digest, NOW, "modified", None, in_doubt=True, document=a1),
        "A2": devices.KnownDevice("A2", digest, None, None, "deleted", in_doubt=False, document=a2),
    }


async def test_known_of_nothing_is_nothing(store: Store):
    async with store.writing() as tx:
        account = await an_account(tx)
        assert await devices.known(tx, account.id, []) == {}
        assert await devices.documents(tx, account.id, []) == {}
        await devices.put(tx, account.id, [])
        await devices.touch(tx, account.id, [])
        await devices.set_tombstones(tx, account.id, [])


@pytest.mark.parametrize("size", [1, 1000, 1001])
async def test_a_page_costs_as_many_statements_whatever_its_size(store: Store, size: int):
    serials = [f"A{number:05}" for number in range(size)]
    statements: list[str] = []

    @event.listens_for(store.engine.sync_engine, "before_cursor_execute")
    def count(_connection, _cursor, statement, *_):
        statements.append(statement)

    async with store.writing() as tx:
        account = await an_account(tx)
        statements.clear()
        await devices.known(tx, account.id, serials)
        await devices.documents(tx, account.id, serials)
        await devices_of(tx, account.id, *serials)
        assert len(statements) == (5 if tx.dialect.name == "sqlite" else 3)  # two for the index of values
        assert len(await devices.known(tx, account.id, serials)) == size


@pytest.mark.parametrize("engine_name", ["postgresql"], indirect=True)
async def test_a_page_is_looked_up_by_its_keys_though_postgresql_has_no_statistics_of_the_account_yet(store: Store):
    """A condition on all the serial numbers at once made it read the whole account for each page of a first sync."""
    read = text("SELECT idx_tup_fetch FROM pg_stat_xact_user_tables WHERE relname = 'devices'")
    serials = [f"A{number:05}" for number in range(20_000)]
    async with store.writing() as tx:
        account = await an_account(tx)
        await devices_of(tx, account.id, *serials)
    async with store.reading() as tx:
        assert len(await devices.known(tx, account.id, serials[::20])) == 1000
        assert len(await devices.documents(tx, account.id, serials[1::20])) == 1000
        assert (await tx.execute(read)).scalar_one() <= 2000


async def test_documents_are_apples_json_as_it_came(store: Store):
    document = '{ "serial_number" : "A1",\n "x": "\\u0000\\ud83c\\udf4f 🍏" }'
    async with store.writing() as tx:
        account = await an_account(tx)
        await devices.put(tx, account.id, [device_row("A1", document=document), device_row("A2")])
        assert await devices.documents(tx, account.id, ["A1", "A9"]) == {"A1": document}


async def test_a_nul_character_which_postgresql_cannot_hold_is_dropped_everywhere(store: Store):
    async with store.writing() as tx:
        account = await an_account(tx)
        await devices.put(tx, account.id, [device_row("A\x001", description="a\x00b", asset_tag="\x00")])
        assert list(await devices.known(tx, account.id, ["A\x001"])) == ["A1"]
        await seen.add_seen(tx, account.id, 1, ["A\x001"])
        assert await devices.unseen(tx, account.id, 1, "", 10) == []
        (found,) = await device_rows(tx, DeviceFilter(serial_number="A\x001"), limit=10)
    assert (found.description, found.asset_tag) == ("ab", "")


async def test_touching_changes_the_last_entry_and_nothing_else(store: Store):
    later = NOW + timedelta(hours=1)
    async with store.writing() as tx:
        account = await an_account(tx)
        await devices_of(tx, account.id, "A1", "A2")
        before, other = await device_rows(tx, DeviceFilter(), limit=10)
        touched = {"serial_number": "A1", "op_type": "modified", "op_date": later, "in_doubt": True}
        await devices.touch(tx, account.id, [touched, {**touched, "serial_number": "UNKNOWN"}])
        after, unchanged = await device_rows(tx, DeviceFilter(), limit=10)
    assert (after.op_type, after.op_date, after.in_doubt) == ("modified", later, True)
    assert (after.changed_at, after.document, after.deleted_at) == (before.changed_at, before.document, None)
    assert unchanged == other


async def test_a_tombstone_has_a_time_and_a_reason_and_keeps_the_device(store: Store):
    later = NOW + timedelta(hours=1)
    row = {
        "serial_number": "A1",
        "deleted_at": later,
        "deleted_reason": "deleted",
        "op_type": "deleted",
        "op_date": later,
        "changed_at": later,
        "in_doubt": False,
    }
    async with store.writing() as tx:
        account = await an_account(tx)
        await devices_of(tx, account.id, "A1", "A2")
        await devices.set_tombstones(tx, account.id, [row])
        (found,) = await device_rows(tx, DeviceFilter(deleted=True), limit=10)
        assert await devices.live_count(tx, account.id) == 1
    assert {name: getattr(found, name) for name in row if name != "searched"} == read_back(row)
    assert found.document == '{"serial_number":"A1"}'


async def test_times_are_utc_to_the_microsecond_whatever_zone_they_came_in(store: Store):
    summer = timezone(timedelta(hours=2))
    times = [
        datetime(1969, 12, 31, 23, 59, 59, 999999, tzinfo=summer),
        datetime(2026, 7, 1, 0, 0, 0, 1, tzinfo=summer),
        datetime(9999, 12, 31, 0, 0, 0, 999999, tzinfo=summer),
    ]
    async with store.writing() as tx:
        account = await an_account(tx)
        await devices.put(tx, account.id, [device_row(f"A{n}", op_date=time) for n, time in enumerate(times)])
        found = (await tx.execute(select(tables.devices.c.op_date).order_by("serial_number"))).scalars().all()
    assert found == times
    assert {time.utcoffset() for time in found} == {timedelta(0)}


async def test_unseen_are_the_live_devices_no_page_of_the_fetch_has_shown(store: Store):
    async with store.writing() as tx:
        account, other = await an_account(tx), await an_account(tx, "other")
        await devices_of(tx, account.id, "A1", "A2", "A3", "A4", "A5")
        await devices.put(tx, account.id, [gone("A6")])
        await devices_of(tx, other.id, "A7")
        await seen.add_seen(tx, account.id, 2, ["A1", "STRANGER"])
        await seen.add_seen(tx, account.id, 2, ["A4", "A1"])
        await seen.add_seen(tx, account.id, 2, [])
        await seen.add_seen(tx, account.id, 1, ["A2"])  # another fetch
        await seen.add_seen(tx, other.id, 2, ["A3"])  # another account
        assert await devices.unseen(tx, account.id, 2, "", 10) == ["A2", "A3", "A5"]
        assert await devices.unseen(tx, account.id, 2, "", 2) == ["A2", "A3"]
        assert await devices.unseen(tx, account.id, 2, "A3", 2) == ["A5"]
        assert await devices.unseen(tx, account.id, 9, "A4", 9) == ["A5"]


async def test_unseen_and_doubted_pages_join_whatever_characters_the_serial_numbers_have(store: Store):
    serials = sorted(["a", "B", "b", "A", "Z", "ä", "É", "0", "-", "_", "🍏", "a-b", "ab"])
    async with store.writing() as tx:
        account = await an_account(tx)
        await devices.put(tx, account.id, [device_row(serial, in_doubt=True) for serial in serials])
        for ask in (
            lambda after: devices.unseen(tx, account.id, 1, after, 2),
            lambda after: devices.in_doubt(tx, account.id, after, 2),
        ):
            found: list[str] = []
            while page := await ask(found[-1] if found else ""):
                found += page
            assert found == serials


async def test_pages_join_in_a_postgresql_that_sorts_as_a_language_does(postgresql: Cluster, secret_key: str):
    serials = sorted(["a", "B", "b", "A", "Z", "0", "-", "a-b", "ab"])
    with postgresql.database(language="en-US") as url:
        keys = [secret_key]
        async with open_store(url, secret_keys=keys, data_dir=None, migrate=True) as store, store.writing() as tx:
            account = await an_account(tx)
            await devices_of(tx, account.id, *serials)
            first = await devices.unseen(tx, account.id, 1, "", 4)
            assert first + await devices.unseen(tx, account.id, 1, first[-1], 9) == serials
            assert [row.serial_number for row in await device_rows(tx, DeviceFilter(), limit=9)] == serials


async def test_only_devices_in_doubt_are_asked_about(store: Store):
    async with store.writing() as tx:
        account, other = await an_account(tx), await an_account(tx, "other")
        await devices.put(
            tx, account.id, [device_row("A1"), device_row("A2", in_doubt=True), gone("A3", in_doubt=True)]
        )
        await devices.put(tx, other.id, [device_row("A4", in_doubt=True)])
        assert await devices.in_doubt(tx, account.id, "", 10) == ["A2", "A3"]
        assert await devices.in_doubt(tx, account.id, "A2", 10) == ["A3"]
        assert await devices.in_doubt(tx, account.id, "", 1) == ["A2"]
