"""Every device that fits, by serial number, in constant memory however many there are.

The transaction stays open meanwhile, so that all of them are of one state of the database.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator
from typing import Any

from sqlalchemy import Select, select
from sqlalchemy.ext.asyncio import AsyncConnection

from adept.store.device_filters import DeviceFilter, conditions
from adept.store.device_matches import DENSE, by_filters, count_up_to
from adept.store.inventory import ListedDevice, listed_columns
from adept.store.tables import accounts, devices


async def stream_devices(
    tx: AsyncConnection, wanted: DeviceFilter, *, at_a_time: int = 1000, dense: int = DENSE
) -> AsyncGenerator[list[ListedDevice]]:
    """The devices in lists, none of them empty."""
    found = await tx.stream((await _statement(tx, wanted, dense)).execution_options(yield_per=at_a_time))
    try:
        async for rows in found.partitions():
            yield [ListedDevice._make(row) for row in rows]
    finally:
        await found.close()  # its own context manager leaves the cursor open where the stream is left early


async def _statement(tx: AsyncConnection, wanted: DeviceFilter, dense: int) -> Select[Any]:
    """A few devices are found by a filter and sorted; else all are passed in the order of an index."""
    fitting = [*conditions(wanted, tx, by_index=("account_id", "deleted_at")).values()]
    if wanted != DeviceFilter(account_id=wanted.account_id, deleted=wanted.deleted):
        by_filter, count = await by_filters(tx, wanted, dense=dense)
        count = await count_up_to(dense, tx, by_filter) if count is None else count
        fitting = by_filter if count < dense else fitting
    statement = select(*listed_columns()).join_from(devices, accounts, devices.c.account_id == accounts.c.id)
    return statement.where(*fitting).order_by(devices.c.serial_number, devices.c.account_id)
