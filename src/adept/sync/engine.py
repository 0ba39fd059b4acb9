"""Runs a pass: one walk over an account until Apple has no more.

Each page is stored in one transaction: devices, their changes, outbox rows, the cursor and the pass's totals, or none
of it. Whatever ends a pass (an error, a kill, a lost lease), the next one goes on from the last committed page: a page
may be asked for twice, none is left out.

What is walked, in order: the rest of a fetch that was cut short, or a sync; then, if a full fetch is due, that fetch,
its reconciliation, and the sync that follows it; last, what is in doubt is asked for.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import asdict, replace
from datetime import datetime

from adept.client.async_client import AsyncClient
from adept.errors import AdeptError, Malformed, Refused, Unreachable
from adept.store import holds, passes
from adept.store.accounts import StoredAccount, update_account
from adept.store.audit import Actor, add_audit
from adept.store.database import Store, Transaction
from adept.store.unsettled import unsettled_of
from adept.sync import cursor as rules
from adept.sync.cursor import NEW_FETCH, Phase, Position, Step, Turn
from adept.sync.lease import Lease, LeaseLost
from adept.sync.listing import Listing
from adept.sync.outcome import PageLimits, PassKind, PassOutcome, PassState, Progress, retry_after_s
from adept.sync.questions import Questions, RenewedClient
from adept.sync.reconcile import settle_doubts
from adept.sync.walk import Walk

log = logging.getLogger("adept.sync")

MAX_PAGES = 100_000  # a pass asks for no more; the next one goes on from there

Conclude = Callable[[Transaction, StoredAccount, PassOutcome], Awaitable[None]]


async def walk_account(
    store: Store,
    lease: Lease,
    client: AsyncClient,
    *,
    kind: PassKind,
    now: Callable[[], datetime],
    conclude: Conclude,
    limits: PageLimits,
    by: Actor | None = None,
    renewed_client: RenewedClient | None = None,
    on_progress: Callable[[Progress], None] | None = None,
    max_pages: int = MAX_PAGES,
) -> PassOutcome:
    """Walk the account under `lease`, which the caller holds and renews.

    A pass that was asked for and waits is the one that is walked, a full one if that is what was asked for. `by` is
    who asks for this one; it is audited.
    `conclude` writes what the caller makes of the outcome (health, when next) to the account's row, in the transaction
    that closes the pass's; it is not called for a pass that is lost or interrupted. `renewed_client` is asked once when
    Apple refuses the server token in mid-pass: a client with the token that meanwhile took its place, or None. An error
    of Apple's or of the way there ends the pass and is in the outcome; what was committed stays. Raises LeaseLost where
    there is no pass yet, StoreError (the pass's row is closed by the next pass), and whatever is a bug.
    """
    walk, account = await _begin(store, lease, kind=kind, by=by, now=now)
    questions = Questions(client, limits=limits, renewed_client=renewed_client)
    listing = Listing(walk, questions, fetch_id=account.fetch_id, on_progress=on_progress, max_pages=max_pages)
    try:
        try:
            await _walk_all(walk, account, listing, questions)
        except (Refused, Malformed, Unreachable) as error:
            state = PassState.FAILED if retry_after_s(error) is None else PassState.THROTTLED
            return await _end(walk, questions, state, error, conclude)
        return await _end(walk, questions, PassState.DONE, None, conclude)
    except LeaseLost:
        log.warning("pass lost", extra={"account": lease.account_name, "pass": walk.pass_id})
        return walk.outcome(PassState.LOST, None)
    except asyncio.CancelledError:
        interrupted = AdeptError("interrupted before the end", way_out="the next pass goes on from here")
        with suppress(LeaseLost):
            await asyncio.shield(_end(walk, questions, PassState.FAILED, interrupted, None))
        raise


async def _begin(
    store: Store, lease: Lease, *, kind: PassKind, by: Actor | None, now: Callable[[], datetime]
) -> tuple[Walk, StoredAccount]:
    async with store.writing() as tx:
        account = await lease.account(tx)
        unsettled = await unsettled_of(tx, lease.account_id)
        if unsettled.running_pass:
            await passes.lose_running(tx, lease.account_id, lease.epoch, now())
        started = await passes.start_pass(
            tx,
            lease.account_id,
            kind=kind.value,
            lease_epoch=lease.epoch,
            requested_by=by.name if by is not None else None,
            one_waits=unsettled.queued_pass,
            now=now(),
        )
        kind = PassKind(started.kind)
        if kind is PassKind.FULL:
            account = replace(account, full_requested=True)
            await update_account(tx, lease.account_id, full_requested=True)
        if by is not None:
            asked = {"kind": kind.value, "pass": started.id}
            await add_audit(tx, by, "account.pass_requested", lease.account_name, now=now(), after=asked)
        walk = Walk(
            store=store,
            lease=lease,
            pass_id=started.id,
            kind=kind,
            now=now,
            hold=await holds.open_hold(tx, lease.account_id) if unsettled.hold else None,
            has_malformed=unsettled.malformed,
            has_doubts=unsettled.doubt,
        )
        return walk, account


async def _walk_all(walk: Walk, account: StoredAccount, listing: Listing, questions: Questions) -> None:
    position = Position(Phase(account.phase), account.cursor, account.cursor_at)
    if not position.is_fetch:
        await listing.reconcile()  # a fetch whose end was cut short
    full_is_due = walk.kind is PassKind.FULL or account.full_requested
    last = await listing.follow(rules.start(position, now=walk.now()))
    if full_is_due and not listing.fetched and last.turn is Turn.DONE:
        await listing.follow(Step(Turn.RESTART, NEW_FETCH))
    if walk.has_doubts:
        await settle_doubts(walk, questions.details)


async def _end(
    walk: Walk, questions: Questions, state: PassState, error: AdeptError | None, conclude: Conclude | None
) -> PassOutcome:
    """Close the pass's row, and conclude. Raises LeaseLost, having written nothing."""
    async with walk.store.writing() as tx:
        account = await walk.lease.account(tx)
        await _count_strike(tx, walk, account)
        await walk.write_totals(
            tx,
            state=state.value,
            ended_at=walk.now(),
            requests=questions.requests,
            waited_s=questions.waited_s,
            error_code=error.code if error else None,
            error=str(error) if error else None,
        )
        outcome = walk.outcome(state, error)
        if conclude is not None:
            await conclude(tx, account, outcome)
    told = {"pass": walk.pass_id, "kind": outcome.kind.value, "state": state.value, **asdict(outcome.totals)}
    log.info("pass ended", extra={"account": account.name, **told, "error_code": error.code if error else None})
    return outcome


async def _count_strike(tx: Transaction, walk: Walk, account: StoredAccount) -> None:
    """Passes that end in a circle, in a row; after too many the cursor is forgotten."""
    if not walk.strike:
        if account.strikes:
            await update_account(tx, account.id, strikes=0)
    elif account.strikes + 1 < rules.STRIKES_LIMIT:
        await update_account(tx, account.id, strikes=account.strikes + 1)
    else:
        walk.note(f"{rules.STRIKES_LIMIT} passes in circles: the cursor is forgotten, the next pass fetches")
        nowhere = {"phase": Phase.FETCH.value, "cursor": None, "cursor_at": None, "fetch_id": None}
        await update_account(tx, account.id, **nowhere, strikes=0)
