"""Keypairs: staged, then active, then retired; the private key sealed for its row alone. They outlive their account."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from adept.store.accounts import StoredAccount
from adept.store.rows import read_row
from adept.store.sealing import Sealer
from adept.store.tables import keypairs


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredKeypair:
    """A row of `keypairs`. `account_id` is None once the account was removed."""

    id: int
    account_id: int | None
    account_name: str
    state: str
    common_name: str | None
    certificate_pem: str | None
    private_key_sealed: bytes = field(repr=False)
    created_at: datetime
    activated_at: datetime | None
    retired_at: datetime | None


async def add_keypair(
    tx: AsyncConnection,
    account: StoredAccount,
    private_key_pem: bytes,
    certificate_pem: str | None,
    *,
    state: str,
    common_name: str | None = None,
    sealer: Sealer,
    now: datetime,
) -> StoredKeypair:
    """Keep a keypair of the account; the transaction should be durable. One staged keypair an account."""
    times = {"active": {"activated_at": now}, "retired": {"retired_at": now}}.get(state, {})
    unsealed = {"account_name": account.name, "state": state, "private_key_sealed": b"", "created_at": now, **times}
    inserted = insert(keypairs).values(
        account_id=account.id, certificate_pem=certificate_pem, common_name=common_name, **unsealed
    )
    keypair_id = (await tx.execute(inserted.returning(keypairs.c.id))).scalar_one()
    sealed = sealer.seal(_purpose(keypair_id), private_key_pem)
    statement = update(keypairs).where(keypairs.c.id == keypair_id).values(private_key_sealed=sealed)
    return read_row(StoredKeypair, (await tx.execute(statement.returning(keypairs))).one())


async def keypairs_of(tx: AsyncConnection, account_id: int, *, state: str | None = None) -> list[StoredKeypair]:
    """The account's keypairs, of one state where given, the newest first."""
    statement = select(keypairs).where(keypairs.c.account_id == account_id)
    if state is not None:
        statement = statement.where(keypairs.c.state == state)
    return [read_row(StoredKeypair, row) for row in await tx.execute(statement.order_by(keypairs.c.id.desc()))]


async def keypairs_of_removed(tx: AsyncConnection, account_name: str) -> list[StoredKeypair]:
    """The keypairs that removed accounts of that name left behind, the newest first."""
    statement = select(keypairs).where(keypairs.c.account_id.is_(None), keypairs.c.account_name == account_name)
    return [read_row(StoredKeypair, row) for row in await tx.execute(statement.order_by(keypairs.c.id.desc()))]


def private_key(keypair: StoredKeypair, sealer: Sealer) -> bytes:
    """The private key as PEM; ConfigError where the sealing keys don't open it."""
    return sealer.open(_purpose(keypair.id), keypair.private_key_sealed)


async def set_keypair_state(tx: AsyncConnection, keypair_id: int, state: str, now: datetime) -> None:
    """Move a keypair to a state, with the time of it."""
    times = {"active": {"activated_at": now}, "retired": {"retired_at": now}}.get(state, {})
    await tx.execute(update(keypairs).where(keypairs.c.id == keypair_id).values(state=state, **times))


def _purpose(keypair_id: int) -> str:
    return f"keypair:{keypair_id}"
