"""The shares of the limits on requests to Apple: a row for each process that asks, which runs out with it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import delete, select, text
from sqlalchemy.ext.asyncio import AsyncConnection

from adept.store.dialects import clock, clock_after, insert_into, is_sqlite
from adept.store.tables import apple_shares

_SHARES = 0x61646572  # PostgreSQL's advisory lock of whoever takes a share


@dataclass(frozen=True, slots=True)
class Share:
    """So many requests at once, and so many a second."""

    in_flight: int
    per_s: float


async def others_shares(tx: AsyncConnection, holder: str, *, now: datetime) -> list[Share]:
    """What the other living processes have; nobody takes a share until the transaction ends."""
    if not is_sqlite(tx):
        await tx.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _SHARES})
    await tx.execute(delete(apple_shares).where(apple_shares.c.until < clock(now, tx)))
    others = select(apple_shares.c.in_flight, apple_shares.c.per_s).where(apple_shares.c.holder != holder)
    return [Share(in_flight, per_s) for in_flight, per_s in await tx.execute(others)]


async def take_share(tx: AsyncConnection, holder: str, share: Share, *, now: datetime, lasts_s: float) -> None:
    """Have this share for so long, in place of the one before."""
    values = {"in_flight": share.in_flight, "per_s": share.per_s, "until": clock_after(now, lasts_s, tx)}
    taken = insert_into(apple_shares, tx).values(holder=holder, **values)
    await tx.execute(taken.on_conflict_do_update(index_elements=["holder"], set_=values))


async def give_back_share(tx: AsyncConnection, holder: str) -> None:
    """Have none any more."""
    await tx.execute(delete(apple_shares).where(apple_shares.c.holder == holder))
