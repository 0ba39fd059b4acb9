"""Failed logins: a counter for each name and network that somebody tries, so that a restart forgives nothing."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import case, delete, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from adept.store.dialects import insert_into
from adept.store.tables import audit, login_failures


@dataclass(frozen=True, slots=True)
class CountedFailure:
    """A counter with the try in hand; `blocked_until` is what the earlier ones came to."""

    failures: int
    blocked_until: datetime


async def count_try(tx: AsyncConnection, who: str, *, now: datetime, forgotten_before: datetime) -> CountedFailure:
    """Count a try as failed until it turns out well; the counter is held until the transaction ends.

    A counter that nothing was added to since `forgotten_before` begins anew.
    """
    is_old = login_failures.c.last_at < forgotten_before
    statement = (
        insert_into(login_failures, tx)
        .values(who=who, failures=1, last_at=now, blocked_until=now)
        .on_conflict_do_update(
            index_elements=["who"],
            set_={"failures": case((is_old, 1), else_=login_failures.c.failures + 1), "last_at": now},
        )
        .returning(login_failures.c.failures, login_failures.c.blocked_until)
    )
    row = (await tx.execute(statement)).one()
    return CountedFailure(row.failures, row.blocked_until)


async def block(tx: AsyncConnection, who: str, until: datetime) -> None:
    """Refuse tries that count against `who` until then."""
    await tx.execute(update(login_failures).where(login_failures.c.who == who).values(blocked_until=until))


async def take_back_try(tx: AsyncConnection, who: str, now: datetime) -> None:
    """The try turned out well: uncount it."""
    counter = update(login_failures).where(login_failures.c.who == who, login_failures.c.failures > 0)
    await tx.execute(counter.values(failures=login_failures.c.failures - 1, blocked_until=now))


async def forget_failures(tx: AsyncConnection, who: str) -> None:
    """Forget what was counted against `who`, alone or together with a network."""
    together = login_failures.c.who.startswith(f"{who} ", autoescape=True)
    await tx.execute(delete(login_failures).where(or_(login_failures.c.who == who, together)))


async def forget_old_failures(tx: AsyncConnection, forgotten_before: datetime) -> None:
    """Delete counters that begin anew anyway; those that somebody holds are left for the next time."""
    old = select(login_failures.c.who).where(login_failures.c.last_at < forgotten_before)
    await tx.execute(delete(login_failures).where(login_failures.c.who.in_(old.with_for_update(skip_locked=True))))


async def addresses_of(tx: AsyncConnection, name: str, *, since: datetime) -> set[str]:
    """The addresses from which the user has logged in."""
    opened = (audit.c.subject == name) & (audit.c.act == "session.opened") & (audit.c.at >= since)
    return set(
        (await tx.execute(select(audit.c.address).where(opened, audit.c.address.is_not(None)).distinct())).scalars()
    )
