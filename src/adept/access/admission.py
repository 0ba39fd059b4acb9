"""May this visitor try a password now? Guessing is slowed down by counters in the store, so a restart forgives nothing.

A try is counted as failed before the password is looked at, and uncounted if it turns out well: many tries at once
can't get past the counting. How long to wait is decided in `throttle`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from adept.access.names import fold_name
from adept.access.throttle import FORGOTTEN_AFTER, REMEMBERED, Counter, counters, network_of, of_user, pause_after
from adept.errors import Denied
from adept.store import login_failures as failures
from adept.store.database import Store, Transaction
from adept.store.users import StoredUser, find_user


@dataclass(frozen=True, slots=True, kw_only=True)
class Visitor:
    """Who comes with a name and a password: where from, with what, by which request."""

    address: str | None = None
    user_agent: str | None = None
    request_id: str | None = None


@dataclass(frozen=True, slots=True)
class Admission:
    """A try that may go on: at this user's password (None: the name is nobody's), counted as failed so far."""

    user: StoredUser | None
    counted: Sequence[Counter]


async def admit(store: Store, name: str, *, visitor: Visitor, at: datetime) -> Admission:
    """Count a try; Denied (429) where it has to wait first, and then it is not counted."""
    folded = fold_name(name)
    async with store.writing() as tx:
        user = await find_user(tx, folded) if folded is not None else None
        network = network_of(visitor.address)
        counted = counters(folded, network, comes_from_there=await _comes_from(tx, user, network, at=at))
        for counter in counted:
            tried = await failures.count_try(tx, counter.who, now=at, forgotten_before=at - FORGOTTEN_AFTER)
            if tried.blocked_until > at:
                raise _too_many(tried.blocked_until - at)
            if pause := pause_after(tried.failures, counter.free):
                await failures.block(tx, counter.who, at + pause)
    return Admission(user, counted)


async def take_back(tx: Transaction, admission: Admission, *, at: datetime) -> None:
    """The try turned out well: it counts no more. What others failed at before still does."""
    for counter in admission.counted:
        await failures.take_back_try(tx, counter.who, at)


async def forget_failures(tx: Transaction, name: str) -> None:
    """Let the user try at once, whatever was tried before."""
    await failures.forget_failures(tx, of_user(name))


async def _comes_from(tx: Transaction, user: StoredUser | None, network: str, *, at: datetime) -> bool:
    if user is None:
        return False
    known = await failures.addresses_of(tx, user.name, since=at - REMEMBERED)
    return network in {network_of(address) for address in known}


def _too_many(wait: timedelta) -> Denied:
    return Denied(
        "too many failed logins for this name or from this address",
        code="login_throttled",
        status=429,
        retry_after_s=max(1.0, wait.total_seconds()),
        way_out="wait; or, on the machine that runs adept: adept users password NAME",
    )
