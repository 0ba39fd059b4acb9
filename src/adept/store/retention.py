"""Removing what is kept no longer, a bounded batch at a time: changes, messages, passes, entries of the audit log.

Changes go from the oldest on and never from the middle: a follower's cursor lies either before all that is kept, and
is told so, or misses nothing. Tombstones stay: they are devices.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import takewhile

from sqlalchemy import Table, and_, delete, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from adept.store.changes import kept_changes
from adept.store.dialects import insert_into, numbers_among
from adept.store.tables import audit, changes, holds, outbox, passes, retention


async def is_time(tx: AsyncConnection, now: datetime) -> bool:
    """Whether somebody's `take_turn` would succeed."""
    next_at: datetime | None = (await tx.execute(select(retention.c.next_at))).scalar_one_or_none()
    return next_at is None or next_at <= now


async def take_turn(tx: AsyncConnection, *, now: datetime, every: timedelta) -> bool:
    """Whether it is time, by the row that all processes share; if so it is time again only after `every`."""
    first = insert_into(retention, tx).values(only=1, next_at=now).on_conflict_do_nothing()
    await tx.execute(first)
    turn = update(retention).where(retention.c.next_at <= now).values(next_at=now + every)
    return (await tx.execute(turn)).rowcount == 1


async def end_turn(tx: AsyncConnection, *, now: datetime, is_done: bool) -> None:
    """Keep when everything was last done; where more is to be done than a turn's share, it is time at once."""
    outcome = {"done_at": now} if is_done else {"next_at": now}
    await tx.execute(update(retention).values(**outcome))


async def last_done_at(tx: AsyncConnection) -> datetime | None:
    """When everything that was old enough had last been removed; None before the first time."""
    done: datetime | None = (await tx.execute(select(retention.c.done_at))).scalar_one_or_none()
    return done


@dataclass(frozen=True, slots=True)
class Batch:
    """How many rows were removed, and the id of the last one looked at; None where no more of them are old enough."""

    removed: int
    reached: int | None


async def remove_changes(tx: AsyncConnection, *, before: datetime, after_id: int, limit: int) -> Batch:
    """Remove the oldest changes found before then, up to the first that was not."""
    oldest = select(changes.c.id, changes.c.found_at).where(changes.c.id > after_id).order_by(changes.c.id)
    old = [row.id for row in takewhile(lambda row: row.found_at < before, await tx.execute(oldest.limit(limit)))]
    return await _remove(tx, changes, old, reached=old[-1] if len(old) == limit else None)


async def remove_messages(tx: AsyncConnection, *, after_id: int, limit: int) -> Batch:
    """Remove messages of the outbox whose changes are kept no longer: there is nothing left to tell."""
    gone, _ = await kept_changes(tx)
    oldest = select(outbox.c.id, outbox.c.last_change).where(outbox.c.id > after_id).order_by(outbox.c.id).limit(limit)
    rows = (await tx.execute(oldest)).all()
    old = [row.id for row in rows if row.last_change <= gone]
    return await _remove(tx, outbox, old, reached=rows[-1].id if old and len(rows) == limit else None)


async def remove_passes(tx: AsyncConnection, *, before: datetime, after_id: int, limit: int) -> Batch:
    """Remove passes that began and ended before then.

    The newest pass of an account stays however old it is, and the one whose hold waits for a person.
    """
    newer = passes.alias("newer")
    is_newest = ~select(newer.c.id).where(newer.c.account_id == passes.c.account_id, newer.c.id > passes.c.id).exists()
    is_held = select(holds.c.id).where(holds.c.pass_id == passes.c.id, holds.c.state == "open").exists()
    is_over = and_(passes.c.ended_at < before, passes.c.state.not_in(("queued", "running")))
    oldest = (
        select(passes.c.id, passes.c.started_at, and_(is_over, ~or_(is_newest, is_held)).label("may_go"))
        .where(passes.c.id > after_id)
        .order_by(passes.c.id)
        .limit(limit)
    )
    old = list(takewhile(lambda row: row.started_at < before, await tx.execute(oldest)))
    going = [row.id for row in old if row.may_go]
    return await _remove(tx, passes, going, reached=old[-1].id if len(old) == limit else None)


async def remove_audit(tx: AsyncConnection, *, before: datetime, after_id: int, limit: int) -> Batch:
    """Remove the oldest entries of the audit log, written before then."""
    oldest = select(audit.c.id, audit.c.at).where(audit.c.id > after_id).order_by(audit.c.id).limit(limit)
    old = [row.id for row in takewhile(lambda row: row.at < before, await tx.execute(oldest))]
    return await _remove(tx, audit, old, reached=old[-1] if len(old) == limit else None)


async def _remove(tx: AsyncConnection, table: Table, ids: Sequence[int], *, reached: int | None) -> Batch:
    if ids:
        await tx.execute(delete(table).where(numbers_among(table.c.id, ids, tx)))
    return Batch(len(ids), reached)
