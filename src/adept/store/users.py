"""Users: a name, a role, and the hash of a password. They are disabled, never deleted: the audit log names them."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import func, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from adept.errors import Conflict, NotFound
from adept.store.dialects import insert_into
from adept.store.names import sought
from adept.store.rows import read_row, read_row_or_none
from adept.store.tables import users


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredUser:
    """A row of `users`."""

    id: int
    name: str
    role: str
    password_hash: str = field(repr=False)
    created_at: datetime
    disabled_at: datetime | None
    last_login_at: datetime | None
    version: int


async def add_user(tx: AsyncConnection, name: str, *, role: str, password_hash: str, now: datetime) -> StoredUser:
    """Keep a user; Conflict where the name is taken."""
    statement = (
        insert_into(users, tx)
        .values(name=name, role=role, password_hash=password_hash, created_at=now)
        .on_conflict_do_nothing(index_elements=["name"])
        .returning(users)
    )
    row = (await tx.execute(statement)).one_or_none()
    if row is None:
        raise Conflict(f"there is already a user {name!r}", way_out="choose another name", field="name")
    return read_row(StoredUser, row)


async def find_user(tx: AsyncConnection, name: str) -> StoredUser | None:
    """The user of that name; None where there is none."""
    row = (await tx.execute(select(users).where(users.c.name == name))).one_or_none()
    return read_row_or_none(StoredUser, row)


async def user_named(tx: AsyncConnection, name: str, *, to_change: bool = False) -> StoredUser:
    """The user of that name; NotFound where there is none. `to_change` holds the row until the transaction ends."""
    statement = select(users).where(users.c.name == sought(name))
    row = (await tx.execute(statement.with_for_update() if to_change else statement)).one_or_none()
    if row is None:
        raise NotFound(f"there is no user {name!r}", way_out="see the list of users")
    return read_row(StoredUser, row)


async def all_users(tx: AsyncConnection) -> list[StoredUser]:
    """Every user, by name."""
    return [read_row(StoredUser, row) for row in await tx.execute(select(users).order_by(users.c.name))]


async def has_users(tx: AsyncConnection) -> bool:
    """Whether there is any user, disabled or not."""
    return (await tx.execute(select(users.c.id).limit(1))).one_or_none() is not None


async def lock_admins(tx: AsyncConnection) -> set[int]:
    """The ids of the administrators who are not disabled; their rows are held until the transaction ends.

    So two of them can't take each other's rights away at the same moment.
    """
    statement = select(users.c.id).where(users.c.role == "admin", users.c.disabled_at.is_(None))
    return set((await tx.execute(statement.order_by(users.c.id).with_for_update())).scalars())


async def update_user(tx: AsyncConnection, user_id: int, **columns: Any) -> StoredUser:
    """Set the named columns and return the user as it is now."""
    statement = update(users).where(users.c.id == user_id).values(**columns).returning(users)
    return read_row(StoredUser, (await tx.execute(statement)).one())


async def count_users(tx: AsyncConnection) -> int:
    """How many users there are, disabled ones too."""
    return int((await tx.execute(select(func.count()).select_from(users))).scalar_one())
