"""Every device that fits, by serial number, in constant memory however many there are.

The transaction stays open meanwhile, so that all of them are of one state of the database.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from functools import lru_cache
from typing import Any, NamedTuple

from sqlalchemy import Select, select
from sqlalchemy.ext.asyncio import AsyncConnection

from adept.store.device_filters import DeviceFilter, conditions
from adept.store.device_matches import DENSE, by_filters, count_up_to
from adept.store.dialects import decoded_time, undecoded_time
from adept.store.inventory import ListedDevice, listed_columns
from adept.store.tables import accounts, devices


class ExportedDevice(NamedTuple):
    """What an export shows of a device. `document` is Apple's JSON as it came; times are RFC 3339 in UTC."""

    account_name: str
    serial_number: str
    document: str
    first_seen_at: str
    deleted_at: str | None
    deleted_reason: str | None
    changed_at: str


ExportedRow = tuple[str, str, str, str, str | None, str | None, str]  # an ExportedDevice that costs a third to make


async def stream_devices(
    tx: AsyncConnection, wanted: DeviceFilter, *, at_a_time: int = 1000, dense: int = DENSE
) -> AsyncGenerator[list[ListedDevice]]:
    """The devices as lists show them, some at a time."""
    statement = select(*listed_columns()).join_from(devices, accounts, devices.c.account_id == accounts.c.id)
    async with aclosing(_batches(tx, await _narrowed(tx, statement, wanted, dense), at_a_time)) as batches:
        async for rows in batches:
            yield [ListedDevice._make(row) for row in rows]


async def stream_exported(
    tx: AsyncConnection, wanted: DeviceFilter, *, at_a_time: int = 1000, dense: int = DENSE
) -> AsyncGenerator[list[ExportedRow]]:
    """The devices as exports show them, some at a time.

    Times are written once for all devices that have them in common, as those of a page do.
    """
    names = {row.id: row.name for row in await tx.execute(select(accounts.c.id, accounts.c.name))}
    times = [undecoded_time(devices.c[name], tx) for name in ("first_seen_at", "deleted_at", "changed_at")]
    columns = (devices.c.account_id, devices.c.serial_number, devices.c.document, devices.c.deleted_reason, *times)
    statement: Select[Any] = select(*columns)
    async with aclosing(_batches(tx, await _narrowed(tx, statement, wanted, dense), at_a_time)) as batches:
        async for rows in batches:
            yield [
                (names[account], serial, document, _told(seen), gone and _told(gone), reason, _told(changed))
                for account, serial, document, reason, seen, gone, changed in rows
            ]


@lru_cache(maxsize=32_768)  # some five megabytes
def _told(time: int | str) -> str:
    return decoded_time(time).isoformat().replace("+00:00", "Z")


async def _batches(tx: AsyncConnection, statement: Select[Any], at_a_time: int) -> AsyncGenerator[Sequence[Any]]:
    """The rows of a statement, some at a time, none of the lists empty; the next are read while some are worked on."""
    found = await tx.stream(statement.execution_options(yield_per=at_a_time, max_row_buffer=at_a_time))
    following = asyncio.create_task(found.fetchmany(at_a_time))
    try:
        while rows := await following:
            following = asyncio.create_task(found.fetchmany(at_a_time))
            await asyncio.sleep(0)  # it begins now, not when whoever works on these is done
            yield rows
    finally:
        await asyncio.gather(following, return_exceptions=True)  # a connection does one thing at a time
        await found.close()


async def _narrowed(tx: AsyncConnection, statement: Select[Any], wanted: DeviceFilter, dense: int) -> Select[Any]:
    """A few devices are found by a filter and sorted; else all are passed in the order of an index."""
    fitting = [*conditions(wanted, tx, by_index=("account_id", "deleted_at")).values()]
    if wanted != DeviceFilter(account_id=wanted.account_id, deleted=wanted.deleted):
        by_filter, count = await by_filters(tx, wanted, dense=dense)
        count = await count_up_to(dense, tx, by_filter) if count is None else count
        fitting = by_filter if count < dense else fitting
    return statement.where(*fitting).order_by(devices.c.serial_number, devices.c.account_id)
