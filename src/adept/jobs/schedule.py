"""What is done for an account whose time has come, and which of them are begun now. Pure.

the account                                             what is done
─────────────────────────────────────────────────────   ──────────────────────────────────────────────────────
paused, or without any server token                     nothing
somebody asked for a pass                               that pass, whatever state the account is in
its circuit breaker is open, or only a candidate waits  a probe: the candidate, GET /account; if that is good
                                                        the pass follows at once
a pass is due                                           a sync; a full one where the last fetch is a week old
GET /account is due                                     a probe
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from adept.accounts.health import Health, is_breaker_open
from adept.store.accounts import StoredAccount
from adept.sync.outcome import PassKind

FULL_EVERY = timedelta(days=7)
LONG_S = 60.0  # who takes longer makes room for others
AHEAD = 20  # jobs that wait in the engine's queue, for each slot there is: a second's work where nothing changed


class Work(StrEnum):
    """What is done for an account."""

    NOTHING = "nothing"
    PROBE = "probe"
    SYNC = "sync"
    FULL = "full"


def work_for(
    account: StoredAccount, *, requested: PassKind | None, has_token: bool, has_candidate: bool, now: datetime
) -> Work:
    """What is to be done for the account now. `requested` is the kind of the pass that somebody asked for."""
    if account.paused or not (has_token or has_candidate):
        return Work.NOTHING
    is_due = account.next_sync_at <= now
    is_probe_due = account.next_probe_at is not None and account.next_probe_at <= now
    if requested is None:
        if not (is_due or is_probe_due):
            return Work.NOTHING
        if not is_due or not has_token or is_breaker_open(Health(account.health), account.failures):
            return Work.PROBE
    return Work(kind_due(account, requested=requested, now=now))


def kind_due(account: StoredAccount, *, requested: PassKind | None, now: datetime) -> PassKind:
    """The kind of the account's next pass: full where somebody asked for it, or where the last fetch is a week old."""
    if requested is PassKind.FULL:
        return PassKind.FULL
    is_old = account.last_fetch_at is not None and now - account.last_fetch_at >= FULL_EVERY
    return PassKind.FULL if is_old else PassKind.SYNC


@dataclass(frozen=True, slots=True)
class DueJob:
    """Something that is to be done now: of which kind, and the row it is about, by its number and its name for people.

    `is_failing`: it failed last time. `is_asked_for`: somebody waits for it.
    """

    kind: str
    id: int
    name: str
    is_failing: bool = False
    is_asked_for: bool = False

    @property
    def key(self) -> str:
        """What no two jobs at hand have in common."""
        return f"{self.kind} {self.id}"


@dataclass(frozen=True, slots=True)
class Slot:
    """A job that is being done: whether it failed last time, and since when, on the loop's clock."""

    is_failing: bool
    since_s: float


@dataclass(frozen=True, slots=True)
class AtHand:
    """A job that the engine has: waiting in its queue, or being done by a worker."""

    key: str
    is_failing: bool
    is_running: bool


def to_begin(due: Sequence[DueJob], taken: Collection[Slot], *, width: int, now_s: float) -> list[DueJob]:
    """Which of what is due, in this order, is begun in this process beside what has its slot already.

    There are `width` slots. What failed last time gets half of them, so that accounts that hang don't hold up the
    others; and what has gone on for a minute, a first fetch of a great many devices, makes room: up to as many again.
    """
    long = sum(now_s - slot.since_s >= LONG_S for slot in taken)
    free = width - (len(taken) - min(long, width))
    return _first(due, free, free_for_failing=_for_failing(width, taken))


def to_defer(due: Sequence[DueJob], at_hand: Collection[AtHand], *, width: int) -> list[DueJob]:
    """Which of what is due, in this order, is handed to the engine beside what it has at hand already.

    `width`: the slots of all workers together. The queue is kept short, for what is due is decided anew every second:
    the rows are the queue. Of what failed last time there is never more at hand than for half of the slots.
    """
    keys = {job.key for job in at_hand}
    new = [job for job in due if job.key not in keys]
    free = AHEAD * width - sum(not job.is_running for job in at_hand)
    return _first(new, free, free_for_failing=_for_failing(width, at_hand))


def _for_failing(width: int, taken: Iterable[Slot | AtHand]) -> int:
    return max(1, width // 2) - sum(each.is_failing for each in taken)


def _first(due: Sequence[DueJob], free: int, *, free_for_failing: int) -> list[DueJob]:
    chosen: list[DueJob] = []
    for job in due:
        if len(chosen) >= free:
            break
        if job.is_failing:
            if free_for_failing <= 0:
                continue
            free_for_failing -= 1
        chosen.append(job)
    return chosen
