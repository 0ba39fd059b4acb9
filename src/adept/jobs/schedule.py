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

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from adept.accounts.health import Health, is_breaker_open
from adept.store.accounts import StoredAccount
from adept.store.due import DueAccount
from adept.sync.outcome import PassKind

FULL_EVERY = timedelta(days=7)
LONG_S = 60.0  # who takes longer makes room for others


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
class Slot:
    """An account that is being looked after: whether its last pass had failed, and since when, on the loop's clock."""

    is_failing: bool
    since_s: float


def to_begin(due: Sequence[DueAccount], taken: Collection[Slot], *, width: int, now_s: float) -> list[DueAccount]:
    """Which of the accounts that are due, in this order, are begun beside those that have their slot already.

    There are `width` slots. Accounts that failed last time get half of them, so that those that hang don't hold up
    the others; and what has gone on for a minute, a first fetch of a great many devices, makes room: up to as many
    again.
    """
    long = sum(now_s - slot.since_s >= LONG_S for slot in taken)
    free = width - (len(taken) - min(long, width))
    free_for_failing = max(1, width // 2) - sum(slot.is_failing for slot in taken)
    chosen: list[DueAccount] = []
    for account in due:
        if len(chosen) >= free:
            break
        if account.is_failing:
            if free_for_failing <= 0:
                continue
            free_for_failing -= 1
        chosen.append(account)
    return chosen
