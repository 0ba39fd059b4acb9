"""Holds: deletions that wait for a person, because too many devices would go at once.

A hold keeps the serial numbers that a full fetch did not show and that Apple did not know when asked. Serial numbers
that Apple shows again leave the hold; a newer full fetch replaces it; confirming deletes those still in it, discarding
deletes none. Deciding ends a walk in progress, which notices at its next write.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from adept.errors import Conflict, NotFound
from adept.store import devices as device_rows
from adept.store import holds, leases
from adept.store.accounts import StoredAccount, lock_account, update_account
from adept.store.audit import Actor, add_audit
from adept.store.database import Store, Transaction
from adept.store.holds import StoredHold, serials_held
from adept.sync.changes import Kind, Reason
from adept.sync.lease import Lease
from adept.sync.pages import Change, announce

HOLD_ABOVE_DEVICES = 10
HOLD_ABOVE_SHARE = 0.2
BATCH = 1000


def must_hold(*, missing: int, live: int) -> bool:
    """True if deleting `missing` of `live` devices is for a person to decide: more than 10 and more than 20 %."""
    return missing > HOLD_ABOVE_DEVICES and missing > HOLD_ABOVE_SHARE * live


async def bury(
    tx: Transaction,
    lease: Lease,
    serials: Sequence[str],
    *,
    reason: Reason,
    pass_id: int | None,
    now: datetime,
) -> list[Change]:
    """Make tombstones of those of the devices that are live, settle their doubts; returns the changes, announced."""
    known = await device_rows.known(tx, lease.account_id, list(serials))
    live = [row for row in known.values() if row.deleted_reason is None]
    settled = [_listing_columns(row) for row in known.values() if row.deleted_reason is not None and row.in_doubt]
    deletion = {"deleted_at": now, "deleted_reason": reason.value, "changed_at": now}
    await device_rows.set_tombstones(tx, lease.account_id, [_listing_columns(row) | deletion for row in live])
    await device_rows.touch(tx, lease.account_id, settled)
    changes = [Change(row.serial_number, Kind.DELETED, reason, row.document, None, None, None) for row in live]
    await announce(tx, lease, changes, pass_id=pass_id, now=now)
    return changes


def _listing_columns(row: device_rows.KnownDevice) -> dict[str, object]:
    return {"serial_number": row.serial_number, "op_type": row.op_type, "op_date": row.op_date, "in_doubt": False}


async def shown_again(tx: Transaction, hold: StoredHold, serials: Sequence[str]) -> None:
    """Take out of an open hold what Apple has shown."""
    held = (await holds.open_hold(tx, hold.account_id)) or hold
    shown = set(serials)
    before = serials_held(held)
    left = [serial for serial in before if serial not in shown]
    if len(left) != len(before):
        await holds.set_hold_serials(tx, hold.id, left)


async def confirm(store: Store, account: StoredAccount, hold_id: int, *, by: Actor, now: datetime) -> int:
    """Delete the devices still in the hold, all or none; returns how many. Repeated, it returns the same.

    Raises NotFound for a hold that the account doesn't have, Conflict for one that ended otherwise.
    """
    async with store.writing() as tx:
        hold = await _undecided(tx, account, hold_id, wanted="confirmed", now=now)
        if hold.state == "confirmed":
            return hold.deleted or 0
        lease = Lease(account.id, account.name, account.lease_epoch)
        serials = serials_held(hold)
        deleted = 0
        for start in range(0, len(serials), BATCH):
            batch = serials[start : start + BATCH]
            gone = await bury(tx, lease, batch, reason=Reason.MISSING, pass_id=hold.pass_id, now=now)
            deleted += len(gone)
        await holds.decide_hold(tx, hold.id, "confirmed", now, deleted=deleted)
        before = {"hold": hold.id, "devices": len(serials)}
        await add_audit(
            tx, by, "account.hold_confirmed", account.name, now=now, before=before, after={"deleted": deleted}
        )
    return deleted


async def discard(store: Store, account: StoredAccount, hold_id: int, *, by: Actor, now: datetime) -> None:
    """Keep the devices of the hold. The next full fetch asks about them again. Raises as `confirm`."""
    async with store.writing() as tx:
        hold = await _undecided(tx, account, hold_id, wanted="discarded", now=now)
        if hold.state == "discarded":
            return
        await holds.decide_hold(tx, hold.id, "discarded", now)
        before = {"hold": hold.id, "devices": len(serials_held(hold))}
        await add_audit(tx, by, "account.hold_discarded", account.name, now=now, before=before)


async def _undecided(
    tx: Transaction, account: StoredAccount, hold_id: int, *, wanted: str, now: datetime
) -> StoredHold:
    """The hold, if it is open or was decided as wanted already.

    Where it is open, the walk in progress ends, and the account is due: its next pass finds its health anew.
    """
    await lock_account(tx, account.id)
    hold = await holds.hold_by_id(tx, account.id, hold_id)
    if hold is None:
        raise NotFound(f"account {account.name!r} has no hold {hold_id}", way_out="see adept accounts holds")
    if hold.state not in ("open", wanted):
        raise Conflict(
            f"hold {hold_id} of account {account.name!r} is {hold.state} already and can't be {wanted}",
            way_out="see adept accounts holds",
        )
    if hold.state == "open":
        await leases.bump(tx, account.id)
        await update_account(tx, account.id, next_sync_at=min(now, account.next_sync_at))
    return hold
