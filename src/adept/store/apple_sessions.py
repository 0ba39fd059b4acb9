"""Sessions with Apple, one a server token, for all who use it: sealed, and replaced only by who saw the last one."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import ColumnElement, delete, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from adept.store.dialects import insert_into
from adept.store.rows import read_row_or_none
from adept.store.sealing import Sealer
from adept.store.tables import apple_sessions


@dataclass(frozen=True, slots=True, kw_only=True)
class AppleSession:
    """A row of `apple_sessions`."""

    token_id: int
    sealed: bytes = field(repr=False)
    version: int
    saved_at: datetime


async def find_session(tx: AsyncConnection, token_id: int) -> AppleSession | None:
    """The session that users of the server token share; None where nobody has kept one."""
    row = (await tx.execute(select(apple_sessions).where(apple_sessions.c.token_id == token_id))).one_or_none()
    return read_row_or_none(AppleSession, row)


async def replace_session(
    tx: AsyncConnection, token_id: int, sealed: bytes, *, version: int, now: datetime
) -> int | None:
    """Keep a session in place of the one of that version, 0 for none; its version, None where somebody was faster."""
    kept = {"sealed": sealed, "version": version + 1, "saved_at": now}
    if version == 0:
        added = insert_into(apple_sessions, tx).values(token_id=token_id, **kept)
        written = await tx.execute(added.on_conflict_do_nothing(index_elements=["token_id"]))
    else:
        written = await tx.execute(update(apple_sessions).where(_is(token_id, version)).values(**kept))
    return version + 1 if written.rowcount == 1 else None


async def touch_session(tx: AsyncConnection, token_id: int, *, version: int, now: datetime) -> None:
    """Note that the session is in use."""
    await tx.execute(update(apple_sessions).where(_is(token_id, version)).values(saved_at=now))


async def forget_session(tx: AsyncConnection, token_id: int) -> None:
    """Keep none any more: its server token has ended."""
    await tx.execute(delete(apple_sessions).where(apple_sessions.c.token_id == token_id))


async def forget_all_sessions(tx: AsyncConnection) -> None:
    """Keep none of any server token: everybody opens a new one."""
    await tx.execute(delete(apple_sessions))


def seal_session(sealer: Sealer, token_id: int, base_url: str, session_token: str) -> bytes:
    """The session's token, sealed for its row and for the service that gave it."""
    return sealer.seal(_purpose(token_id, base_url), session_token.encode())


def open_session(sealer: Sealer, session: AppleSession, base_url: str) -> str:
    """The session's token; ConfigError where no key opens it, or where another service gave it."""
    return sealer.open(_purpose(session.token_id, base_url), session.sealed).decode()


def _is(token_id: int, version: int) -> ColumnElement[bool]:
    return (apple_sessions.c.token_id == token_id) & (apple_sessions.c.version == version)


def _purpose(token_id: int, base_url: str) -> str:
    return f"session:{token_id}:{base_url}"
