"""Users, sessions and API keys as they are shown: never a password's or a secret's hash."""

from __future__ import annotations

from datetime import datetime

from pydantic import BaseModel, ConfigDict, Field

from adept.access.roles import Role
from adept.access.sessions import IDLE, is_open
from adept.access.users import shown
from adept.store.api_keys import StoredKey, all_keys, key_named
from adept.store.database import Store
from adept.store.sessions import StoredSession, sessions_of
from adept.store.users import StoredUser, all_users, has_users, user_named


class UserRecord(BaseModel):
    """A person who may log in."""

    model_config = ConfigDict(frozen=True)

    name: str
    role: Role
    created_at: datetime
    disabled_at: datetime | None = Field(description="Since when the user can't log in; null: can.")
    last_login_at: datetime | None
    version: int = Field(description="One more at each edit; its ETag.")


class SessionRecord(BaseModel):
    """A session of a person in the browser."""

    model_config = ConfigDict(frozen=True)

    id: int
    created_at: datetime
    last_used_at: datetime = Field(description="To the minute.")
    expires_at: datetime = Field(description="When it ends if it is not used meanwhile.")
    address: str | None
    user_agent: str | None


class WhoRecord(BaseModel):
    """Who asks, and what they may do."""

    model_config = ConfigDict(frozen=True)

    kind: str = Field(description="`user` or `key`.")
    name: str
    role: Role
    may_read_secrets: bool
    session_id: int | None = Field(description="Of a person in the browser; null with an API key.")


class KeyRecord(BaseModel):
    """An API key, without the key itself: that was shown once, when it was made."""

    model_config = ConfigDict(frozen=True)

    name: str
    role: Role
    may_read_secrets: bool = Field(description="Whether answers with secrets of server tokens are for it.")
    created_at: datetime
    created_by: str | None
    expires_at: datetime | None = Field(description="Null: it doesn't expire.")
    last_used_at: datetime | None = Field(description="To the minute.")
    revoked_at: datetime | None = Field(description="Since when it is worth nothing.")


class NewKeyRecord(KeyRecord):
    """An API key that was just made: the only time that it is shown."""

    key: str


def user_record(row: StoredUser) -> UserRecord:
    """A stored user as it is shown."""
    return UserRecord(**shown(row))


def session_record(row: StoredSession) -> SessionRecord:
    """A stored session as it is shown."""
    ends_at = min(row.expires_at, row.last_used_at + IDLE)
    columns = {name: getattr(row, name) for name in SessionRecord.model_fields if name != "expires_at"}
    return SessionRecord(expires_at=ends_at, **columns)


def key_record(row: StoredKey) -> KeyRecord:
    """A stored key as it is shown."""
    return KeyRecord(**{name: getattr(row, name) for name in KeyRecord.model_fields})


def new_key_record(row: StoredKey, key: str) -> NewKeyRecord:
    """A key that was just made, with the key itself."""
    return NewKeyRecord(key=key, **key_record(row).model_dump())


async def user_list(store: Store) -> list[UserRecord]:
    """Every user, by name."""
    async with store.reading() as tx:
        return [user_record(row) for row in await all_users(tx)]


async def has_anybody(store: Store) -> bool:
    """Whether there is any user, disabled or not."""
    async with store.reading() as tx:
        return await has_users(tx)


async def one_user(store: Store, name: str) -> UserRecord:
    """The user of that name; NotFound."""
    async with store.reading() as tx:
        return user_record(await user_named(tx, name))


async def session_list(store: Store, name: str, *, now: datetime) -> list[SessionRecord]:
    """The user's open sessions, the one used last first; NotFound."""
    async with store.reading() as tx:
        rows = await sessions_of(tx, (await user_named(tx, name)).id, now)
    return [session_record(row) for row in rows if is_open(row, now)]


async def key_list(store: Store, *, with_revoked: bool = False) -> list[KeyRecord]:
    """The keys that were not revoked, or all there ever were, by name."""
    async with store.reading() as tx:
        return [key_record(row) for row in await all_keys(tx, with_revoked=with_revoked)]


async def one_key(store: Store, name: str) -> KeyRecord:
    """The key of that name, else the one revoked last; NotFound where there never was one."""
    async with store.reading() as tx:
        return key_record(await key_named(tx, name))
