"""Users: added, given a role, disabled, given a password. They are never deleted: the audit log names them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from adept.access import passwords
from adept.access.admission import Visitor, forget_failures
from adept.access.login import WRONG_LOGIN, authenticate
from adept.access.names import read_name
from adept.access.roles import Role
from adept.errors import Conflict, Denied
from adept.store import users
from adept.store.audit import Actor, add_audit, audit_entries
from adept.store.database import Store, Transaction
from adept.store.sessions import end_sessions_of
from adept.store.users import StoredUser

Now = Callable[[], datetime]


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """What is edited about a user."""

    role: Role
    disabled: bool

    @classmethod
    def of(cls, user: StoredUser) -> Standing:
        """As it is now."""
        return cls(role=Role(user.role), disabled=user.disabled_at is not None)


async def add_user(store: Store, name: str, *, role: Role, password: str, by: Actor, now: Now) -> StoredUser:
    """Add a user. Misuse for a name or a password that won't do, Conflict where the name is taken."""
    name = read_name(name, of="a user")
    passwords.check_password(password)
    password_hash = await passwords.hash_password(password)
    async with store.writing() as tx:
        return await keep_user(tx, name, role=role, password_hash=password_hash, by=by, now=now())


async def keep_user(
    tx: Transaction, name: str, *, role: Role, password_hash: str, by: Actor, now: datetime
) -> StoredUser:
    """As `add_user`, in a transaction and with a hash that are there already."""
    user = await users.add_user(tx, name, role=role, password_hash=password_hash, now=now)
    await add_audit(tx, by, "user.added", user.name, now=now, after={"role": user.role})
    return user


async def change_user(
    store: Store,
    name: str,
    *,
    role: Role | None = None,
    disabled: bool | None = None,
    version: int | None,
    by: Actor,
    now: Now,
) -> StoredUser:
    """Change what is given. A disabled user's sessions end at once; a new role counts from the next request on.

    `version` is that of the user who was looked at: Conflict where there is a newer one by now, with that as `current`;
    None changes whatever is there. Conflict also where no administrator would be left. Where nothing changes, nothing
    is written.
    """
    async with store.writing() as tx:
        admins = await users.lock_admins(tx)
        user = await users.user_named(tx, name, to_change=True)
        before = Standing.of(user)
        after = Standing(
            role=before.role if role is None else role, disabled=before.disabled if disabled is None else disabled
        )
        if after == before:
            return user
        if version is not None and user.version != version:
            raise await _changed_meanwhile(tx, user)
        if admins == {user.id} and (after.disabled or after.role is not Role.ADMIN):
            raise Conflict(
                f"{user.name} is the last administrator", way_out="make somebody else an administrator first"
            )
        return await _write(tx, user, before, after, by=by, at=now())


async def set_password(store: Store, name: str, password: str, *, by: Actor, now: Now) -> StoredUser:
    """Give a user another password: all their sessions end, and they can log in at once whatever was tried before.

    Misuse for a password that won't do, NotFound for an unknown user.
    """
    return await _set_password(store, name, password, keep_session=None, by=by, now=now)


async def change_own_password(
    store: Store, name: str, *, old: str, new: str, session_id: int | None, visitor: Visitor, by: Actor, now: Now
) -> StoredUser:
    """As `set_password`, by the user, who knows the old one; the session they sit at goes on.

    Denied with 403 where the old one is wrong, with 429 where it was wrong too often.
    """
    passwords.check_password(new)
    try:
        await authenticate(store, name, old, visitor=visitor, now=now)
    except Denied as denied:
        if denied.code != WRONG_LOGIN:
            raise
        raise Denied("the old password is wrong", code="wrong_password") from None
    return await _set_password(store, name, new, keep_session=session_id, by=by, now=now)


def shown(user: StoredUser) -> dict[str, Any]:
    """What is told of a user: everything but the password's hash."""
    return {name: value for name, value in asdict(user).items() if name not in ("id", "password_hash")}


async def _set_password(
    store: Store, name: str, password: str, *, keep_session: int | None, by: Actor, now: Now
) -> StoredUser:
    passwords.check_password(password)
    async with store.reading() as tx:
        await users.user_named(tx, name)  # before the work
    password_hash = await passwords.hash_password(password)
    async with store.writing() as tx:
        user = await users.user_named(tx, name, to_change=True)
        await end_sessions_of(tx, user.id, but=keep_session)
        await forget_failures(tx, user.name)
        await add_audit(tx, by, "user.password_changed", user.name, now=now())
        return await users.update_user(tx, user.id, password_hash=password_hash, version=user.version + 1)


async def _write(
    tx: Transaction, user: StoredUser, before: Standing, after: Standing, *, by: Actor, at: datetime
) -> StoredUser:
    if after.disabled:
        await end_sessions_of(tx, user.id)
    await add_audit(tx, by, _act(before, after), user.name, now=at, before=asdict(before), after=asdict(after))
    disabled_at = (user.disabled_at or at) if after.disabled else None
    return await users.update_user(tx, user.id, role=after.role, disabled_at=disabled_at, version=user.version + 1)


async def _changed_meanwhile(tx: Transaction, user: StoredUser) -> Conflict:
    edits = await audit_entries(tx, subject=user.name, act="user", limit=1)
    who = f"{edits[0].actor} at {edits[0].at:%Y-%m-%d %H:%M:%SZ}" if edits else "somebody else"
    return Conflict(
        f"the user {user.name} was changed meanwhile, by {who}",
        way_out="look at what it is now, and change that",
        current=shown(user),
    )


def _act(before: Standing, after: Standing) -> str:
    if before.disabled == after.disabled:
        return "user.changed"
    return "user.disabled" if after.disabled else "user.enabled"
