"""Holds: deletions that wait for a person (design law 6). At most one of an account is open."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from adept.store.rows import read_row, read_row_or_none
from adept.store.tables import holds, storable


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredHold:
    """A row of `holds`; `serial_numbers` is a JSON list, see `serials_held`."""

    id: int
    account_id: int
    pass_id: int
    created_at: datetime
    serial_numbers: str
    live_devices: int
    state: str
    decided_at: datetime | None
    deleted: int | None


def serials_held(hold: StoredHold) -> list[str]:
    """The serial numbers the hold would delete."""
    found: list[str] = json.loads(hold.serial_numbers)
    return found


async def add_hold(
    tx: AsyncConnection, account_id: int, *, pass_id: int, serials: Sequence[str], live_devices: int, now: datetime
) -> StoredHold:
    """Open a hold over the serial numbers; one that was open is replaced by it."""
    open_ones = (holds.c.account_id == account_id) & (holds.c.state == "open")
    await tx.execute(update(holds).where(open_ones).values(state="replaced", decided_at=now))
    inserted = insert(holds).values(
        account_id=account_id,
        pass_id=pass_id,
        created_at=now,
        serial_numbers=_as_json(serials),
        live_devices=live_devices,
        state="open",
    )
    return read_row(StoredHold, (await tx.execute(inserted.returning(holds))).one())


async def holds_of(tx: AsyncConnection, account_id: int | None = None, *, state: str | None = None) -> list[StoredHold]:
    """Holds of one account or of all, of one state where given, the newest first."""
    statement = select(holds)
    if account_id is not None:
        statement = statement.where(holds.c.account_id == account_id)
    if state is not None:
        statement = statement.where(holds.c.state == state)
    return [read_row(StoredHold, row) for row in await tx.execute(statement.order_by(holds.c.id.desc()))]


async def hold_by_id(tx: AsyncConnection, account_id: int, hold_id: int) -> StoredHold | None:
    """The account's hold with that id; None where it has none."""
    statement = select(holds).where(holds.c.account_id == account_id, holds.c.id == hold_id)
    return read_row_or_none(StoredHold, (await tx.execute(statement)).one_or_none())


async def open_hold(tx: AsyncConnection, account_id: int) -> StoredHold | None:
    """The account's open hold; None where nothing waits."""
    statement = select(holds).where(holds.c.account_id == account_id, holds.c.state == "open")
    return read_row_or_none(StoredHold, (await tx.execute(statement)).one_or_none())


async def set_hold_serials(tx: AsyncConnection, hold_id: int, serials: Sequence[str]) -> None:
    """Replace the list of an open hold, as devices on it are seen again."""
    mine = (holds.c.id == hold_id) & (holds.c.state == "open")
    await tx.execute(update(holds).where(mine).values(serial_numbers=_as_json(serials)))


async def decide_hold(tx: AsyncConnection, hold_id: int, state: str, now: datetime, deleted: int | None = None) -> bool:
    """End an open hold as `confirmed`, `discarded` or `replaced`; False where it was decided already."""
    mine = (holds.c.id == hold_id) & (holds.c.state == "open")
    decided = update(holds).where(mine).values(state=state, decided_at=now, deleted=deleted)
    return (await tx.execute(decided)).rowcount == 1


def _as_json(serials: Sequence[str]) -> str:
    return json.dumps([storable(serial) for serial in serials])
