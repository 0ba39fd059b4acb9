"""The outbox: what other systems are to be told, committed with what it tells. A row is a range of changes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from adept.store.rows import read_row
from adept.store.tables import outbox


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredMessage:
    """A row of `outbox`: the changes from `first_change` to `last_change`, both inclusive, are of one kind."""

    id: int
    account_id: int | None
    account_name: str
    kind: str
    first_change: int
    last_change: int
    created_at: datetime


async def add_outbox(tx: AsyncConnection, rows: Sequence[dict[str, Any]]) -> None:
    """Insert messages: dictionaries of every column but the id, in the transaction that drew their changes' ids."""
    if rows:
        await tx.execute(insert(outbox), list(rows))


async def outbox_after(tx: AsyncConnection, last_change: int, *, limit: int) -> list[StoredMessage]:
    """The messages about changes above the given id, in the order of the changes.

    By the changes' ids, which commit in order; the outbox's own may not.
    """
    statement = select(outbox).where(outbox.c.first_change > last_change).order_by(outbox.c.first_change).limit(limit)
    return [read_row(StoredMessage, row) for row in await tx.execute(statement)]
