"""Devices as people see them: their rows."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Select, select, tuple_
from sqlalchemy.ext.asyncio import AsyncConnection

from adept.store.device_filters import DeviceFilter, conditions
from adept.store.rows import read_row
from adept.store.tables import accounts, devices


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


class ListedDevice(NamedTuple):
    """What a list or an export shows of a device. `document` is Apple's JSON as it came."""

    id: int
    account_id: int
    account_name: str
    serial_number: str
    model: str | None
    document: str
    first_seen_at: datetime
    changed_at: datetime
    deleted_at: datetime | None
    deleted_reason: str | None


def listed_columns() -> list[ColumnElement[Any]]:
    """The columns of a ListedDevice, of devices joined to accounts."""
    names = ListedDevice._fields
    return [accounts.c.name.label(name) if name == "account_name" else devices.c[name] for name in names]


_COLUMNS = [devices.c[name] for name in StoredDevice.__dataclass_fields__ if name in devices.c]


async def device_rows(
    tx: AsyncConnection, wanted: DeviceFilter, *, after: tuple[int, str] | None = None, limit: int
) -> list[StoredDevice]:
    """Devices ordered by account and serial number, above `after` (account id, serial number)."""
    statement: Select[Any] = select(*_COLUMNS, accounts.c.name.label("account_name"))
    statement = statement.join_from(devices, accounts, devices.c.account_id == accounts.c.id)
    statement = statement.where(*conditions(wanted, tx).values())
    statement = statement.order_by(devices.c.account_id, devices.c.serial_number)
    if after is not None and wanted.account_id is not None:
        statement = statement.where(devices.c.serial_number > after[1])
    elif after is not None:
        statement = statement.where(tuple_(devices.c.account_id, devices.c.serial_number) > after)
    return [read_row(StoredDevice, row) for row in await tx.execute(statement.limit(limit))]
