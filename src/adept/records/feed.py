"""The feed of changes for other systems, and the history of one serial number."""

from __future__ import annotations

from dataclasses import dataclass

from adept.errors import CursorExpired
from adept.protocol.device import fold_serial
from adept.records.lists import read_cursor
from adept.store.accounts import account_named
from adept.store.changes import StoredChange, changes_after, changes_before, kept_changes
from adept.store.database import Store


@dataclass(frozen=True)
class FeedPage:
    """Changes, oldest first, and where to go on: given also where there are none yet."""

    items: list[StoredChange]
    next_cursor: str


async def feed_page(
    store: Store, *, account: str | None = None, serial: str | None = None, cursor: str | None = None, limit: int
) -> FeedPage:
    """The changes after the cursor (None: from the oldest kept), of one account or serial number where named.

    Nobody who goes on with `next_cursor` misses one. CursorExpired where what follows the cursor is kept no longer, or
    the feed is not the one that the cursor is of; NotFound for an unknown account.
    """
    after = read_cursor(cursor)
    async with store.reading() as tx:
        account_id = (await account_named(tx, account)).id if account is not None else None
        oldest, newest = await kept_changes(tx)
        if after is not None and not oldest <= after <= newest:
            raise _expired(after, oldest, newest)
        folded = fold_serial(serial) if serial is not None else None
        rows = await changes_after(tx, after or 0, account_id=account_id, serial=folded, limit=limit)
    return FeedPage(rows, str(rows[-1].id if len(rows) == limit else newest))


def _expired(after: int, oldest: int, newest: int) -> CursorExpired:
    if after > newest:
        message = f"the feed ends at {newest}, before the cursor {after}: this is another database, or an older copy"
    else:
        message = f"the feed begins at {oldest}, behind the cursor {after}: what lies between is kept no longer"
    return CursorExpired(message, way_out="begin anew without a cursor, and compare with all devices")


async def history(
    store: Store, serial: str, *, cursor: str | None = None, limit: int
) -> tuple[list[StoredChange], str | None]:
    """The changes of a serial number in all accounts, the newest first, and where the list goes on."""
    async with store.reading() as tx:
        rows = await changes_before(tx, read_cursor(cursor), serial=fold_serial(serial), limit=limit + 1)
    return rows[:limit], str(rows[limit - 1].id) if len(rows) > limit else None
