"""The kinds of jobs: for each, what is due and what is done. Whoever runs them, embedded or distributed, runs these.

kind            what is due                               what is done
─────────────   ───────────────────────────────────────   ────────────────────────────────────────────────────────
visit account   accounts whose time has come, or of       what `schedule.work_for` says: a sync, a full fetch, a
                which somebody asked for a pass           probe, the promotion of a candidate token
remove old      whatever is old, once an hour for all     changes, passes and audit entries that are kept no longer
rows            processes together                        go, a bounded turn of them

A new kind is a line of `job_kinds` and, in the store, a function that finds its rows. Its rows are its queue: doing the
job moves a row's time on, and a job that is lost with its process is found due again. What talks to Apple for an
account does it under the account's lease.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TypeAlias

from adept.jobs.retention import Keep, remove_when_due
from adept.jobs.schedule import DueJob
from adept.jobs.visit import Visitor
from adept.store.database import Store, Transaction
from adept.store.due import DueAccount, due_accounts
from adept.store.retention import is_time
from adept.sync.outcome import PassOutcome

Observe: TypeAlias = Callable[[PassOutcome], None]  # told of every pass that ended, however it did


@dataclass(frozen=True, slots=True)
class JobKind:
    """`find_due` gives at most so many jobs (of either sort, failing or not), the most urgent first.

    `do` does one and raises StoreError alone, where the database fails.
    """

    name: str
    find_due: Callable[[Transaction, datetime, int], Awaitable[list[DueJob]]]
    do: Callable[[DueJob], Awaitable[None]]


JobKinds: TypeAlias = Mapping[str, JobKind]


def job_kinds(visitor: Visitor, *, keep: Keep | None = None, observe: Observe | None = None) -> JobKinds:
    """Every kind, by its name. Without `keep` everything is kept for ever."""
    kinds = [_visit_account(visitor, observe)]
    if keep is not None:
        kinds.append(_remove_old_rows(visitor.store, keep, now=visitor.now))
    return _named(kinds)


async def find_due(kinds: JobKinds, tx: Transaction, now: datetime, *, limit: int) -> list[DueJob]:
    """What is due of every kind, at most `limit` of each, and as many that failed last time."""
    return [job for kind in kinds.values() for job in await kind.find_due(tx, now, limit)]


def _named(kinds: Iterable[JobKind]) -> JobKinds:
    return {kind.name: kind for kind in kinds}


def _visit_account(visitor: Visitor, observe: Observe | None) -> JobKind:
    name = "visit account"

    async def due(tx: Transaction, now: datetime, limit: int) -> list[DueJob]:
        found = await due_accounts(tx, now, limit=limit)
        return [DueJob(name, account.id, account.name, account.is_failing, account.is_asked_for) for account in found]

    async def do(job: DueJob) -> None:
        visited = await visitor.visit(DueAccount(job.id, job.name, job.is_failing, job.is_asked_for))
        if visited is not None and visited.outcome is not None and observe is not None:
            observe(visited.outcome)

    return JobKind(name, due, do)


def _remove_old_rows(store: Store, keep: Keep, *, now: Callable[[], datetime]) -> JobKind:
    name = "remove old rows"

    async def due(tx: Transaction, at: datetime, _limit: int) -> list[DueJob]:
        return [DueJob(name, 1, "old rows")] if await is_time(tx, at) else []

    async def do(_job: DueJob) -> None:
        await remove_when_due(store, keep, now=now)

    return JobKind(name, due, do)
