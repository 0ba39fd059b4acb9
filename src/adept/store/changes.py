"""The feed of changes. Its ids are drawn under one lock, held to the commit: they become visible in order.

So whoever reads "what comes after id N" never misses one that was drawn earlier and committed later (design law 1).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any

from sqlalchemy import func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from adept.store.bulk import PageStatement, as_columns, execute_page, page_statement
from adept.store.rows import read_row
from adept.store.tables import changes, feed_position

RESTORED_GAP = 2**32  # more than any database finds between two backups; two million of them fit into JSON's numbers


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredChange:
    """A row of `changes`. `account_id` is None once the account was removed; `before` and `after` are JSON."""

    id: int
    account_id: int | None
    account_name: str
    serial_number: str
    pass_id: int | None
    kind: str
    reason: str | None
    before: str | None
    after: str | None
    op_type: str | None
    op_date: datetime | None
    found_at: datetime


async def draw_numbers(tx: AsyncConnection, count: int) -> int:
    """Draw so many ids in a row (at least one) and return the first; others wait until this transaction ends."""
    drawn = update(feed_position).values(last_id=feed_position.c.last_id + count).returning(feed_position.c.last_id)
    return int((await tx.execute(drawn)).scalar_one()) - count + 1


async def leave_gap(tx: AsyncConnection) -> None:
    """Go on far beyond the last number: a restored database must not give numbers again that followers have seen."""
    await tx.execute(update(feed_position).values(last_id=feed_position.c.last_id + RESTORED_GAP))


async def add_changes(tx: AsyncConnection, rows: Sequence[dict[str, Any]]) -> None:
    """Insert changes: dictionaries of every column, with ids that were drawn in this transaction."""
    if rows:
        await execute_page(tx, _insert(tx.dialect.name), as_columns(rows, changes.c.keys()))


@cache
def _insert(engine: str) -> PageStatement:
    """Insert a change."""
    return page_statement(insert(changes), engine)


async def changes_after(
    tx: AsyncConnection,
    cursor: int,
    *,
    account_id: int | None = None,
    serial: str | None = None,
    limit: int,
) -> list[StoredChange]:
    """The changes with ids above the cursor in order, at most `limit`; of one account or serial number where given."""
    statement = select(changes).where(changes.c.id > cursor)
    if account_id is not None:
        statement = statement.where(changes.c.account_id == account_id)
    if serial is not None:
        statement = statement.where(changes.c.serial_number == serial)
    rows = await tx.execute(statement.order_by(changes.c.id).limit(limit))
    return [read_row(StoredChange, row) for row in rows]


async def changes_before(tx: AsyncConnection, before: int | None, *, serial: str, limit: int) -> list[StoredChange]:
    """The changes of a serial number in all accounts with ids below `before` (None: all), the newest first."""
    statement = select(changes).where(changes.c.serial_number == serial)
    if before is not None:
        statement = statement.where(changes.c.id < before)
    rows = await tx.execute(statement.order_by(changes.c.id.desc()).limit(limit))
    return [read_row(StoredChange, row) for row in rows]


async def kept_changes(tx: AsyncConnection) -> tuple[int, int]:
    """The id before the oldest change that is kept, and the newest id that was drawn: a cursor must lie between."""
    oldest = select(func.min(changes.c.id)).scalar_subquery()
    newest = select(feed_position.c.last_id).scalar_subquery()
    row = (await tx.execute(select(func.coalesce(oldest - 1, newest), newest))).one()
    return int(row[0]), int(row[1])


async def last_change(tx: AsyncConnection) -> int:
    """The newest id that is visible, 0 before the first: the cursor of a follower who starts now."""
    return int((await tx.execute(select(func.coalesce(func.max(changes.c.id), 0)))).scalar_one())
