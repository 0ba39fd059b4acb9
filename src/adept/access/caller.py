"""Who asks: a person's session or an API key, found by the secret that a request carries."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from adept.access.keys import PREFIX
from adept.access.roles import Role
from adept.access.secrets import hash_of
from adept.access.sessions import is_open
from adept.errors import Denied
from adept.store.api_keys import StoredKey, key_by_hash, note_key_use
from adept.store.audit import Actor
from adept.store.database import Store
from adept.store.sessions import note_session_use, session_by_hash

Now = Callable[[], datetime]
USE_NOTED_EVERY = timedelta(minutes=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """Who asks, and what they may do.

    `session_id` is that of a person's session, `key_id` that of an API key: one of them is None. `use_noted_at` is when
    we last wrote down that the session or key was used.
    """

    actor: Actor
    role: Role
    may_read_secrets: bool
    session_id: int | None = None
    key_id: int | None = None
    use_noted_at: datetime | None = None

    def check_may_give(self, role: Role, *, may_read_secrets: bool) -> None:
        """Denied where the caller would make somebody who may do more than the caller may.

        An administrator who logs in may read secrets, so a key that may not can't make one.
        """
        if not self.role.covers(role) or (may_read_secrets and not self.may_read_secrets):
            raise Denied(
                f"{self.actor.name} may not give others more than it has itself",
                code="may_not_give",
                way_out="log in as an administrator, or use a key made with --may-read-secrets",
            )


async def caller_of(
    store: Store,
    *,
    cookie: str | None,
    authorization: str | None,
    address: str | None,
    request_id: str | None,
    now: Now,
) -> Caller | None:
    """Who asks, by an API key (Bearer, or as the password of Basic) or else by a session's cookie; None for nobody.

    Nobody is also who comes with a secret that has run out, was revoked, or belongs to a disabled user.
    """
    key = key_in(authorization)
    if key is not None:
        return await _by_key(store, key, address=address, request_id=request_id, now=now())
    if cookie:
        return await _by_session(store, cookie, address=address, request_id=request_id, now=now())
    return None


def key_in(authorization: str | None) -> str | None:
    """The API key in an Authorization header; None where there is none. Any user name will do with Basic."""
    scheme, _, rest = (authorization or "").strip().partition(" ")
    if scheme.lower() == "bearer":
        secret = rest.strip()
    elif scheme.lower() == "basic":
        secret = _password_in(rest.strip())
    else:
        return None
    return secret if secret.startswith(PREFIX) else None


def is_use_noted(caller: Caller, now: datetime) -> bool:
    """Whether it stands in the store already, to the minute, that the caller's session or key is in use."""
    return caller.use_noted_at is not None and now - caller.use_noted_at < USE_NOTED_EVERY


async def note_use(store: Store, caller: Caller, *, now: Now) -> None:
    """Remember that the caller's session or key is in use."""
    at = now()
    async with store.writing() as tx:
        if caller.key_id is not None:
            await note_key_use(tx, caller.key_id, at)
        if caller.session_id is not None:
            await note_session_use(tx, caller.session_id, at)


def _password_in(credentials: str) -> str:
    try:
        decoded = base64.b64decode(credentials, validate=True).decode()
    except (binascii.Error, ValueError):
        return ""
    return decoded.partition(":")[2]


async def _by_key(
    store: Store, secret: str, *, address: str | None, request_id: str | None, now: datetime
) -> Caller | None:
    async with store.reading() as tx:
        key = await key_by_hash(tx, hash_of(secret))
    if key is None or not _is_good(key, now):
        return None
    return Caller(
        actor=Actor("key", key.name, address, request_id),
        role=Role(key.role),
        may_read_secrets=key.may_read_secrets,
        key_id=key.id,
        use_noted_at=key.last_used_at,
    )


def _is_good(key: StoredKey, now: datetime) -> bool:
    return key.revoked_at is None and (key.expires_at is None or now < key.expires_at)


async def _by_session(
    store: Store, secret: str, *, address: str | None, request_id: str | None, now: datetime
) -> Caller | None:
    async with store.reading() as tx:
        found = await session_by_hash(tx, hash_of(secret))
    if found is None:
        return None
    session, user = found
    if user.disabled_at is not None or not is_open(session, now):
        return None
    return Caller(
        actor=Actor("user", user.name, address, request_id),
        role=Role(user.role),
        may_read_secrets=Role(user.role) is Role.ADMIN,
        session_id=session.id,
        use_noted_at=session.last_used_at,
    )
