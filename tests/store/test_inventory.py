"""Devices as people look for them, on both engines: found, counted and streamed alike, in any order, page by page."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import pytest

from adept.protocol.device import Device
from adept.store import devices
from adept.store.database import Store, Transaction
from adept.store.device_filters import DeviceFilter, SearchField, SearchMode
from adept.store.device_pages import Order, SortKey, page_of_devices
from adept.store.device_streams import stream_devices, stream_exported
from adept.store.inventory import ListedDevice, device_rows
from adept.store.searched import SEARCHED_BYTES, searched_text
from tests.store.examples import NOW, an_account, device_row, gone

ORDERS = [Order(key, descending) for key in SortKey for descending in (False, True)]
EXACT, PREFIX, CONTAINS = SearchMode.EXACT, SearchMode.PREFIX, SearchMode.CONTAINS
SERIAL = SearchField.SERIAL_NUMBER


def at(day: int) -> datetime:
    return NOW + timedelta(days=day)


@pytest.fixture
async def fleet(store: Store) -> dict[str, int]:
    """Two accounts' devices; the ids of the accounts by name."""
    async with store.writing() as tx:
        first, second = await an_account(tx, "first"), await an_account(tx, "second")
        rows = [
            device_row("A1", profile_uuid="ABCDEF", profile_status="pushed", changed_at=at(3)),
            device_row("A2", device_family="Mac", model="iMac", description="100%_Größe", asset_tag="Raum 5"),
            device_row("B3", device_family=None, profile_status=None, model=None, description=None),
            gone("A4", device_family="Mac"),
        ]
        await devices.put(tx, first.id, rows)
        phone = Device(
            serial_number="Z9",
            asset_tag="100 [Prozent]*",
            model="iPad Air",
            imei=("356741120000017",),
            wifi_mac_address="A4:83:E7:00:00:0A",
        )
        rows = [device_row("A1", first_seen_at=at(1)), device_row("Z9", searched=searched_text(phone))]
        await devices.put(tx, second.id, rows)
    return {"first": first.id, "second": second.id}


async def everything(
    tx: Transaction, wanted: DeviceFilter, order: Order, *, size: int, dense: int
) -> list[ListedDevice]:
    """All pages joined; each of them as large as asked for, but for the last."""
    joined: list[ListedDevice] = []
    after = None
    while True:
        page = await page_of_devices(tx, wanted, order, after=after, limit=size, dense=dense)
        joined += page.rows
        if page.last is None:
            assert len(page.rows) <= size
            return joined
        assert len(page.rows) == size
        after = page.last


def serials(rows: Sequence[ListedDevice]) -> list[str]:
    return [row.serial_number for row in rows]


