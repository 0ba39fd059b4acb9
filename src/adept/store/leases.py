"""The lease on an account's row: one walker at a time, and a walker that lost it writes nothing more (design law 4).

An epoch is one more at each claim. What a walker writes is in one transaction with `fence`, which holds the row until
the commit: nobody can take the lease between the check and the write.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from adept.store.accounts import StoredAccount
from adept.store.dialects import clock, clock_after
from adept.store.due import is_due
from adept.store.rows import read_row_or_none
from adept.store.tables import accounts


async def claim(
    tx: AsyncConnection, account_id: int, *, now: datetime, holder: str, lease_s: float, due_only: bool = False
) -> int | None:
    """Take the lease if nobody holds it: the new epoch, or None where somebody does or the account is gone.

    `due_only` also demands that something is still to be done for it, which another walker may have done since it was
    found due. Times are the database's on PostgreSQL and `now` on SQLite; when it is due is by `now` on both.
    """
    free = accounts.c.lease_until.is_(None) | (accounts.c.lease_until < clock(now, tx))
    wanted = [accounts.c.id == account_id, free]
    if due_only:
        wanted.append(is_due(now))
    statement = (
        update(accounts)
        .where(*wanted)
        .values(lease_epoch=accounts.c.lease_epoch + 1, lease_until=clock_after(now, lease_s, tx), lease_holder=holder)
        .returning(accounts.c.lease_epoch)
    )
    epoch: int | None = (await tx.execute(statement)).scalar_one_or_none()
    return epoch


async def renew(tx: AsyncConnection, account_id: int, epoch: int, *, now: datetime, lease_s: float) -> bool:
    """Hold the lease for so many seconds more; False where it was lost or released, and nothing changed."""
    renewed = update(accounts).where(_is_ours(account_id, epoch)).values(lease_until=clock_after(now, lease_s, tx))
    return (await tx.execute(renewed)).rowcount == 1


async def release(tx: AsyncConnection, account_id: int, epoch: int) -> None:
    """Give the lease back; nothing where it was lost. The walker's epoch is worth nothing afterwards."""
    given_back = update(accounts).where(_is_ours(account_id, epoch)).values(lease_until=None, lease_holder=None)
    await tx.execute(given_back)


async def bump(tx: AsyncConnection, account_id: int) -> None:
    """End whatever walker there is: it loses the lease now and writes nothing more."""
    ended = update(accounts).where(accounts.c.id == account_id)
    await tx.execute(ended.values(lease_epoch=accounts.c.lease_epoch + 1, lease_until=None, lease_holder=None))


async def fence(tx: AsyncConnection, account_id: int, epoch: int, *, now: datetime) -> bool:  # noqa: ARG001
    """Whether the lease is still this epoch's, and hold it so until the transaction ends.

    A lease that ran out without anybody taking it is still ours. On SQLite the write transaction is the lock.
    """
    statement = select(accounts.c.id).where(_is_ours(account_id, epoch)).with_for_update()
    return (await tx.execute(statement)).one_or_none() is not None


async def fenced_account(tx: AsyncConnection, account_id: int, epoch: int) -> StoredAccount | None:
    """As `fence`, and the account's row with it; None where the lease was lost."""
    statement = select(accounts).where(_is_ours(account_id, epoch)).with_for_update()
    return read_row_or_none(StoredAccount, (await tx.execute(statement)).one_or_none())


async def fenced_update(tx: AsyncConnection, account_id: int, epoch: int, columns: dict[str, Any]) -> bool:
    """As `fence`, and the account's columns are set with it."""
    changed = update(accounts).where(_is_ours(account_id, epoch)).values(columns)
    return (await tx.execute(changed)).rowcount == 1


def _is_ours(account_id: int, epoch: int) -> ColumnElement[bool]:
    """The epoch is unchanged and the lease was not given back."""
    owned = (accounts.c.id == account_id) & (accounts.c.lease_epoch == epoch)
    return owned & accounts.c.lease_until.is_not(None)
