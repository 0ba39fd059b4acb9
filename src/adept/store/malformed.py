"""Devices that Apple sent and that could not be read: the newest document of each, until it is read well."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import bindparam, delete, insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from adept.store.dialects import is_among
from adept.store.rows import read_row
from adept.store.tables import malformed_devices


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredMalformed:
    """A row of `malformed_devices`. `serial_number` is None where not even that could be read."""

    id: int
    account_id: int
    pass_id: int
    serial_number: str | None
    reason: str
    document: str
    found_at: datetime


async def put_malformed(tx: AsyncConnection, rows: Sequence[dict[str, Any]]) -> None:
    """Keep malformed devices: dictionaries of every column but the id.

    Earlier ones of the same serial number go, and of those without one the same document.
    """
    if not rows:
        return
    table = malformed_devices.c
    nameless = table.serial_number.is_(None) & (table.document == bindparam("of_document"))
    earlier = nameless | (table.serial_number == bindparam("of_serial", type_=table.serial_number.type))
    which = [
        {"of_account": row["account_id"], "of_serial": row["serial_number"], "of_document": row["document"]}
        for row in rows
    ]
    await tx.execute(delete(malformed_devices).where(table.account_id == bindparam("of_account"), earlier), which)
    await tx.execute(insert(malformed_devices), list(rows))


async def clear_malformed(tx: AsyncConnection, account_id: int, serials: Sequence[str]) -> None:
    """Forget the serial numbers: they were read well since."""
    theirs = (malformed_devices.c.account_id == account_id) & is_among(malformed_devices.c.serial_number, serials, tx)
    await tx.execute(delete(malformed_devices).where(theirs))


async def malformed_of(tx: AsyncConnection, account_id: int, *, limit: int) -> list[StoredMalformed]:
    """The account's malformed devices, the newest first."""
    statement = select(malformed_devices).where(malformed_devices.c.account_id == account_id)
    rows = await tx.execute(statement.order_by(malformed_devices.c.id.desc()).limit(limit))
    return [read_row(StoredMalformed, row) for row in rows]
