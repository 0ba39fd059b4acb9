"""Is this the user's password? Asked at a login, and where somebody changes their own; guessing is slowed down.

A try is counted as failed before the password is looked at, and uncounted if it turns out well: many tries at once
can't get past the counting.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from adept.access import passwords
from adept.access.names import fold_name
from adept.access.throttle import FORGOTTEN_AFTER, REMEMBERED, Counter, counters, network_of, of_user, pause_after
from adept.errors import Denied
from adept.store import login_failures as failures
from adept.store.audit import Actor, add_audit
from adept.store.database import Store, Transaction
from adept.store.users import StoredUser, find_user

Now = Callable[[], datetime]
WRONG_LOGIN = "wrong_login"
log = logging.getLogger("adept.access")


@dataclass(frozen=True, slots=True, kw_only=True)
class Visitor:
    """Who comes with a name and a password: where from, with what, by which request."""

    address: str | None = None
    user_agent: str | None = None
    request_id: str | None = None


async def authenticate(store: Store, name: str, password: str, *, visitor: Visitor, now: Now) -> StoredUser:
    """The user whose name and password these are.

    Denied with 401 where they aren't anybody's or the user is disabled, told alike and after the same work; with 429
    where there were too many failures: then the password was not looked at.
    """
    user, counted = await _admit(store, fold_name(name), visitor=visitor, at=now())
    is_right = await passwords.matches(password, user.password_hash if user else passwords.STAND_IN)
    if user is None or not is_right or user.disabled_at is not None:
        await _refused(store, user, visitor=visitor, at=now())
        raise wrong_login()
    async with store.writing() as tx:
        for counter in counted:
            await failures.take_back_try(tx, counter.who, now())
    return user


def wrong_login() -> Denied:
    """The one answer to a name or a password that is wrong, whichever of them it is."""
    return Denied("the name or the password is wrong", code=WRONG_LOGIN, status=401)


async def forget_failures(tx: Transaction, name: str) -> None:
    """Let the user log in at once, whatever was tried before."""
    await failures.forget_failures(tx, of_user(name))


async def _admit(
    store: Store, name: str | None, *, visitor: Visitor, at: datetime
) -> tuple[StoredUser | None, Sequence[Counter]]:
    """Count the try; Denied where it has to wait, and then it is not counted."""
    async with store.writing() as tx:
        user = await find_user(tx, name) if name is not None else None
        network = network_of(visitor.address)
        counted = counters(name, network, comes_from_there=await _comes_from(tx, user, network, at=at))
        for counter in counted:
            tried = await failures.count_try(tx, counter.who, now=at, forgotten_before=at - FORGOTTEN_AFTER)
            if tried.blocked_until > at:
                raise _too_many(tried.blocked_until - at)
            if pause := pause_after(tried.failures, counter.free):
                await failures.block(tx, counter.who, at + pause)
    return user, counted


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


async def _refused(store: Store, user: StoredUser | None, *, visitor: Visitor, at: datetime) -> None:
    """Told in the log, and in the audit log where the name is a user's: others may be passwords typed too early."""
    log.warning(
        "login refused",
        extra={"user": user.name if user else None, "address": visitor.address, "request_id": visitor.request_id},
    )
    if user is not None:
        actor = Actor("user", user.name, visitor.address, visitor.request_id)
        async with store.writing() as tx:
            await add_audit(tx, actor, "session.refused", user.name, now=at)
