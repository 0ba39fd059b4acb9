"""Every device that fits, in constant memory however many there are.

By serial number; but files of very many in the order in which they came, which is the table's and takes half the time.

The transaction stays open meanwhile, so that all of them are of one state of the database.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import aclosing
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Select, select
from sqlalchemy.ext.asyncio import AsyncConnection

from adept.store.device_filters import DeviceFilter, conditions
from adept.store.device_matches import DENSE, by_filters, count_up_to
from adept.store.dialects import told_time, undecoded_time
from adept.store.inventory import ListedDevice, listed_columns
from adept.store.tables import accounts, devices

MOST = 2**63 - 1  # what both engines can count to


class ExportedDevice(NamedTuple):
    """What an export shows of a device. `document` is Apple's JSON as it came; times are RFC 3339 in UTC."""

    account_name: str
    serial_number: str
    document: str
    first_seen_at: str
    deleted_at: str | None
    deleted_reason: str | None
    changed_at: str


_BY_SERIAL = (devices.c.serial_number, devices.c.account_id)

ExportedRow = tuple[str, str, str, str, str | None, str | None, str]  # an ExportedDevice that costs a third to make


async def stream_devices(
    tx: AsyncConnection, wanted: DeviceFilter, *, at_a_time: int = 1000, dense: int = DENSE
) -> AsyncGenerator[list[ListedDevice]]:
    """The devices as lists show them, some at a time, by serial number."""
    statement = select(*listed_columns()).join_from(devices, accounts, devices.c.account_id == accounts.c.id)
    few = await _fitting(tx, wanted, dense)
    statement = statement.where(*(_passing_by_serial(tx, wanted) if few is None else few))
    async with aclosing(_rows(tx, statement.order_by(*_BY_SERIAL), at_a_time)) as batches:
        async for rows in batches:
            yield [ListedDevice._make(row) for row in rows]


async def stream_exported(
    tx: AsyncConnection, wanted: DeviceFilter, *, limit: int | None = None, at_a_time: int = 1000, dense: int = DENSE
) -> AsyncGenerator[list[ExportedRow]]:
    """The devices as exports show them, some at a time, `limit` at most.

    By serial number; where `dense` or more fit and are wanted, in the order in which they came.
    """
    names = {row.id: row.name for row in await tx.execute(select(accounts.c.id, accounts.c.name))}
    times = [undecoded_time(devices.c[name], tx) for name in ("first_seen_at", "deleted_at", "changed_at")]
    columns = (devices.c.account_id, devices.c.serial_number, devices.c.document, devices.c.deleted_reason, *times)
    limit = None if limit is None else min(limit, MOST)
    statement: Select[Any] = select(*columns).limit(limit)
    few = await _fitting(tx, wanted, dense)
    if few is not None:
        statement = statement.where(*few).order_by(*_BY_SERIAL)
    elif limit is not None and limit < dense:
        statement = statement.where(*_passing_by_serial(tx, wanted)).order_by(*_BY_SERIAL)
    else:
        passing = conditions(wanted, tx, by_index=("account_id",))
        statement = statement.where(*passing.values()).order_by(devices.c.id)
    async with aclosing(_bare_rows(tx, statement, at_a_time)) as batches:
        async for rows in batches:
            yield [
                (names[account], serial, document, told_time(seen), gone and told_time(gone), why, told_time(changed))
                for account, serial, document, why, seen, gone, changed in rows
            ]


async def _fitting(tx: AsyncConnection, wanted: DeviceFilter, dense: int) -> list[ColumnElement[bool]] | None:
    """How the devices are found by a filter, to be sorted; None where that would be `dense` or more."""
    fitting, count = await by_filters(tx, wanted, dense=dense)
    count = await count_up_to(dense, tx, fitting) if count is None else count
    return fitting if count < dense else None


def _passing_by_serial(tx: AsyncConnection, wanted: DeviceFilter) -> list[ColumnElement[bool]]:
    """The conditions as they leave the devices in the order of the serial numbers, which is that of an index."""
    return [*conditions(wanted, tx, by_index=("account_id", "deleted_at")).values()]


async def _rows(tx: AsyncConnection, statement: Select[Any], at_a_time: int) -> AsyncGenerator[Sequence[Any]]:
    """The rows of a statement with their columns' types, some at a time."""
    found = await tx.stream(statement.execution_options(yield_per=at_a_time, max_row_buffer=at_a_time))
    try:
        async with aclosing(_ahead(lambda: found.fetchmany(at_a_time))) as batches:
            async for rows in batches:
                yield rows
    finally:
        await found.close()


async def _bare_rows(tx: AsyncConnection, statement: Select[Any], at_a_time: int) -> AsyncGenerator[Sequence[Any]]:
    """As `_rows`, but tuples as the driver gives them: SQLAlchemy's rows cost as much again as the driver's.

    The first row comes alone, since SQLAlchemy has fetched it to see what columns there are.
    """
    streaming = statement.execution_options(stream_results=True)
    found = await tx.run_sync(lambda connection: connection.execute(streaming))
    cursor: Any = found.cursor
    try:
        first = await tx.run_sync(lambda _: found.fetchmany(1))
        if not first:
            return
        yield first
        async with aclosing(_ahead(lambda: tx.run_sync(lambda _: cursor.fetchmany(at_a_time)))) as batches:
            async for rows in batches:
                yield rows
    finally:
        await tx.run_sync(lambda _: found.close())


async def _ahead(fetch: Callable[[], Awaitable[Sequence[Any]]]) -> AsyncGenerator[Sequence[Any]]:
    """What `fetch` gives until it gives nothing; the next is fetched while one is worked on."""
    following = asyncio.ensure_future(fetch())
    try:
        while rows := await following:
            following = asyncio.ensure_future(fetch())
            await asyncio.sleep(0)  # it begins now, not when whoever works on these is done
            yield rows
    finally:
        await asyncio.gather(following, return_exceptions=True)  # a connection does one thing at a time
