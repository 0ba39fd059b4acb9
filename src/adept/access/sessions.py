"""Sessions of people: opened by a login, ended by idleness, age, a logout, or somebody who may."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from adept.access import passwords
from adept.access.admission import Visitor
from adept.access.login import authenticate, wrong_login
from adept.access.secrets import hash_of, make_secret
from adept.access.throttle import FORGOTTEN_AFTER
from adept.errors import NotFound
from adept.store import sessions
from adept.store.audit import Actor, add_audit
from adept.store.database import Store, Transaction
from adept.store.login_failures import forget_old_failures
from adept.store.sessions import StoredSession
from adept.store.users import StoredUser, update_user, user_named

Now = Callable[[], datetime]
IDLE = timedelta(hours=12)
LIFETIME = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class Opened:
    """A new session; `secret` is the cookie's value, which is kept nowhere."""

    user: StoredUser
    session: StoredSession
    secret: str = field(repr=False)


def is_open(session: StoredSession, now: datetime) -> bool:
    """Whether the session is still good."""
    return now < session.expires_at and now - session.last_used_at < IDLE


async def log_in(
    store: Store, name: str, password: str, *, visitor: Visitor, old_cookie: str | None = None, now: Now
) -> Opened:
    """Open a session for the user whose name and password these are; the one that came with the login is ended.

    Denied as in `authenticate`.
    """
    user = await authenticate(store, name, password, visitor=visitor, now=now)
    newer_hash = await passwords.hash_password(password) if passwords.is_outdated(user.password_hash) else None
    async with store.writing() as tx:
        current = await user_named(tx, user.name, to_change=True)
        if current.disabled_at is not None or current.password_hash != user.password_hash:
            raise wrong_login()  # it was changed while we looked
        if newer_hash is not None:
            await update_user(tx, user.id, password_hash=newer_hash)
        await _end_cookie(tx, old_cookie)
        return await open_session(tx, user, visitor=visitor, now=now())


async def open_session(tx: Transaction, user: StoredUser, *, visitor: Visitor, now: datetime) -> Opened:
    """Open a session for a user who has proved to be that; sweeps up what ended since the last one."""
    await sessions.forget_ended_sessions(tx, now=now, idle_since=now - IDLE)
    await forget_old_failures(tx, now - FORGOTTEN_AFTER)
    secret = make_secret()
    session = await sessions.add_session(
        tx,
        user.id,
        secret_hash=hash_of(secret),
        expires_at=now + LIFETIME,
        address=visitor.address,
        user_agent=visitor.user_agent[:200] if visitor.user_agent else None,
        now=now,
    )
    actor = Actor("user", user.name, visitor.address, visitor.request_id)
    await add_audit(tx, actor, "session.opened", user.name, now=now, after={"session": session.id})
    return Opened(await update_user(tx, user.id, last_login_at=now), session, secret)


async def end_session(store: Store, name: str, session_id: int, *, by: Actor, now: Now) -> None:
    """End one of the user's sessions. NotFound where the user has no such session (any more)."""
    async with store.writing() as tx:
        user = await user_named(tx, name)
        if not await sessions.end_session(tx, session_id, user_id=user.id):
            raise NotFound(f"{user.name} has no session {session_id}", way_out="it may have ended by itself")
        await add_audit(tx, by, "session.ended", user.name, now=now(), before={"session": session_id})


async def end_sessions(store: Store, name: str, *, by: Actor, now: Now) -> int:
    """End all of the user's sessions; returns how many there were. NotFound for an unknown user."""
    async with store.writing() as tx:
        user = await user_named(tx, name)
        ended = await sessions.end_sessions_of(tx, user.id)
        if ended:
            await add_audit(tx, by, "session.ended", user.name, now=now(), before={"sessions": ended})
    return ended


async def _end_cookie(tx: Transaction, cookie: str | None) -> None:
    """A browser that logs in again gets a new secret, and the old one is worth nothing."""
    found = await sessions.session_by_hash(tx, hash_of(cookie)) if cookie else None
    if found is not None:
        await sessions.end_session(tx, found[0].id, user_id=found[1].id)
