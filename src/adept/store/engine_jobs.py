"""What the job engine has in its tables on PostgreSQL, as far as adept asks: procrastinate's, read beside ours.

Writing is procrastinate's own business, but for the lock by which one process at a time hands it what is due.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import Text, cast, column, func, literal_column, select, table, text
from sqlalchemy.ext.asyncio import AsyncConnection

STALLED_S = 30  # a worker that says nothing for so long is dead: its jobs are others'
_TURN = 0x61646571  # PostgreSQL's advisory lock of whoever hands out what is due

_jobs = table(
    "procrastinate_jobs", column("queueing_lock"), column("queue_name"), column("status"), column("worker_id")
)
_workers = table("procrastinate_workers", column("id"), column("last_heartbeat"))


@dataclass(frozen=True, slots=True)
class EngineJob:
    """A job that waits in the engine's queue, or that a worker is at. `key` is its queueing lock."""

    key: str
    queue: str
    is_running: bool


@dataclass(frozen=True, slots=True)
class EngineGauge:
    """How many jobs wait and are done, how many of the latter by dead workers, and how many workers live."""

    waiting: int
    running: int
    stalled: int
    workers: int


async def driver_connection(tx: AsyncConnection) -> Any:
    """The driver's own connection of the transaction, for the engine to write in it."""
    return (await tx.get_raw_connection()).driver_connection


async def take_turn(tx: AsyncConnection) -> bool:
    """Whether it is this process that hands out what is due, until the transaction ends."""
    return bool((await tx.execute(text("SELECT pg_try_advisory_xact_lock(:key)"), {"key": _TURN})).scalar_one())


async def jobs_at_hand(tx: AsyncConnection) -> list[EngineJob]:
    """Every job that waits or is being done."""
    is_running = (_jobs.c.status == literal_column("'doing'")).label("is_running")
    at_hand = _jobs.c.status.in_([literal_column("'todo'"), literal_column("'doing'")])
    rows = await tx.execute(select(_jobs.c.queueing_lock, _jobs.c.queue_name, is_running).where(at_hand))
    return [EngineJob(key or "", queue, is_running) for key, queue, is_running in rows]


async def count_workers(tx: AsyncConnection) -> int:
    """How many workers live."""
    counted = select(func.count()).select_from(_workers).where(_workers.c.last_heartbeat > _stalled_since())
    return int((await tx.execute(counted)).scalar_one())


async def engine_gauge(tx: AsyncConnection) -> EngineGauge:
    """How the engine stands."""
    counted = select(cast(_jobs.c.status, Text), func.count()).group_by(_jobs.c.status)
    states: dict[str, int] = {row[0]: row[1] for row in await tx.execute(counted)}
    living = select(_workers.c.id).where(_workers.c.last_heartbeat > _stalled_since())
    is_orphan = _jobs.c.worker_id.is_(None) | _jobs.c.worker_id.not_in(living)
    is_stalled = (_jobs.c.status == literal_column("'doing'")) & is_orphan
    orphans = select(func.count()).select_from(_jobs).where(is_stalled)
    return EngineGauge(
        waiting=states.get("todo", 0),
        running=states.get("doing", 0),
        stalled=int((await tx.execute(orphans)).scalar_one()),
        workers=await count_workers(tx),
    )


def _stalled_since() -> Any:
    return literal_column(f"now() - interval '{STALLED_S} seconds'")
