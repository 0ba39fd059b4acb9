"""Devices as people look for them, on both engines."""

from typing import Any

import pytest

from adept.store import devices
from adept.store.database import Store
from adept.store.inventory import (
    DeviceFilter,
    StoredDevice,
    count_devices,
    counts_by_account,
    device_rows,
    stream_devices,
)
from tests.store.examples import an_account, device_row, gone


@pytest.fixture
async def fleet(store: Store) -> dict[str, int]:
    """Two accounts' devices; the ids of the accounts by name."""
    async with store.writing() as tx:
        first, second = await an_account(tx, "first"), await an_account(tx, "second")
        rows = [
            device_row("A1", profile_uuid="ABCDEF", profile_status="pushed"),
            device_row("A2", device_family="Mac", model="iMac", description="100%_Größe", asset_tag="Raum 5"),
            device_row("a3", device_family=None, profile_status=None, model=None, description=None),
            gone("A4", device_family="Mac"),
        ]
        await devices.put(tx, first.id, rows)
        await devices.put(tx, second.id, [device_row("A1"), device_row("Z9", asset_tag="100 Prozent")])
    return {"first": first.id, "second": second.id}


@pytest.mark.parametrize(
    ("which", "found"),
    [
        ({}, ["A1", "A2", "a3", "A1", "Z9"]),
        ({"deleted": None}, ["A1", "A2", "A4", "a3", "A1", "Z9"]),
        ({"deleted": True}, ["A4"]),
        ({"account_id": "first"}, ["A1", "A2", "a3"]),
        ({"account_id": "second", "search": "a1"}, ["A1"]),
        ({"serial_number": "A1"}, ["A1", "A1"]),
        ({"serial_number": "a1"}, []),
        ({"family": "mac"}, ["A2"]),
        ({"family": "Mac", "deleted": None}, ["A2", "A4"]),
        ({"status": "PUSHED"}, ["A1"]),
        ({"profile_uuid": "abcdef"}, ["A1"]),
        ({"search": "A"}, ["A1", "A2", "a3", "A1", "Z9"]),
        ({"search": "raum 5"}, ["A2"]),
        ({"search": "imac"}, ["A2"]),
        ({"search": "100%"}, ["A2"]),
        ({"search": "%_"}, ["A2"]),
        ({"search": "/"}, []),
        ({"search": "Größe"}, ["A2"]),
        ({"search": "'; DROP TABLE devices; --"}, []),
        ({"search": ""}, ["A1", "A2", "a3", "A1", "Z9"]),
    ],
)
async def test_the_same_devices_are_found_counted_and_streamed(
    store: Store, fleet: dict[str, int], which: dict[str, Any], found: list[str]
):
    if "account_id" in which:
        which = which | {"account_id": fleet[which["account_id"]]}
    wanted = DeviceFilter(**which)
    async with store.reading() as tx:
        rows = await device_rows(tx, wanted, limit=100)
        assert [row.serial_number for row in rows] == found
        assert await count_devices(tx, wanted) == len(found)
        assert [row async for row in stream_devices(tx, wanted)] == rows


async def test_a_device_names_its_account(store: Store, fleet: dict[str, int]):
    async with store.reading() as tx:
        rows = await device_rows(tx, DeviceFilter(serial_number="A1"), limit=10)
    assert [(row.account_id, row.account_name) for row in rows] == [(fleet[name], name) for name in ("first", "second")]


@pytest.mark.parametrize("size", [1, 2, 5, 100])
async def test_pages_of_any_size_join_to_the_whole(store: Store, fleet: dict[str, int], size: int):
    wanted = DeviceFilter(deleted=None)
    joined: list[StoredDevice] = []
    async with store.reading() as tx:
        whole = await device_rows(tx, wanted, limit=100)
        while page := await device_rows(
            tx, wanted, after=(joined[-1].account_id, joined[-1].serial_number) if joined else None, limit=size
        ):
            assert len(page) <= size
            joined += page
    assert joined == whole


async def test_live_devices_are_counted_by_account(store: Store, fleet: dict[str, int]):
    async with store.writing() as tx:
        await an_account(tx, "empty")
        assert await counts_by_account(tx) == {fleet["first"]: 3, fleet["second"]: 2}


async def test_a_stream_goes_past_its_own_pages(store: Store):
    async with store.writing() as tx:
        account = await an_account(tx)
        serials = [f"A{number:05}" for number in range(2500)]
        await devices.put(tx, account.id, [device_row(serial) for serial in serials])
    async with store.reading() as tx:
        assert [row.serial_number async for row in stream_devices(tx, DeviceFilter())] == serials


async def test_a_stream_that_is_left_early_leaves_the_store_usable(store: Store, fleet: dict[str, int]):
    async with store.reading() as tx:
        stream = stream_devices(tx, DeviceFilter())
        first = await anext(stream)
        await stream.aclose()
    async with store.writing() as tx:
        await devices.put(tx, fleet["first"], [device_row(first.serial_number, color="GOLD")])
