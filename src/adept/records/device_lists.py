"""Devices page by page, in batches, and one alone: the reading that API, page and command line share."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass

from adept.errors import Misuse, NotFound
from adept.protocol.device import fold_serial
from adept.records.device_cursor import read_cursor, write_cursor
from adept.records.device_json import json_list
from adept.records.device_query import EVERYTHING, DeviceQuery, device_filter
from adept.store.accounts import account_named
from adept.store.database import Store
from adept.store.device_filters import DeviceFilter
from adept.store.device_matches import DENSE
from adept.store.device_pages import Order, SortKey, page_of_devices
from adept.store.device_streams import stream_devices
from adept.store.inventory import ListedDevice, StoredDevice, device_rows

TOTAL_CAP = DENSE
BATCH = 500


@dataclass(frozen=True)
class DevicePage:
    """One page of a list. `total` counts no further than `TOTAL_CAP`, and is None where nobody asked for it."""

    items: list[ListedDevice]
    next_cursor: str | None
    total: int | None

    @property
    def total_is_capped(self) -> bool:
        """Whether there may be more than `total`."""
        return self.total == TOTAL_CAP


async def device_page(
    store: Store,
    query: DeviceQuery = EVERYTHING,
    *,
    sort: SortKey = SortKey.SERIAL_NUMBER,
    descending: bool = False,
    cursor: str | None = None,
    limit: int = 100,
    with_total: bool = False,
) -> DevicePage:
    """A page of devices and where the next one begins. Misuse for a cursor of another list."""
    order = Order(sort, descending)
    after = read_cursor(cursor, query, order)
    async with store.reading() as tx:
        wanted = await device_filter(tx, query)
        found = await page_of_devices(tx, wanted, order, after=after, limit=limit, with_total=with_total)
    following = write_cursor(found.last, query, order) if found.last is not None else None
    return DevicePage(found.rows, following, found.total)


async def device_batches(
    store: Store, query: DeviceQuery = EVERYTHING, *, at_a_time: int = BATCH
) -> AsyncGenerator[list[ListedDevice]]:
    """Every such device by serial number, in lists that fit into memory, none empty; one state of the database."""
    async with (
        store.reading() as tx,
        aclosing(stream_devices(tx, await device_filter(tx, query), at_a_time=at_a_time)) as stream,
    ):
        async for batch in stream:
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


def page_document(page: DevicePage) -> dict[str, object]:
    """A page as one JSON object for msgspec to write; `total` and `total_is_capped` where they were asked for."""
    document: dict[str, object] = {
        "items": json_list(page.items),
        "next_cursor": page.next_cursor,
    }
    if page.total is not None:
        document |= {"total": page.total, "total_is_capped": page.total_is_capped}
    return document
