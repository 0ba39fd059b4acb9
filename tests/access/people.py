"""People for tests: users whose password is hashed once a run, and a clock that tests move."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache

from adept.access import passwords
from adept.access.roles import Role
from adept.access.users import keep_user
from adept.store.audit import Actor
from adept.store.database import Store
from adept.store.users import StoredUser

PASSWORD = "correct horse battery"
SOMEBODY = Actor("cli", "tests")
START = datetime(2026, 11, 22, 12, tzinfo=UTC)


@dataclass
class Clock:
    """A time that stands still until it is moved."""

    time: datetime = field(default=START)

    def __call__(self) -> datetime:
        return self.time

    def advance(self, **span: float) -> None:
        """Move on by a `timedelta` of these parts."""
        self.time += timedelta(**span)


@cache
def password_hash() -> str:
    """The hash of PASSWORD, made as the service makes it."""
    return passwords._hash(passwords._as_bytes(PASSWORD))


async def user(store: Store, name: str = "ann", role: Role = Role.ADMIN, *, now: datetime = START) -> StoredUser:
    """A user with the password PASSWORD."""
    async with store.writing() as tx:
        return await keep_user(tx, name, role=role, password_hash=password_hash(), by=SOMEBODY, now=now)
