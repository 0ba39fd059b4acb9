"""Removing what an account holds: tombstones for its devices, or the account itself, whole or a batch at a time.

Set-based: a million devices cost no memory here. Followers are told each deletion.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ColumnElement, delete, func, insert, literal, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from adept.errors import NotFound
from adept.store.accounts import StoredAccount, account_by_id, count_live, delete_account, lock_account, update_account
from adept.store.changes import draw_numbers
from adept.store.device_values import forget_values
from adept.store.outbox import add_outbox
from adept.store.tables import changes, devices

BATCH = 2000  # devices; some 80 ms of SQLite's one writer
_MESSAGE_SIZE = 1000  # changes a message of the outbox tells at most


async def tombstone_all(tx: AsyncConnection, account: StoredAccount, *, reason: str, now: datetime) -> int:
    """Delete every live device of the account, for one reason, and return how many those were.

    One `deleted` change each, numbered in the order of the serial numbers, and a message for each thousand of them.
    A walker that is at it finishes its page first, and must be ended (`leases.bump`) not to bring devices back.
    """
    await lock_account(tx, account.id)
    live = (devices.c.account_id == account.id) & devices.c.deleted_at.is_(None)
    count = await _tell_deletions(tx, account, live, account_id=account.id, reason=reason, now=now)
    gone = {"deleted_at": now, "deleted_reason": reason, "changed_at": now, "in_doubt": False}
    await tx.execute(update(devices).where(live).values(gone))
    await update_account(tx, account.id, live_devices=0)
    return count


async def remove_account(tx: AsyncConnection, account_id: int, now: datetime) -> int:
    """Remove an account with its tokens, devices, passes and holds; how many live devices it had.

    Its keypairs are retired and kept, its changes and messages keep its name; each live device is told as `deleted`,
    for the reason `account_removed`. Whoever walks it loses the lease with the row. Misuse where it is gone already.
    """
    await lock_account(tx, account_id)
    account = await account_by_id(tx, account_id)
    if account is None:
        raise NotFound(f"the account with the id {account_id} was removed meanwhile")
    live = (devices.c.account_id == account_id) & devices.c.deleted_at.is_(None)
    count = await _tell_deletions(tx, account, live, account_id=None, reason="account_removed", now=now)
    await delete_account(tx, account_id, now)
    return count


async def is_batch_left(tx: AsyncConnection, account_id: int) -> bool:
    """Whether the account has more devices, tombstones too, than are removed at a time."""
    beyond = select(devices.c.id).where(devices.c.account_id == account_id).order_by(devices.c.id)
    return (await tx.execute(beyond.offset(BATCH).limit(1))).one_or_none() is not None


async def remove_batch(tx: AsyncConnection, account: StoredAccount, now: datetime) -> int:
    """Remove a batch of the account's devices, the live ones first, by serial number; how many live ones it was.

    They are told as in `remove_account`, which is for what is left in the end.
    """
    await lock_account(tx, account.id)
    live = (devices.c.account_id == account.id) & devices.c.deleted_at.is_(None)
    serials = select(devices.c.serial_number).where(live).order_by(devices.c.serial_number)
    last = (await tx.execute(serials.offset(BATCH - 1).limit(1))).scalar_one_or_none()
    batch = live if last is None else live & (devices.c.serial_number <= last)
    count = await _tell_deletions(tx, account, batch, account_id=None, reason="account_removed", now=now)
    if count == 0:  # tombstones are all that is left
        ids = select(devices.c.id).where(devices.c.account_id == account.id).order_by(devices.c.id).limit(BATCH)
        batch = devices.c.id.in_(ids)
    await forget_values(tx, batch)
    await tx.execute(delete(devices).where(batch))
    await count_live(tx, account.id, -count)
    return count


async def _tell_deletions(
    tx: AsyncConnection,
    account: StoredAccount,
    which: ColumnElement[bool],
    *,
    account_id: int | None,
    reason: str,
    now: datetime,
) -> int:
    """Write a `deleted` change for these live devices, by INSERT … SELECT, and the outbox's messages; how many.

    `account_id` is None where the account is going: what refers to it would only have to be changed again.
    """
    count = int((await tx.execute(select(func.count()).select_from(devices).where(which))).scalar_one())
    if count == 0:
        return 0
    first = await draw_numbers(tx, count)
    told = {
        "id": func.row_number().over(order_by=devices.c.serial_number) + (first - 1),
        "account_id": literal(account_id, changes.c.account_id.type),
        "account_name": literal(account.name),
        "serial_number": devices.c.serial_number,
        "kind": literal("deleted"),
        "reason": literal(reason),
        "before": devices.c.document,
        "found_at": literal(now, changes.c.found_at.type),
    }
    await tx.execute(insert(changes).from_select(list(told), select(*told.values()).where(which)))
    await add_outbox(tx, _messages(account, account_id, first, count, now))
    return count


def _messages(
    account: StoredAccount, account_id: int | None, first: int, count: int, now: datetime
) -> list[dict[str, object]]:
    """The outbox's rows for so many deletions in a row."""
    return [
        {
            "account_id": account_id,
            "account_name": account.name,
            "kind": "deleted",
            "first_change": start,
            "last_change": min(start + _MESSAGE_SIZE, first + count) - 1,
            "created_at": now,
        }
        for start in range(first, first + count, _MESSAGE_SIZE)
    ]
