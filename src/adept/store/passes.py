"""Passes: one row a walk over an account, from its start to how it ended."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, case, insert, literal_column, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from adept.store.dialects import clock
from adept.store.rows import read_row, read_row_or_none
from adept.store.tables import accounts, passes


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredPass:
    """A row of `passes`; `notes` is a JSON list of sentences."""

    id: int
    account_id: int
    kind: str
    state: str
    started_at: datetime
    ended_at: datetime | None
    pages: int
    devices: int
    added: int
    modified: int
    deleted: int
    malformed: int
    requests: int
    waited_s: float
    notes: str
    error_code: str | None
    error: str | None
    lease_epoch: int
    requested_by: str | None


async def start_pass(
    tx: AsyncConnection,
    account_id: int,
    *,
    kind: str,
    lease_epoch: int,
    now: datetime,
    requested_by: str | None = None,
    one_waits: bool = True,
) -> StoredPass:
    """The running pass of the walker with that epoch: the one that waits, which stays a full one, or a new one.

    `one_waits` is False for who knows that none does.
    """
    begun = {"state": "running", "started_at": now, "lease_epoch": lease_epoch}
    kept = case((passes.c.kind == "full", passes.c.kind), else_=kind)
    adopted = update(passes).where(_is(account_id, "queued")).values(kind=kept, **begun)
    row = (await tx.execute(adopted.returning(passes))).one_or_none() if one_waits else None
    if row is None:
        added = insert(passes).values(account_id=account_id, kind=kind, requested_by=requested_by, **begun)
        row = (await tx.execute(added.returning(passes))).one()
    return read_row(StoredPass, row)


async def fail_open(
    tx: AsyncConnection, account_id: int, *, lease_epoch: int, code: str, error: str, now: datetime
) -> None:
    """End the account's pass of that epoch, if it has not ended yet, as failed; 0 is the one that waits."""
    open_ = _is(account_id, "queued") | _is(account_id, "running")
    failed = update(passes).where(open_, passes.c.lease_epoch == lease_epoch)
    await tx.execute(failed.values(state="failed", ended_at=now, error_code=code, error=error))


async def queue_pass(
    tx: AsyncConnection, account_id: int, *, kind: str, requested_by: str, now: datetime
) -> StoredPass:
    """Let a pass wait for its walker: the one that waits already, made this kind, or a new one."""
    changed = update(passes).where(_is(account_id, "queued")).values(kind=kind, requested_by=requested_by)
    row = (await tx.execute(changed.returning(passes))).one_or_none()
    if row is None:
        added = insert(passes).values(
            account_id=account_id, kind=kind, state="queued", started_at=now, lease_epoch=0, requested_by=requested_by
        )
        row = (await tx.execute(added.returning(passes))).one()
    return read_row(StoredPass, row)


async def queued_pass(tx: AsyncConnection, account_id: int) -> StoredPass | None:
    """The account's pass that waits for its walker; None where nobody asked for one."""
    row = (await tx.execute(select(passes).where(_is(account_id, "queued")))).one_or_none()
    return read_row_or_none(StoredPass, row)


async def live_pass(tx: AsyncConnection, account_id: int, *, now: datetime) -> StoredPass | None:
    """The account's pass whose walker holds the lease now; None where nobody walks it."""
    held = (accounts.c.lease_epoch == passes.c.lease_epoch) & (accounts.c.lease_until >= clock(now, tx))
    statement = select(passes).join(accounts, accounts.c.id == passes.c.account_id)
    running = statement.where(_is(account_id, "running"), held)
    return read_row_or_none(StoredPass, (await tx.execute(running)).one_or_none())


async def update_pass(tx: AsyncConnection, pass_id: int, **columns: Any) -> None:
    """Set the named columns of a pass."""
    await tx.execute(update(passes).where(passes.c.id == pass_id).values(**columns))


async def lose_running(tx: AsyncConnection, account_id: int, before_epoch: int, now: datetime) -> int:
    """Mark the account's running passes of earlier epochs `lost`: their walkers died or were overtaken. How many."""
    theirs = _is(account_id, "running") & (passes.c.lease_epoch < before_epoch)
    lost = update(passes).where(theirs).values(state="lost", ended_at=now)
    return (await tx.execute(lost)).rowcount


async def pass_by_id(tx: AsyncConnection, pass_id: int) -> StoredPass | None:
    """The pass with that id; None where it went with its account."""
    row = (await tx.execute(select(passes).where(passes.c.id == pass_id))).one_or_none()
    return read_row_or_none(StoredPass, row)


async def passes_of(
    tx: AsyncConnection, account_id: int | None = None, *, limit: int, before: int | None = None
) -> list[StoredPass]:
    """Passes of one account or of all, the newest first; `before` is the id to go on from."""
    statement = select(passes)
    if account_id is not None:
        statement = statement.where(passes.c.account_id == account_id)
    if before is not None:
        statement = statement.where(passes.c.id < before)
    rows = await tx.execute(statement.order_by(passes.c.id.desc()).limit(limit))
    return [read_row(StoredPass, row) for row in rows]


def _is(account_id: int, state: str) -> ColumnElement[bool]:
    """The account's passes in the state, written as the indexes have it: SQLite sees nothing behind a parameter."""
    return (passes.c.account_id == account_id) & (passes.c.state == literal_column(f"'{state}'"))
