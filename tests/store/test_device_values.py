"""The index of values says what the values say: whatever stands in them, however they came, changed and went."""

from __future__ import annotations

import pytest

from adept.store import accounts, devices, removal
from adept.store.database import Store, Transaction
from adept.store.device_filters import DeviceFilter, SearchMode
from adept.store.device_pages import Order, page_of_devices
from tests.store.examples import NOW, an_account, device_row

EXACT, PREFIX = SearchMode.EXACT, SearchMode.PREFIX
ODD = ['o\'Neil "x"', "back\\slash", "a&b | !c", "tab\there", "50% *", "ÄÖÜ ß😀", "<-> (1)", "-", "AND", ":*x"]


async def found(tx: Transaction, search: str, mode: SearchMode) -> list[str]:
    page = await page_of_devices(tx, DeviceFilter(search=search, mode=mode), Order(), limit=1000, with_total=True)
    assert page.total == len(page.rows)
    return [row.serial_number for row in page.rows]


async def assert_sound(tx: Transaction) -> None:
    """SQLite's index says what the devices say, no more and no less; PostgreSQL's is its own affair."""
    if tx.dialect.name == "sqlite":
        check = "INSERT INTO device_values(device_values, rank) VALUES ('integrity-check', 1)"
        await tx.exec_driver_sql(check)


async def test_a_value_is_found_whole_and_by_its_beginning_whatever_stands_in_it(store: Store):
    async with store.writing() as tx:
        account = await an_account(tx)
        rows = [device_row(f"S{number:02}", asset_tag=tag) for number, tag in enumerate(ODD)]
        await devices.put(tx, account.id, [*rows, device_row("OTHER", asset_tag="something")])
    async with store.reading() as tx:
        for number, tag in enumerate(ODD):
            serial = f"S{number:02}"
            assert await found(tx, tag, EXACT) == [serial]
            assert serial in await found(tx, tag[: max(1, len(tag) - 1)], PREFIX)
            assert await found(tx, tag + "x", EXACT) == []
        assert await found(tx, "o'neil", EXACT) == []
        assert await found(tx, "SOME", PREFIX) == ["OTHER"]
        assert await found(tx, "s00\ns01", EXACT) == []
        assert await found(tx, ":", EXACT) == []


async def test_what_changed_is_found_by_what_it_is_now_and_what_was_removed_no_more(store: Store):
    async with store.writing() as tx:
        account, other = await an_account(tx), await an_account(tx, "other")
        await devices.put(tx, account.id, [device_row("A1", asset_tag="old"), device_row("B2", asset_tag="stays")])
        await devices.put(tx, other.id, [device_row("A1", asset_tag="old")])
        await devices.put(tx, account.id, [device_row("A1", asset_tag="new"), device_row("C3", asset_tag="new")])
        assert await found(tx, "old", EXACT) == ["A1"]
        assert await found(tx, "new", EXACT) == ["A1", "C3"]
        assert await found(tx, "st", PREFIX) == ["B2"]
        await removal.remove_batch(tx, account, NOW)
        await assert_sound(tx)
        assert await found(tx, "new", EXACT) == []
        await devices.put(tx, account.id, [device_row("C3", asset_tag="new")])
        await assert_sound(tx)
        await accounts.delete_account(tx, account.id, NOW)
        assert await found(tx, "a1", EXACT) == ["A1"]
        assert await found(tx, "new", EXACT) == []
        await devices.put(tx, other.id, [device_row("D4", asset_tag="new")])
        assert await found(tx, "new", EXACT) == ["D4"]
        await assert_sound(tx)


@pytest.mark.parametrize("limit", [10, 3000])
async def test_a_beginning_that_very_many_have_is_seen_in_a_sample(store: Store, limit: int):
    async with store.writing() as tx:
        account = await an_account(tx)
        many = [device_row(f"A{number:05}", model=f"m{number % 10}") for number in range(2500)]
        await devices.put(tx, account.id, many)
    async with store.reading() as tx:
        for search, fitting in (("a0", 2500), ("m3", 250), ("a00001", 1)):
            wanted = DeviceFilter(search=search, mode=PREFIX)
            page = await page_of_devices(tx, wanted, Order(), limit=limit, with_total=True, dense=20)
            assert len(page.rows) == min(limit, fitting)
            assert page.total == min(20, fitting)