@pytest.mark.parametrize(
    ("which", "found"),
    [
        ({}, ["A1", "A1", "A2", "B3", "Z9"]),
        ({"deleted": None}, ["A1", "A1", "A2", "A4", "B3", "Z9"]),
        ({"deleted": True}, ["A4"]),
        ({"account_id": "first"}, ["A1", "A2", "B3"]),
        ({"account_id": "first", "deleted": None}, ["A1", "A2", "A4", "B3"]),
        ({"account_id": "second", "search": "a1"}, ["A1"]),
        ({"serial_number": "A1"}, ["A1", "A1"]),
        ({"serial_number": "a1"}, []),
        ({"family": "mac"}, ["A2"]),
        ({"family": "MAC", "deleted": None}, ["A2", "A4"]),
        ({"family": "Mac", "account_id": "second"}, []),
        ({"status": "PUSHED"}, ["A1"]),
        ({"profile_uuid": "abcdef"}, ["A1"]),
        ({"changed_since": at(3)}, ["A1"]),
        ({"changed_until": at(3)}, ["A1", "A2", "B3", "Z9"]),
        ({"first_seen_since": at(1), "first_seen_until": at(2)}, ["A1"]),
        ({"deleted": True, "deleted_since": NOW, "deleted_until": at(1)}, ["A4"]),
        ({"deleted": None, "deleted_since": at(1)}, []),
        ({"search": "A"}, ["A1", "A1", "A2", "Z9"]),
        ({"search": "raum 5"}, ["A2"]),
        ({"search": " Raum 5 "}, ["A2"]),
        ({"search": "imac"}, ["A2"]),
        ({"search": "100%"}, ["A2"]),
        ({"search": "%_"}, ["A2"]),
        ({"search": "/"}, []),
        ({"search": "[Prozent]*"}, ["Z9"]),
        ({"search": "?"}, []),
        ({"search": "Größe"}, ["A2"]),
        ({"search": "GRÖSSE"}, ["A2"]),
        ({"search": "'; DROP TABLE devices; --"}, []),
        ({"search": "nul\x00"}, []),
        ({"search": ""}, ["A1", "A1", "A2", "B3", "Z9"]),
        ({"search": "35674112"}, ["Z9"]),
        ({"search": "35-674112-0000017"}, ["Z9"]),
        ({"search": "a4:83:e7"}, ["Z9"]),
        ({"search": "83E700000A"}, ["Z9"]),
        ({"search": "raum", "mode": PREFIX}, ["A2"]),
        ({"search": "aum", "mode": PREFIX}, []),
        ({"search": "raum", "mode": EXACT}, []),
        ({"search": "RAUM 5", "mode": EXACT}, ["A2"]),
        ({"search": "A4-83-E7-00-00-0A", "mode": EXACT}, ["Z9"]),
        ({"search": "z9", "mode": EXACT}, ["Z9"]),
        ({"search": "a", "mode": PREFIX, "field": SERIAL}, ["A1", "A1", "A2"]),
        ({"search": "1", "mode": CONTAINS, "field": SERIAL}, ["A1", "A1"]),
        ({"search": "a1", "mode": EXACT, "field": SERIAL, "account_id": "second"}, ["A1"]),
        ({"search": "*", "field": SERIAL}, []),
        ({"search": "4", "field": SERIAL, "deleted": None}, ["A4"]),
    ],
)
async def test_the_same_devices_are_found_counted_and_streamed(
    store: Store, fleet: dict[str, int], which: dict[str, Any], found: list[str]
):
    if "account_id" in which:
        which = which | {"account_id": fleet[which["account_id"]]}
    wanted = DeviceFilter(**which)
    async with store.reading() as tx:
        for dense in (1, 3, 10_000):
            page = await page_of_devices(tx, wanted, Order(), limit=100, with_total=True, dense=dense)
            assert serials(page.rows) == found
            assert (page.total, page.last) == (min(len(found), dense), None)
            assert [row async for rows in stream_devices(tx, wanted, dense=dense) for row in rows] == page.rows
        rows = await device_rows(tx, wanted, limit=100)
        assert sorted(row.serial_number for row in rows) == found


@pytest.fixture
async def mixed(store: Store) -> dict[str, int]:
    """Thirty devices of two accounts with equal and missing models, seen and changed at few different times."""
    models = ["iMac", None, "Mac mini", "iPad", "iMac", None]
    rows = [
        device_row(
            f"S{number * 7 % 30:02}",
            model=models[number % 6],
            device_family="Mac" if number % 3 else "iPad",
            first_seen_at=at(number % 4),
            changed_at=at(5 - number % 5),
            **({"deleted_at": NOW, "deleted_reason": "deleted"} if number % 10 == 9 else {}),
        )
        for number in range(30)
    ]
    async with store.writing() as tx:
        first, second = await an_account(tx, "first"), await an_account(tx, "second")
        await devices.put(tx, first.id, rows[:20])
        await devices.put(tx, second.id, rows[12:])
    return {"first": first.id, "second": second.id}


def sorted_by(rows: Sequence[ListedDevice], order: Order) -> list[ListedDevice]:
    """The order as Python knows it: those without a value last, whatever the direction."""
    valued = [row for row in rows if getattr(row, order.key.value) is not None]
    bare = [row for row in rows if getattr(row, order.key.value) is None]
    valued.sort(key=lambda row: (getattr(row, order.key.value), getattr(row, order.tie)), reverse=order.descending)
    bare.sort(key=lambda row: getattr(row, order.tie), reverse=order.descending)
    return valued + bare


