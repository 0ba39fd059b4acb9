"""Devices that Apple sent and that could not be read: the newest document of each, until it is read well."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import delete, insert, select
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
    """Keep malformed devices: dictionaries of every column but the id; earlier ones of a serial number go."""
    if not rows:
        return
    by_account: dict[int, list[str]] = {}
    for row in rows:
        if row["serial_number"] is not None:
            by_account.setdefault(row["account_id"], []).append(row["serial_number"])
    for account_id, serials in by_account.items():
        await clear_malformed(tx, account_id, serials)
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
