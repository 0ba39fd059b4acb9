"""Devices as people look for them: filtered, page by page or as a stream in constant memory."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Select, func, select, tuple_
from sqlalchemy.ext.asyncio import AsyncConnection

from adept.store.rows import read_row
from adept.store.tables import accounts, devices

_SEARCHED = (devices.c.serial_number, devices.c.description, devices.c.asset_tag, devices.c.model)


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredDevice:
    """A row of `devices`, with the name of its account. `document` is Apple's JSON as it came."""

    id: int
    account_id: int
    account_name: str
    serial_number: str
    document: str
    content_hash: bytes
    model: str | None
    description: str | None
    color: str | None
    asset_tag: str | None
    device_family: str | None
    os: str | None
    profile_status: str | None
    profile_uuid: str | None
    device_assigned_date: datetime | None
    op_type: str | None
    op_date: datetime | None
    first_seen_at: datetime
    changed_at: datetime
    deleted_at: datetime | None
    deleted_reason: str | None
    in_doubt: bool


_COLUMNS = [devices.c[name] for name in StoredDevice.__dataclass_fields__ if name in devices.c]


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceFilter:
    """Which devices; None asks for no particular one. Families, states and UUIDs are compared without case.

    `deleted` False is the live ones, True the tombstones, None both. `search` is any part of the serial number,
    description, asset tag or model.
    """

    account_id: int | None = None
    serial_number: str | None = None
    family: str | None = None
    status: str | None = None
    profile_uuid: str | None = None
    deleted: bool | None = False
    search: str | None = None


async def device_rows(
    tx: AsyncConnection, wanted: DeviceFilter, *, after: tuple[int, str] | None = None, limit: int
) -> list[StoredDevice]:
    """A page of devices ordered by account and serial number, above `after` (account id, serial number)."""
    statement = _listed(wanted)
    if after is not None and wanted.account_id is not None:
        statement = statement.where(devices.c.serial_number > after[1])
    elif after is not None:
        statement = statement.where(tuple_(devices.c.account_id, devices.c.serial_number) > after)
    return [read_row(StoredDevice, row) for row in await tx.execute(statement.limit(limit))]


async def stream_devices(tx: AsyncConnection, wanted: DeviceFilter) -> AsyncGenerator[StoredDevice]:
    """Every such device in the order of `device_rows`, in constant memory; the transaction stays open meanwhile."""
    rows = await tx.stream(_listed(wanted).execution_options(yield_per=1000))
    try:
        async for row in rows:
            yield read_row(StoredDevice, row)
    finally:
        await rows.close()  # its own context manager leaves the cursor open where the stream is left early


async def count_devices(tx: AsyncConnection, wanted: DeviceFilter) -> int:
    """How many such devices there are."""
    return int((await tx.execute(_filtered(select(func.count()).select_from(devices), wanted))).scalar_one())


async def counts_by_account(tx: AsyncConnection) -> dict[int, int]:
    """How many live devices each account has, by its id; accounts without any are missing."""
    live = devices.c.deleted_at.is_(None)
    rows = await tx.execute(select(devices.c.account_id, func.count()).where(live).group_by(devices.c.account_id))
    return {row[0]: row[1] for row in rows}


def _listed(wanted: DeviceFilter) -> Select[Any]:
    """The devices with the names of their accounts, in order."""
    statement = select(*_COLUMNS, accounts.c.name.label("account_name"))
    statement = statement.join_from(devices, accounts, devices.c.account_id == accounts.c.id)
    return _filtered(statement, wanted).order_by(devices.c.account_id, devices.c.serial_number)


def _filtered(statement: Select[Any], wanted: DeviceFilter) -> Select[Any]:
    """Narrow a statement about devices."""
    if wanted.account_id is not None:
        statement = statement.where(devices.c.account_id == wanted.account_id)
    if wanted.serial_number is not None:
        statement = statement.where(devices.c.serial_number == wanted.serial_number)
    for column, value in (
        (devices.c.device_family, wanted.family),
        (devices.c.profile_status, wanted.status),
        (devices.c.profile_uuid, wanted.profile_uuid),
    ):
        if value is not None:
            statement = statement.where(func.lower(column) == value.lower())
    if wanted.deleted is not None:
        there = devices.c.deleted_at.is_not(None) if wanted.deleted else devices.c.deleted_at.is_(None)
        statement = statement.where(there)
    if wanted.search:
        words = wanted.search
        found = [column.icontains(words, autoescape=True) for column in _SEARCHED]
        statement = statement.where(found[0] | found[1] | found[2] | found[3])
    return statement
