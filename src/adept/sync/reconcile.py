"""What a full fetch did not show, and what is in doubt: Apple is asked by POST /devices before anything is deleted.

Apple's silence alone deletes nothing (a truncated fetch would take the fleet along): a device goes only when Apple,
asked for its serial number, answers anything but SUCCESS. What Apple does not answer for stays as it is.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from adept.protocol.details import DeviceDetails
from adept.store import devices as device_rows
from adept.store import holds, seen
from adept.store.accounts import update_account
from adept.store.database import Transaction
from adept.sync.changes import Reason, Source
from adept.sync.holds import BATCH, bury, must_hold
from adept.sync.walk import Walk

UNSEEN_AT_ONCE = 50_000  # each such question compares the whole account with the whole fetch

Ask = Callable[[list[str]], Awaitable[DeviceDetails]]


async def reconcile(walk: Walk, ask: Ask, *, fetch_id: int) -> None:
    """End a full fetch: ask about what it did not show, delete or hold what Apple does not know, forget what was seen.

    May be killed anywhere and called again for the same fetch: what was refreshed is not asked again.
    """
    missing = await _ask_about_unseen(walk, ask, fetch_id=fetch_id)
    async with walk.store.reading() as tx:
        live = await device_rows.live_count(tx, walk.lease.account_id)
    if must_hold(missing=len(missing), live=live):
        async with walk.writing() as tx:
            await _end_fetch(walk, tx)
            hold = await holds.add_hold(
                tx,
                walk.lease.account_id,
                pass_id=walk.pass_id,
                serials=missing,
                live_devices=live,
                now=walk.now(),
            )
            walk.note(f"{len(missing)} of {live} devices would be deleted: held for a person to decide")
            await walk.write_totals(tx)
        walk.hold = hold
        return
    for start in range(0, len(missing), BATCH):
        batch = missing[start : start + BATCH]
        async with walk.writing() as tx:
            gone = await bury(tx, walk.lease, batch, reason=Reason.MISSING, pass_id=walk.pass_id, now=walk.now())
            walk.totals.count(gone)
            await walk.write_totals(tx)
    async with walk.writing() as tx:
        await _end_fetch(walk, tx)
    walk.hold = None


async def _ask_about_unseen(walk: Walk, ask: Ask, *, fetch_id: int) -> list[str]:
    """Refresh the unseen devices that Apple knows; returns the serial numbers of the others, sorted."""
    missing: list[str] = []
    after = ""
    while True:
        async with walk.store.reading() as tx:
            account_id = walk.lease.account_id
            unseen = await device_rows.unseen(tx, account_id, fetch_id, after=after, limit=UNSEEN_AT_ONCE)
        if not unseen:
            return missing
        after = unseen[-1]
        for start in range(0, len(unseen), BATCH):
            missing += await _ask_about(walk, ask, unseen[start : start + BATCH], fetch_id=fetch_id)


async def _ask_about(walk: Walk, ask: Ask, batch: list[str], *, fetch_id: int) -> list[str]:
    """Refresh what Apple knows of at most BATCH devices; returns the serial numbers it does not know."""
    details = await ask(batch)
    shown = [*details.found, *details.malformed]
    if shown:
        unreadable = list(details.malformed.values())
        async with walk.writing() as tx:
            applied = await walk.apply(tx, list(details.found.values()), unreadable, Source.DETAILS)
            await seen.add_seen(tx, walk.lease.account_id, fetch_id, shown)
            await walk.announce(tx, applied.changes, malformed=len(unreadable))
    return [serial for serial in batch if serial in details.absent]


async def _end_fetch(walk: Walk, tx: Transaction) -> None:
    """The fetch is over: what it has seen is forgotten, and an older hold has no say any more."""
    if walk.hold is not None:
        await holds.decide_hold(tx, walk.hold.id, "replaced", walk.now())
    await seen.forget_seen(tx, walk.lease.account_id)
    await update_account(tx, walk.lease.account_id, fetch_id=None, last_fetch_at=walk.now())


async def settle_doubts(walk: Walk, ask: Ask) -> None:
    """Ask Apple about devices of which it said two things at one time; its answer decides."""
    after = ""
    while True:
        async with walk.store.reading() as tx:
            batch = await device_rows.in_doubt(tx, walk.lease.account_id, after=after, limit=BATCH)
        if not batch:
            return
        after = batch[-1]
        details = await ask(batch)
        async with walk.writing() as tx:
            applied = await walk.apply(
                tx, list(details.found.values()), list(details.malformed.values()), Source.DETAILS
            )
            gone = await bury(
                tx,
                walk.lease,
                [serial for serial in batch if serial in details.absent],
                reason=Reason.DELETED,
                pass_id=walk.pass_id,
                now=walk.now(),
            )
            walk.totals.count(gone)
            await walk.announce(tx, applied.changes, malformed=len(details.malformed))
