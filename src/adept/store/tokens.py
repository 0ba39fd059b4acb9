"""Server tokens: candidate, then active, then retired; sealed for their row alone. They go with their account."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from adept.store.apple_sessions import forget_session
from adept.store.rows import read_row, read_row_or_none
from adept.store.sealing import Sealer
from adept.store.tables import server_tokens


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredToken:
    """A row of `server_tokens`. `keypair_id` is None where the token came as plain JSON."""

    id: int
    account_id: int
    keypair_id: int | None
    state: str
    sealed: bytes = field(repr=False)
    expires_at: datetime | None
    consumer_key_hash: str
    replace_server: bool
    created_at: datetime
    activated_at: datetime | None
    ended_at: datetime | None
    reason: str | None


async def add_token(
    tx: AsyncConnection,
    account_id: int,
    token_json: bytes,
    *,
    state: str,
    keypair_id: int | None,
    expires_at: datetime | None,
    consumer_key_hash: str,
    sealer: Sealer,
    now: datetime,
    replace_server: bool = False,
    reason: str | None = None,
) -> StoredToken:
    """Keep a server token, sealed; the transaction should be durable. `reason` says why a candidate waits."""
    inserted = insert(server_tokens).values(
        account_id=account_id,
        keypair_id=keypair_id,
        state=state,
        sealed=b"",
        expires_at=expires_at,
        consumer_key_hash=consumer_key_hash,
        replace_server=replace_server,
        created_at=now,
        activated_at=now if state == "active" else None,
        reason=reason,
    )
    token_id = (await tx.execute(inserted.returning(server_tokens.c.id))).scalar_one()
    sealed = sealer.seal(_purpose(token_id), token_json)
    statement = update(server_tokens).where(server_tokens.c.id == token_id).values(sealed=sealed)
    return read_row(StoredToken, (await tx.execute(statement.returning(server_tokens))).one())


async def tokens_of(tx: AsyncConnection, account_id: int, state: str | None = None) -> list[StoredToken]:
    """The account's tokens, of one state where given, the newest first."""
    statement = select(server_tokens).where(server_tokens.c.account_id == account_id)
    if state is not None:
        statement = statement.where(server_tokens.c.state == state)
    return [read_row(StoredToken, row) for row in await tx.execute(statement.order_by(server_tokens.c.id.desc()))]


async def active_token_ends(tx: AsyncConnection) -> dict[int, datetime | None]:
    """When each account's active token ends, by the account's id; accounts without an active token are missing."""
    active = server_tokens.c.state == "active"
    rows = await tx.execute(select(server_tokens.c.account_id, server_tokens.c.expires_at).where(active))
    return {row[0]: row[1] for row in rows}


async def token_by_id(tx: AsyncConnection, token_id: int) -> StoredToken | None:
    """The token with that id; None where it went with its account."""
    row = (await tx.execute(select(server_tokens).where(server_tokens.c.id == token_id))).one_or_none()
    return read_row_or_none(StoredToken, row)


def open_token(token: StoredToken, sealer: Sealer) -> bytes:
    """The token as JSON; ConfigError where the sealing keys don't open it."""
    return sealer.open(_purpose(token.id), token.sealed)


async def set_token_state(
    tx: AsyncConnection, token_id: int, state: str, now: datetime, *, reason: str | None = None
) -> None:
    """Move a token to a state, with the time of it and the reason why it waits or ended."""
    times = {"active": {"activated_at": now}, "retired": {"ended_at": now}}.get(state, {})
    statement = update(server_tokens).where(server_tokens.c.id == token_id)
    await tx.execute(statement.values(state=state, reason=reason, **times))
    if state == "retired":
        await forget_session(tx, token_id)


def _purpose(token_id: int) -> str:
    return f"token:{token_id}"
