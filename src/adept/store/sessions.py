"""Sessions of people in the browser. The cookie's secret is kept as its hash alone."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import LABEL_STYLE_TABLENAME_PLUS_COL, delete, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from adept.store.rows import read_row
from adept.store.tables import sessions, users
from adept.store.users import StoredUser


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredSession:
    """A row of `sessions`."""

    id: int
    user_id: int
    secret_hash: bytes = field(repr=False)
    created_at: datetime
    last_used_at: datetime
    expires_at: datetime
    address: str | None
    user_agent: str | None


async def add_session(
    tx: AsyncConnection,
    user_id: int,
    *,
    secret_hash: bytes,
    expires_at: datetime,
    address: str | None,
    user_agent: str | None,
    now: datetime,
) -> StoredSession:
    """Open a session of the user."""
    statement = insert(sessions).values(
        user_id=user_id,
        secret_hash=secret_hash,
        created_at=now,
        last_used_at=now,
        expires_at=expires_at,
        address=address,
        user_agent=user_agent,
    )
    return read_row(StoredSession, (await tx.execute(statement.returning(sessions))).one())


async def session_by_hash(tx: AsyncConnection, secret_hash: bytes) -> tuple[StoredSession, StoredUser] | None:
    """The session with that secret and whose it is, whether it is still good or not; None where there is none."""
    statement = (
        select(sessions, users)
        .join(users, users.c.id == sessions.c.user_id)
        .where(sessions.c.secret_hash == secret_hash)
        .set_label_style(LABEL_STYLE_TABLENAME_PLUS_COL)
    )
    row = (await tx.execute(statement)).mappings().one_or_none()
    if row is None:
        return None
    session = StoredSession(**{column.name: row[column] for column in sessions.c})
    return session, StoredUser(**{column.name: row[column] for column in users.c})


async def sessions_of(tx: AsyncConnection, user_id: int, now: datetime) -> list[StoredSession]:
    """The user's sessions that have not run out by `now`, the one used last first."""
    statement = select(sessions).where(sessions.c.user_id == user_id, sessions.c.expires_at > now)
    rows = await tx.execute(statement.order_by(sessions.c.last_used_at.desc(), sessions.c.id.desc()))
    return [read_row(StoredSession, row) for row in rows]


async def end_session(tx: AsyncConnection, session_id: int, *, user_id: int) -> bool:
    """End a session of the user; False where there is none with that id."""
    ended = await tx.execute(delete(sessions).where(sessions.c.id == session_id, sessions.c.user_id == user_id))
    return ended.rowcount > 0


async def end_sessions_of(tx: AsyncConnection, user_id: int, *, but: int | None = None) -> int:
    """End the user's sessions, all or all but one; returns how many there were."""
    statement = delete(sessions).where(sessions.c.user_id == user_id)
    if but is not None:
        statement = statement.where(sessions.c.id != but)
    return (await tx.execute(statement)).rowcount


async def forget_ended_sessions(tx: AsyncConnection, *, now: datetime, idle_since: datetime) -> None:
    """Delete sessions that ran out by `now` or were not used since `idle_since`; those that somebody holds are left."""
    has_ended = (sessions.c.expires_at <= now) | (sessions.c.last_used_at <= idle_since)
    ended = select(sessions.c.id).where(has_ended).with_for_update(skip_locked=True)
    await tx.execute(delete(sessions).where(sessions.c.id.in_(ended)))


async def note_session_use(tx: AsyncConnection, session_id: int, now: datetime) -> None:
    """Remember that the session was used."""
    await tx.execute(update(sessions).where(sessions.c.id == session_id).values(last_used_at=now))
