"""Which accounts are due: the rows of accounts are the queue of what is to be done in the background."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, func, literal_column, select
from sqlalchemy.ext.asyncio import AsyncConnection

from adept.store.tables import accounts, passes, server_tokens


@dataclass(frozen=True, slots=True)
class DueAccount:
    """An account whose time has come. `is_failing`: its last pass or probe failed. `is_asked_for`: somebody waits."""

    id: int
    name: str
    is_failing: bool
    is_asked_for: bool = False


async def due_accounts(tx: AsyncConnection, now: datetime, *, limit: int) -> list[DueAccount]:
    """Accounts whose time has come and that nobody walks by `now`; those without any token are never due.

    First those of which somebody asked for a pass, then the longest due. At most `limit` that failed last time and as
    many others: neither kind crowds the other out.
    """
    failing = (await tx.execute(_due(now).where(accounts.c.failures > 0).limit(limit))).all()
    others = (await tx.execute(_due(now).where(accounts.c.failures == 0).limit(limit))).all()
    rows = sorted([*failing, *others], key=lambda row: (not row.is_asked_for, row.next_sync_at, row.id))
    return [DueAccount(row.id, row.name, row.failures > 0, row.is_asked_for) for row in rows]


async def count_due(tx: AsyncConnection, now: datetime) -> int:
    """How many accounts `due_accounts` would find without a limit."""
    return int((await tx.execute(select(func.count()).select_from(accounts).where(_is_waiting(now)))).scalar_one())


def is_due(now: datetime) -> ColumnElement[bool]:
    """Whether something is to be done for an account by `now`, as far as its row tells."""
    its_time = (accounts.c.next_sync_at <= now) | (accounts.c.next_probe_at <= now)
    return its_time & ~accounts.c.paused


def is_free(now: datetime) -> ColumnElement[bool]:
    """Whether nobody walks the account by `now`."""
    return accounts.c.lease_until.is_(None) | (accounts.c.lease_until < now)


def _is_waiting(now: datetime) -> ColumnElement[bool]:
    tokens = select(server_tokens.c.id).where(server_tokens.c.account_id == accounts.c.id)
    return is_due(now) & is_free(now) & tokens.where(server_tokens.c.state != "retired").exists()


def _due(now: datetime) -> Select[Any]:
    queued = select(passes.c.id).where(passes.c.account_id == accounts.c.id)
    is_asked_for = queued.where(passes.c.state == literal_column("'queued'")).exists()  # as its index has it
    return (
        select(
            accounts.c.id,
            accounts.c.name,
            accounts.c.failures,
            accounts.c.next_sync_at,
            is_asked_for.label("is_asked_for"),
        )
        .where(_is_waiting(now))
        .order_by(is_asked_for.desc(), accounts.c.next_sync_at, accounts.c.id)
    )
