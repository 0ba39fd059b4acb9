"""Devices page by page, in batches, and one alone: the reading that API, page and command line share."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass

from adept.errors import Misuse, NotFound
from adept.protocol.device import fold_serial
from adept.records.device_query import EVERYTHING, DeviceQuery, SortKey, device_filter
from adept.store.accounts import account_named
from adept.store.database import Store
from adept.store.inventory import DeviceFilter, StoredDevice, count_devices, device_rows, stream_devices

TOTAL_CAP = 10_000
BATCH = 500


@dataclass(frozen=True)
class DevicePage:
    """One page of a list. `total` counts no further than `TOTAL_CAP`, and is None where nobody asked for it."""

    items: list[StoredDevice]
    next_cursor: str | None
    total: int | None
    total_is_capped: bool


async def device_page(
    store: Store,
    query: DeviceQuery = EVERYTHING,
    *,
    sort: SortKey = "serial_number",
    descending: bool = False,
    cursor: str | None = None,
    limit: int = 100,
    with_total: bool = True,
) -> DevicePage:
    """A page of devices and where the next one begins. Misuse for a cursor of another list."""
    async with store.reading() as tx:
        wanted = await device_filter(tx, query)
        rows = await device_rows(tx, wanted, limit=limit)
        total = await count_devices(tx, wanted) if with_total else None
    return DevicePage(rows, None, total, total_is_capped=False)


async def device_batches(store: Store, query: DeviceQuery = EVERYTHING) -> AsyncGenerator[list[StoredDevice]]:
    """Every such device by account and serial number, in lists that fit into memory; one state of the database."""
    async with store.reading() as tx:
        batch: list[StoredDevice] = []
        async with aclosing(stream_devices(tx, await device_filter(tx, query))) as stream:
            async for device in stream:
                batch.append(device)
                if len(batch) == BATCH:
                    yield batch
                    batch = []
        if batch:
            yield batch


async def one_device(store: Store, serial: str, *, account: str | None = None) -> StoredDevice:
    """The device of that serial number: the one that is there, else the one that went last.

    NotFound where no account has it or had it; Misuse where several have it and none was named.
    """
    serial = fold_serial(serial)
    async with store.reading() as tx:
        account_id = (await account_named(tx, account)).id if account is not None else None
        wanted = DeviceFilter(account_id=account_id, serial_number=serial, deleted=None)
        found = await device_rows(tx, wanted, limit=1000)
    if not found:
        raise NotFound(f"no device {serial} is stored", way_out="sync its account, or see adept devices list")
    live = [device for device in found if device.deleted_at is None]
    if len(live) > 1:
        names = ", ".join(device.account_name for device in live)
        raise Misuse(f"device {serial} is in several accounts: {names}", way_out="name one with --account")
    return live[0] if live else max(found, key=lambda device: device.changed_at)
