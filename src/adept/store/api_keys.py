"""API keys: a name, a role, and the hash of a random secret. Revoked ones stay: the audit log names them."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from adept.errors import Conflict, NotFound
from adept.store.dialects import insert_into
from adept.store.names import sought
from adept.store.rows import read_row, read_row_or_none
from adept.store.tables import api_keys

_LIVE = api_keys.c.revoked_at.is_(None)


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredKey:
    """A row of `api_keys`."""

    id: int
    name: str
    role: str
    may_read_secrets: bool
    secret_hash: bytes = field(repr=False)
    created_at: datetime
    created_by: str | None
    expires_at: datetime | None
    last_used_at: datetime | None
    revoked_at: datetime | None


async def add_key(
    tx: AsyncConnection,
    name: str,
    *,
    role: str,
    may_read_secrets: bool,
    secret_hash: bytes,
    created_by: str,
    expires_at: datetime | None,
    now: datetime,
) -> StoredKey:
    """Keep a key; Conflict where a live one has the name."""
    statement = (
        insert_into(api_keys, tx)
        .values(
            name=name,
            role=role,
            may_read_secrets=may_read_secrets,
            secret_hash=secret_hash,
            created_at=now,
            created_by=created_by,
            expires_at=expires_at,
        )
        .on_conflict_do_nothing(index_elements=["name"], index_where=_LIVE)
        .returning(api_keys)
    )
    row = (await tx.execute(statement)).one_or_none()
    if row is None:
        raise Conflict(
            f"there is already an API key {name!r}", way_out="choose another name, or revoke that one", field="name"
        )
    return read_row(StoredKey, row)


async def key_by_hash(tx: AsyncConnection, secret_hash: bytes) -> StoredKey | None:
    """The key with that secret, whether it is still good or not; None where there is none."""
    row = (await tx.execute(select(api_keys).where(api_keys.c.secret_hash == secret_hash))).one_or_none()
    return read_row_or_none(StoredKey, row)


async def key_named(tx: AsyncConnection, name: str) -> StoredKey:
    """The live key of that name, else the one revoked last; NotFound where there never was one."""
    newest_first = (_LIVE.desc(), api_keys.c.id.desc())
    found = await tx.execute(select(api_keys).where(api_keys.c.name == sought(name)).order_by(*newest_first).limit(1))
    row = found.one_or_none()
    if row is None:
        raise NotFound(f"there is no API key {name!r}", way_out="see the list of keys")
    return read_row(StoredKey, row)


async def all_keys(tx: AsyncConnection, *, with_revoked: bool) -> list[StoredKey]:
    """The live keys, or all there ever were, by name; of one name the newest first."""
    statement = select(api_keys).order_by(api_keys.c.name, api_keys.c.id.desc())
    if not with_revoked:
        statement = statement.where(_LIVE)
    return [read_row(StoredKey, row) for row in await tx.execute(statement)]


async def revoke_key(tx: AsyncConnection, key_id: int, now: datetime) -> bool:
    """Make a key worthless from now on; False where it was already."""
    revoked = await tx.execute(update(api_keys).where(api_keys.c.id == key_id, _LIVE).values(revoked_at=now))
    return revoked.rowcount > 0


async def note_key_use(tx: AsyncConnection, key_id: int, now: datetime) -> None:
    """Remember that the key was used."""
    await tx.execute(update(api_keys).where(api_keys.c.id == key_id).values(last_used_at=now))
