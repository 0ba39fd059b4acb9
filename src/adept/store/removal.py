"""Removing what an account holds, as a whole: tombstones for its devices, or the account itself.

Set-based: a million devices cost a few statements and no memory here. Followers are told each deletion.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import func, insert, literal, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from adept.errors import NotFound
from adept.store.accounts import StoredAccount, account_by_id, delete_account, lock_account, update_account
from adept.store.changes import draw_numbers
from adept.store.devices import live_count
from adept.store.outbox import add_outbox
from adept.store.tables import changes, devices

_MESSAGE_SIZE = 1000  # changes a message of the outbox tells at most


async def tombstone_all(tx: AsyncConnection, account: StoredAccount, *, reason: str, now: datetime) -> int:
    """Delete every live device of the account, for one reason, and return how many those were.

    One `deleted` change each, numbered in the order of the serial numbers, and a message for each thousand of them.
    A walker that is at it finishes its page first, and must be ended (`leases.bump`) not to bring devices back.
    """
    await lock_account(tx, account.id)
    count = await _tell_deletions(tx, account, account_id=account.id, reason=reason, now=now)
    live = (devices.c.account_id == account.id) & devices.c.deleted_at.is_(None)
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
    count = await _tell_deletions(tx, account, account_id=None, reason="account_removed", now=now)
    await delete_account(tx, account_id, now)
    return count


async def _tell_deletions(
    tx: AsyncConnection, account: StoredAccount, *, account_id: int | None, reason: str, now: datetime
) -> int:
    """Write a `deleted` change for each live device, by INSERT … SELECT, and the outbox's messages; how many.

    `account_id` is None where the account is going: what refers to it would only have to be changed again.
    """
    count = await live_count(tx, account.id)
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
    live = (devices.c.account_id == account.id) & devices.c.deleted_at.is_(None)
    await tx.execute(insert(changes).from_select(list(told), select(*told.values()).where(live)))
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
