"""API keys: made, shown once, and revoked. A key is a random secret behind a prefix that scanners can look for."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

from adept.access.names import read_name
from adept.access.roles import Role
from adept.access.secrets import Random, hash_of, make_secret
from adept.errors import Misuse
from adept.store import api_keys
from adept.store.api_keys import StoredKey
from adept.store.audit import Actor, add_audit
from adept.store.database import Store

Now = Callable[[], datetime]
PREFIX = "adk_"
MAX_LIFE = timedelta(days=3650)


async def create_key(
    store: Store,
    name: str,
    *,
    role: Role,
    may_read_secrets: bool = False,
    expires_at: datetime | None = None,
    by: Actor,
    now: Now,
    random: Random | None = None,
) -> tuple[StoredKey, str]:
    """Make an API key; returns its row and the key itself, which is kept nowhere.

    Misuse for a name that can't be one or an expiry that has passed, Conflict where a live key has the name.
    """
    secret = make_secret(PREFIX) if random is None else make_secret(PREFIX, random=random)
    at = now()
    if expires_at is not None and not at < expires_at <= at + MAX_LIFE:
        raise Misuse(
            f"a key can't expire at {expires_at:%Y-%m-%d}",
            way_out="name a time in the next ten years",
            field="expires_at",
        )
    async with store.writing() as tx:
        key = await api_keys.add_key(
            tx,
            read_name(name, of="an API key"),
            role=role,
            may_read_secrets=may_read_secrets,
            secret_hash=hash_of(secret),
            created_by=by.name,
            expires_at=expires_at,
            now=at,
        )
        after = {"role": key.role, "may_read_secrets": may_read_secrets, "expires_at": expires_at}
        await add_audit(tx, by, "key.created", key.name, now=at, after=after)
    return key, secret


async def revoke_key(store: Store, name: str, *, by: Actor, now: Now) -> None:
    """Make a key worthless from now on; harmless where it was already. NotFound where there never was one."""
    async with store.writing() as tx:
        key = await api_keys.key_named(tx, name)
        if await api_keys.revoke_key(tx, key.id, now()):
            await add_audit(tx, by, "key.revoked", key.name, now=now(), before={"role": key.role})