@pytest.mark.parametrize("order", ORDERS, ids=lambda order: f"{order.key.value}-{'down' if order.descending else 'up'}")
async def test_pages_of_any_size_join_to_the_whole_in_every_order(store: Store, mixed: dict[str, int], order: Order):
    async with store.reading() as tx:
        for wanted in (
            DeviceFilter(),
            DeviceFilter(deleted=None),
            DeviceFilter(deleted=True),
            DeviceFilter(account_id=mixed["second"]),
            DeviceFilter(account_id=mixed["second"], deleted=None),
            DeviceFilter(family="mac"),
            DeviceFilter(search="mac", account_id=mixed["first"]),
        ):
            streamed = [row async for rows in stream_devices(tx, wanted, at_a_time=7) for row in rows]
            whole = sorted_by(streamed, order)
            for size, dense in ((1000, 10_000), (1, 5), (4, 10_000), (7, 5), (len(whole) or 1, 5)):
                assert await everything(tx, wanted, order, size=size, dense=dense) == whole


async def test_what_arrives_between_two_pages_moves_nothing_that_was_there(store: Store, mixed: dict[str, int]):
    order = Order(SortKey.CHANGED_AT, descending=True)
    async with store.reading() as tx:
        before = await everything(tx, DeviceFilter(), order, size=1000, dense=10)
        first = await page_of_devices(tx, DeviceFilter(), order, limit=5)
    async with store.writing() as tx:
        await devices.put(tx, mixed["first"], [device_row("NEW", changed_at=at(9))])
    async with store.reading() as tx:
        rest = await page_of_devices(tx, DeviceFilter(), order, after=first.last, limit=1000)
    assert first.rows + rest.rows == before


async def test_a_device_names_its_account(store: Store, fleet: dict[str, int]):
    async with store.reading() as tx:
        rows = await device_rows(tx, DeviceFilter(serial_number="A1"), limit=10)
    assert [(row.account_id, row.account_name) for row in rows] == [(fleet[name], name) for name in ("first", "second")]


async def test_a_stream_goes_past_its_own_pages(store: Store):
    async with store.writing() as tx:
        account = await an_account(tx)
        numbered = [f"A{number:05}" for number in range(2500)]
        await devices.put(tx, account.id, [device_row(serial) for serial in numbered])
    async with store.reading() as tx:
        lists = [serials(rows) async for rows in stream_devices(tx, DeviceFilter())]
    assert [len(found) for found in lists] == [1000, 1000, 500]
    assert [serial for found in lists for serial in found] == numbered


async def test_a_stream_that_is_left_early_leaves_the_store_usable(store: Store, fleet: dict[str, int]):
    async with store.reading() as tx:
        stream = stream_devices(tx, DeviceFilter(), at_a_time=1)
        [first] = await anext(stream)
        await stream.aclose()
    async with store.writing() as tx:
        await devices.put(tx, fleet["first"], [device_row(first.serial_number, color="GOLD")])


async def test_texts_of_any_length_are_kept_and_found_by_their_beginning(store: Store):
    long = "🍏 " + "x" * 5000
    row = device_row(
        "A1", model=long, description=long, device_family=long, profile_status=long, profile_uuid=long, asset_tag=long
    )
    assert len(str(row["searched"]).encode()) <= SEARCHED_BYTES + 2
    async with store.writing() as tx:
        account = await an_account(tx)
        await devices.put(tx, account.id, [row])
        for wanted in (DeviceFilter(search="🍏 xx"), DeviceFilter(family=long), DeviceFilter(search="a1")):
            page = await page_of_devices(tx, wanted, Order(SortKey.MODEL), limit=10)
            assert serials(page.rows) == ["A1"]


@pytest.mark.parametrize(
    ("dense", "limit", "found"),
    [
        (6, None, ["a", "b", "c", "d", "e"]),
        (5, None, ["d", "b", "e", "a", "c"]),
        (5, 2, ["a", "b"]),
        (1, 2, ["d", "b"]),
    ],
)
async def test_a_file_is_sorted_unless_it_has_very_many(store: Store, dense: int, limit: int | None, found: list[str]):
    async with store.writing() as tx:
        account = await an_account(tx)
        for serial in ("d", "b", "e", "a", "c"):
            await devices.put(tx, account.id, [device_row(serial)])
    async with store.reading() as tx:
        for deleted in (False, None):
            wanted = DeviceFilter(deleted=deleted)
            stream = stream_exported(tx, wanted, limit=limit, at_a_time=2, dense=dense)
            assert [row[1] async for rows in stream for row in rows] == found
