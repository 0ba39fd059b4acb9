"""Counts for whoever looks at everything at once. Each is one statement; none reads a device's document."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from adept.store.dialects import day_number
from adept.store.tables import devices, outbox

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class FacetCount(NamedTuple):
    """So many live devices have this family and profile status, in Apple's spelling; None where it said neither."""

    device_family: str | None
    profile_status: str | None
    devices: int


class DayCount(NamedTuple):
    """So many changes of a kind were found on the day (UTC) that begins then."""

    day: datetime
    kind: str
    changes: int


async def live_by_facets(tx: AsyncConnection) -> list[FacetCount]:
    """How the live devices of all accounts divide by family and profile status; a scan of an index."""
    columns = (devices.c.device_family, devices.c.profile_status)
    statement = select(*columns, func.count()).where(devices.c.deleted_at.is_(None)).group_by(*columns)
    return [FacetCount(*row) for row in await tx.execute(statement)]


async def changes_per_day(tx: AsyncConnection, since: datetime) -> list[DayCount]:
    """How many changes were found each day since, by kind; days without any are missing.

    Counted from the outbox, which has a row for a thousand changes.
    """
    day = day_number(outbox.c.created_at, tx)
    changes = func.sum(outbox.c.last_change - outbox.c.first_change + 1)
    statement = select(day, outbox.c.kind, changes).where(outbox.c.created_at >= since).group_by(day, outbox.c.kind)
    rows = await tx.execute(statement.order_by(day, outbox.c.kind))
    return [DayCount(_EPOCH + timedelta(days=row[0]), row[1], int(row[2])) for row in rows]
