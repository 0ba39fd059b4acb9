"""What is measured at the moment of asking: how each account is, and how much waits to be done."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, Select, cast, func, literal_column, select
from sqlalchemy.dialects import postgresql
from sqlalchemy.ext.asyncio import AsyncConnection

from adept.store.dialects import clock, is_sqlite
from adept.store.due import count_due
from adept.store.rows import read_row
from adept.store.tables import accounts, holds, passes, server_tokens


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountGauge:
    """How one account is. `devices_held` wait for a decision, 0 where there is no open hold."""

    name: str
    health: str
    paused: bool
    failures: int  # passes failed in a row
    last_pass_at: datetime | None  # when one last ended well
    token_expires_at: datetime | None  # the working token's end
    live_devices: int
    devices_held: int


@dataclass(frozen=True, slots=True)
class QueueLengths:
    """How many accounts are due and not walked, how many passes were asked for and wait, and how many run."""

    due: int
    queued: int
    running: int


async def account_gauges(tx: AsyncConnection) -> list[AccountGauge]:
    """Every account, by name, in one statement."""
    working = (server_tokens.c.account_id == accounts.c.id) & (server_tokens.c.state == "active")
    waiting = (holds.c.account_id == accounts.c.id) & (holds.c.state == "open")
    statement = (
        select(
            accounts.c.name,
            accounts.c.health,
            accounts.c.paused,
            accounts.c.failures,
            accounts.c.last_pass_at,
            accounts.c.live_devices,
            func.max(server_tokens.c.expires_at, type_=server_tokens.c.expires_at.type).label("token_expires_at"),
            func.coalesce(func.max(_listed(holds.c.serial_numbers, tx)), 0).label("devices_held"),
        )
        .select_from(accounts.outerjoin(server_tokens, working).outerjoin(holds, waiting))
        .group_by(accounts.c.id)
        .order_by(accounts.c.name)
    )
    return [read_row(AccountGauge, row) for row in await tx.execute(statement)]


async def queue_lengths(tx: AsyncConnection, now: datetime) -> QueueLengths:
    """What waits by `now`."""
    is_queued = passes.c.state == literal_column("'queued'")  # as its index has it
    mine = (passes.c.account_id == accounts.c.id) & (passes.c.lease_epoch == accounts.c.lease_epoch)
    is_walked = select(passes.c.id).where(mine, passes.c.state == "running").exists()
    return QueueLengths(
        due=await count_due(tx, now),
        queued=await _count(tx, select(func.count()).select_from(passes).where(is_queued)),
        running=await _count(
            tx, select(func.count()).select_from(accounts).where(accounts.c.lease_until >= clock(now, tx), is_walked)
        ),
    )


async def _count(tx: AsyncConnection, statement: Select[int]) -> int:
    return (await tx.execute(statement)).scalar_one()


def _listed(json_list: ColumnElement[str], tx: AsyncConnection) -> ColumnElement[int]:
    """How long a JSON list in a column is: both engines call it by the same name, PostgreSQL for its own type."""
    return func.json_array_length(json_list if is_sqlite(tx) else cast(json_list, postgresql.JSON))
