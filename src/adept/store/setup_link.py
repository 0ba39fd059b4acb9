"""The link by which the first administrator is named: one row at most, and its secret as a hash alone."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import delete, select
from sqlalchemy.ext.asyncio import AsyncConnection

from adept.store.dialects import insert_into
from adept.store.tables import setup_link


async def keep_setup_link(tx: AsyncConnection, secret_hash: bytes, expires_at: datetime) -> None:
    """Keep the link, in the place of an earlier one."""
    values = {"secret_hash": secret_hash, "expires_at": expires_at}
    statement = insert_into(setup_link, tx).values(only=1, **values)
    await tx.execute(statement.on_conflict_do_update(index_elements=["only"], set_=values))


async def setup_link_hash(tx: AsyncConnection, now: datetime, *, to_use: bool = False) -> bytes | None:
    """The hash of the link's secret; None where there is no link or it has run out. `to_use` holds the row."""
    statement = select(setup_link.c.secret_hash).where(setup_link.c.expires_at > now)
    return (await tx.execute(statement.with_for_update() if to_use else statement)).scalar_one_or_none()


async def delete_setup_link(tx: AsyncConnection) -> None:
    """Delete the link, if there is one."""
    await tx.execute(delete(setup_link))
