"""Devices that somebody picked one by one: listed, counted and exported, on both engines."""

from __future__ import annotations

import json

from adept.records.device_export import export_devices
from adept.records.device_lists import device_page
from adept.records.device_query import DeviceQuery
from adept.store.database import Store
from adept.store.device_pages import SortKey
from adept.store.devices import put
from tests.store.examples import an_account, device_row, devices_of, gone


async def some_devices(store: Store) -> dict[str, int]:
    """Six devices of two accounts, one of them gone: their ids by account and serial number."""
    async with store.writing() as tx:
        hq, schools = await an_account(tx), await an_account(tx, "schools")
        await devices_of(tx, hq.id, "A1", "A2", "A3")
        await put(tx, hq.id, [gone("A4"), device_row("A5", device_family="Mac")])
        await devices_of(tx, schools.id, "A1")
    page = await device_page(store, DeviceQuery(deleted="any"))
    return {f"{row.account_name}/{row.serial_number}": row.id for row in page.items}


async def test_those_that_were_picked_are_found_wherever_they_are(store: Store) -> None:
    ids = await some_devices(store)
    names = ("hq/A1", "schools/A1", "hq/A4")
    picked = DeviceQuery(ids=tuple(ids[name] for name in names), deleted="any")
    for sort in SortKey:
        page = await device_page(store, picked, sort=sort, with_total=True)
        assert {f"{row.account_name}/{row.serial_number}" for row in page.items} == set(names)
        assert page.total == 3
    first = await device_page(store, picked, limit=2)
    second = await device_page(store, picked, limit=2, cursor=first.next_cursor)
    assert [row.serial_number for row in (*first.items, *second.items)] == ["A1", "A1", "A4"]
    lines = [chunk async for chunk, _count in export_devices(store, picked, form="ndjson")]
    told = [json.loads(line) for line in b"".join(lines).splitlines()]
    assert [f"{device['account']}/{device['serial_number']}" for device in told] == ["hq/A1", "schools/A1", "hq/A4"]


async def test_filters_narrow_what_was_picked_too(store: Store) -> None:
    ids = await some_devices(store)
    picked = tuple(ids.values())
    for query, found in (
        (DeviceQuery(ids=picked, family="Mac"), ["A5"]),
        (DeviceQuery(ids=picked, deleted="true"), ["A4"]),
        (DeviceQuery(ids=(), deleted="any"), []),
        (DeviceQuery(ids=(2**52,), deleted="any"), []),
    ):
        page = await device_page(store, query, with_total=True)
        assert [row.serial_number for row in page.items] == found
        assert page.total == len(found)
