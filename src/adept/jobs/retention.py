"""Retention: what is old enough goes, in bounded batches, at most hourly and by one process at a time.

Anybody may call it: the embedded runner, a worker, the command line. Interrupted, the next call does the rest.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial

from adept.store import retention
from adept.store.database import Store

log = logging.getLogger("adept.jobs")

EVERY = timedelta(hours=1)
BATCH = 1000  # rows a transaction
BATCHES = 200  # of each kind in one turn; where more is old enough it is the next turn at once

Now = Callable[[], datetime]
Step = Callable[..., Awaitable[retention.Batch]]


@dataclass(frozen=True, slots=True)
class Keep:
    """How long what is kept; None: for ever."""

    changes: timedelta | None
    passes: timedelta | None
    audit: timedelta | None

    @classmethod
    def days(cls, *, changes: int, passes: int, audit: int) -> Keep:
        """From numbers of days, of which 0 stands for ever."""
        spans = [timedelta(days=number) if number else None for number in (changes, passes, audit)]
        return cls(*spans)


@dataclass(frozen=True, slots=True)
class Removed:
    """How many rows went. `is_all`: nothing that is old enough is left."""

    changes: int
    messages: int
    passes: int
    audit: int
    is_all: bool


async def remove_when_due(store: Store, keep: Keep, *, now: Now) -> Removed | None:
    """Remove what is kept no longer, unless that was done within the hour, by whomever: then None."""
    async with store.writing() as tx:
        if not await retention.take_turn(tx, now=now(), every=EVERY):
            return None
    return await remove_expired(store, keep, now=now)


async def remove_expired(store: Store, keep: Keep, *, now: Now, batch: int = BATCH, batches: int = BATCHES) -> Removed:
    """Remove what is kept no longer, now: up to `batches` transactions of `batch` rows of each kind."""
    began = now()
    steps: dict[str, Step | None] = {
        "changes": partial(retention.remove_changes, before=began - keep.changes) if keep.changes else None,
        "messages": retention.remove_messages,  # after the changes that they tell
        "passes": partial(retention.remove_passes, before=began - keep.passes) if keep.passes else None,
        "audit": partial(retention.remove_audit, before=began - keep.audit) if keep.audit else None,
    }
    counts, is_all = dict.fromkeys(steps, 0), True
    for kind, step in steps.items():
        if step is not None:
            counts[kind], reached_end = await _in_batches(store, partial(step, limit=batch), batches)
            is_all &= reached_end
    async with store.writing() as tx:
        await retention.end_turn(tx, now=now(), is_done=is_all)
    log.info("old rows removed", extra=counts)
    return Removed(**counts, is_all=is_all)


async def _in_batches(store: Store, step: Step, batches: int) -> tuple[int, bool]:
    """How many rows went, and whether those were all that are old enough."""
    removed, reached = 0, 0
    for _ in range(batches):
        async with store.writing() as tx:
            found = await step(tx, after_id=reached)
        removed += found.removed
        if found.reached is None:
            return removed, True
        reached = found.reached
    return removed, False
