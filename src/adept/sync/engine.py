"""Runs a pass: one walk over an account until Apple has no more.

Each page is stored in one transaction: devices, their changes, outbox rows, the cursor and the pass's totals, or none
of it. While a page is stored the next one is already being asked for; pages are committed in order. Whatever ends a
pass (an error, a kill, a lost lease), the next one goes on from the last committed page: a page may be asked for
twice, none is left out.

What is walked, in order: the rest of a fetch that was cut short, or a sync; then, if a full fetch is due, that fetch,
its reconciliation, and the sync that follows it; last, what is in doubt is asked for.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from hashlib import blake2b
from typing import Any, TypeVar

from adept.client.async_client import AsyncClient
from adept.errors import AdeptError, Malformed, Refused, TokenRejected, Unreachable
from adept.protocol.details import DeviceDetails
from adept.protocol.pages import MAXIMUM_LIMIT, DevicePage
from adept.store import devices as device_rows
from adept.store import holds as hold_rows
from adept.store import malformed, passes, seen
from adept.store.accounts import StoredAccount, account_by_id, update_account
from adept.store.database import Store, Transaction
from adept.sync import cursor as rules
from adept.sync.changes import Source
from adept.sync.cursor import NEW_FETCH, Phase, Position, Step, Turn
from adept.sync.lease import Lease, LeaseLost
from adept.sync.reconcile import reconcile, settle_doubts
from adept.sync.walk import Totals, Walk

log = logging.getLogger("adept.sync")

WAIT_BUDGET_S = 60.0  # a pass waits in place no longer, in all
MAX_PAGES = 100_000  # a pass asks for no more; the next one goes on from there

T = TypeVar("T")
RenewedClient = Callable[[], Awaitable[AsyncClient | None]]
Conclude = Callable[[Transaction, "PassOutcome"], Awaitable[None]]


class PassKind(StrEnum):
    """What was walked: changes only, or (also) everything."""

    SYNC = "sync"
    FULL = "full"


class PassState(StrEnum):
    """How a pass stands. `lost`: another walker, or a person's decision, took the account away from it."""

    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    THROTTLED = "throttled"
    LOST = "lost"


@dataclass(frozen=True, slots=True)
class PageLimits:
    """Devices per page, from `GET /account`."""

    fetch: int = MAXIMUM_LIMIT
    sync: int = MAXIMUM_LIMIT


@dataclass(frozen=True, slots=True)
class Progress:
    """Where a pass is, after a page was committed. `devices`: entries read so far, repeats included."""

    phase: Phase
    pages: int
    devices: int
    changes: int


@dataclass(frozen=True, slots=True)
class PassOutcome:
    """How a pass ended, and what it committed. `error` says why it is not `done`; None for `lost`."""

    pass_id: int
    kind: PassKind
    state: PassState
    totals: Totals
    notes: tuple[str, ...]
    error: AdeptError | None = None


async def walk_account(
    store: Store,
    lease: Lease,
    client: AsyncClient,
    *,
    kind: PassKind,
    now: Callable[[], datetime],
    conclude: Conclude,
    limits: PageLimits = PageLimits(),
    renewed_client: RenewedClient | None = None,
    on_progress: Callable[[Progress], None] | None = None,
    max_pages: int = MAX_PAGES,
) -> PassOutcome:
    """Walk the account under `lease`, which the caller holds and renews.

    `conclude` writes what the caller makes of the outcome (health, when next), in the transaction that closes the
    pass's row; it is not called for a pass that is lost or interrupted. `renewed_client` is asked once when Apple
    refuses the server token in mid-pass: a client with the token that meanwhile took its place, or None. An error of
    Apple's or of the way there ends the pass and is in the outcome; what was committed stays. Raises StoreError (the
    pass's row is closed by the next pass), and whatever is a bug.
    """
    walk, account = await _begin(store, lease, kind=kind, now=now)
    run = _Run(walk, client, kind, limits, renewed_client, on_progress, max_pages)
    try:
        await run.to_the_end(account)
        return await run.ended(PassState.DONE, None, conclude)
    except LeaseLost:
        log.warning("pass lost", extra={"account": lease.account_name, "pass": walk.pass_id})
        return run.outcome(PassState.LOST, None)
    except (Refused, Malformed, Unreachable) as error:
        state = PassState.THROTTLED if retry_after_s(error) is not None else PassState.FAILED
        try:
            return await run.ended(state, error, conclude)
        except LeaseLost:
            return run.outcome(PassState.LOST, None)
    except asyncio.CancelledError:
        with suppress(LeaseLost):
            interrupted = AdeptError("interrupted before the end", way_out="the next pass goes on from here")
            await asyncio.shield(run.ended(PassState.FAILED, interrupted, None))
        raise


def retry_after_s(error: AdeptError | None) -> float | None:
    """How long Apple asked us to wait; None if it did not ask."""
    return error.retry_after_s if isinstance(error, Refused | Unreachable) else None


async def _begin(
    store: Store, lease: Lease, *, kind: PassKind, now: Callable[[], datetime]
) -> tuple[Walk, StoredAccount]:
    async with store.writing() as tx:
        await lease.check(tx, now=now())
        await passes.lose_running(tx, lease.account_id, lease.epoch, now())
        if kind is PassKind.FULL:
            await update_account(tx, lease.account_id, full_requested=True)
        started = await passes.start_pass(tx, lease.account_id, kind=kind.value, lease_epoch=lease.epoch, now=now())
        account = await account_by_id(tx, lease.account_id)
        assert account is not None, "the lease was checked"
        walk = Walk(
            store=store,
            lease=lease,
            pass_id=started.id,
            now=now,
            hold=await hold_rows.open_hold(tx, lease.account_id),
            has_malformed=bool(await malformed.malformed_of(tx, lease.account_id, limit=1)),
            has_doubts=bool(await device_rows.in_doubt(tx, lease.account_id, after="", limit=1)),
        )
        return walk, account


class _Run:
    """One pass: asks, stores, decides by `cursor` where to go."""

    def __init__(
        self,
        walk: Walk,
        client: AsyncClient,
        kind: PassKind,
        limits: PageLimits,
        renewed_client: RenewedClient | None,
        on_progress: Callable[[Progress], None] | None,
        max_pages: int,
    ) -> None:
        self.walk = walk
        self.client = client
        self.kind = kind
        self.limits = limits
        self.renewed_client = renewed_client
        self.on_progress = on_progress
        self.max_pages = max_pages
        self.restarted = False  # for a refused cursor; a pass does it once
        self.fetched = False  # this pass walks, or has walked, a fetch to its end
        self.strike = False
        self.fetch_id: int | None = None
        self.sent_cursors: set[int] = set()
        self.page_digests: set[bytes] = set()
        self.barren_pages = 0
        self.requests_before = client.requests
        self.waited_before_s = client.waited_s

    async def to_the_end(self, account: StoredAccount) -> None:
        self.fetch_id = account.fetch_id
        position = Position(Phase(account.phase), account.cursor, account.cursor_at)
        if self.fetch_id is not None and not position.is_fetch:
            await self._reconcile()
        full_is_due = self.kind is PassKind.FULL or account.full_requested
        end = await self._walk_from(rules.start(position, now=self.walk.now()))
        if full_is_due and not self.fetched and end.turn is Turn.DONE:
            await self._walk_from(Step(Turn.RESTART, NEW_FETCH))
        if self.walk.has_doubts:
            await settle_doubts(self.walk, self._ask_details)

    async def _walk_from(self, step: Step) -> Step:
        """Follow the steps until Apple has no more; returns the last one."""
        if step.turn is Turn.ASK and step.position.is_fetch:
            self.fetched, self.kind = True, PassKind.FULL
            if step.position.cursor is None or self.fetch_id is None:
                step = replace(step, turn=Turn.RESTART)
        prefetched: asyncio.Task[DevicePage | Refused] | None = None
        try:
            while True:
                match step.turn:
                    case Turn.RESTART:
                        await self._begin_fetch(step)
                    case Turn.FETCHED:
                        await self._reconcile()
                        if step.position.cursor is None:
                            return step
                    case Turn.DONE:
                        return step
                    case Turn.STRIKE:
                        raise _in_circles(self.walk.lease.account_name, step)
                    case Turn.ASK:
                        pass
                asked = step.position
                answer = await (prefetched or asyncio.ensure_future(self._ask_page(asked)))
                prefetched = None
                if isinstance(answer, Refused):
                    step = await self._after_refusal(asked, answer)
                    continue
                step = self._after_page(asked, answer)
                if step.turn is Turn.ASK:
                    prefetched = asyncio.ensure_future(self._ask_page(step.position))
                await _finished(self._store_page(asked, answer, step))
        finally:
            if prefetched is not None:
                prefetched.cancel()
                with suppress(asyncio.CancelledError, AdeptError):
                    await prefetched

    async def _ask_page(self, position: Position) -> DevicePage | Refused:
        """A page, or Apple's refusal of the cursor; every other error is raised."""
        if position.cursor is not None:
            self.sent_cursors.add(hash((position.phase, position.cursor)))
        try:
            if position.is_fetch:
                return await self._ask(lambda client: client.fetch_devices(position.cursor, limit=self.limits.fetch))
            cursor = position.cursor or ""
            return await self._ask(lambda client: client.sync_devices(cursor, limit=self.limits.sync))
        except Refused as refusal:
            if refusal.code.endswith("_CURSOR"):
                return refusal
            raise

    async def _ask_details(self, serials: list[str]) -> DeviceDetails:
        return await self._ask(lambda client: client.device_details(serials))

    async def _ask(self, question: Callable[[AsyncClient], Awaitable[T]]) -> T:
        """Ask within what is left of the pass's waiting time; a token that was renewed meanwhile is tried once."""
        waited_s = self.client.waited_s - self.waited_before_s
        self.client.wait_budget_s = max(0.0, WAIT_BUDGET_S - waited_s)
        try:
            return await question(self.client)
        except TokenRejected:
            renewed = await self.renewed_client() if self.renewed_client is not None else None
            if renewed is None:
                raise
            self.client, self.renewed_client = renewed, None
            return await question(self.client)

    def _after_page(self, asked: Position, page: DevicePage) -> Step:
        self.barren_pages = self.barren_pages + 1 if self._is_barren(page) else 0
        step = rules.after_page(
            asked,
            cursor=page.cursor,
            more_to_follow=page.more_to_follow,
            now=self.walk.now(),
            repeated=hash((asked.phase, page.cursor)) in self.sent_cursors,
            barren_pages=self.barren_pages,
        )
        if step.turn is Turn.ASK and self.walk.totals.pages + 1 >= self.max_pages:
            return Step(Turn.STRIKE, step.position, f"no end after {self.max_pages} pages")
        return step

    def _is_barren(self, page: DevicePage) -> bool:
        """Nothing in it, or exactly what an earlier page of this pass had."""
        if not page.devices and not page.malformed:
            return True
        digest = blake2b(digest_size=12)
        for document in [*(entry.document for entry in page.devices), *(entry.document for entry in page.malformed)]:
            digest.update(document)
        repeats = digest.digest() in self.page_digests
        self.page_digests.add(digest.digest())
        return repeats

    async def _store_page(self, asked: Position, page: DevicePage, step: Step) -> None:
        source = Source.FETCH if asked.is_fetch else Source.SYNC
        if step.note is not None:
            self.walk.notes.append(step.note)
        async with self.walk.writing() as tx:
            applied = await self.walk.apply(tx, page.devices, page.malformed, source)
            if asked.is_fetch and self.fetch_id is not None:
                unreadable = [entry.serial_number for entry in page.malformed if entry.serial_number]
                await seen.add_seen(tx, self.walk.lease.account_id, self.fetch_id, [*applied.live, *unreadable])
            await self._store_position(tx, step)
            self.strike = step.turn is Turn.STRIKE
            counted = {"pages": 1, "devices": len(page.devices), "malformed": len(page.malformed)}
            await self.walk.announce(tx, applied.changes, **counted)
        self._tell(asked.phase)

    def _tell(self, phase: Phase) -> None:
        totals = self.walk.totals
        if self.on_progress is not None:
            changes = totals.added + totals.modified + totals.deleted
            self.on_progress(Progress(phase, totals.pages, totals.devices, changes))

    async def _store_position(self, tx: Transaction, step: Step) -> None:
        position = step.position
        columns = {"phase": position.phase.value, "cursor": position.cursor, "cursor_at": position.cursor_at}
        await update_account(tx, self.walk.lease.account_id, **columns)

    async def _after_refusal(self, asked: Position, refusal: Refused) -> Step:
        step = rules.after_refusal(asked, refusal.code, restarted=self.restarted)
        if step is None:
            raise refusal
        if step.turn is Turn.RESTART:
            self.restarted = True
        else:
            if step.note is not None:
                self.walk.notes.append(step.note)
            async with self.walk.writing() as tx:
                await self._store_position(tx, step)
                await self.walk.write_totals(tx)
        return step

    async def _begin_fetch(self, step: Step) -> None:
        """From here on everything is fetched anew; what an earlier, unfinished fetch has seen counts no more."""
        self.fetched, self.kind = True, PassKind.FULL
        self.barren_pages = 0
        self.fetch_id = self.walk.pass_id
        self.sent_cursors.clear()
        self.page_digests.clear()
        if step.note is not None:
            self.walk.notes.append(step.note)
        async with self.walk.writing() as tx:
            account_id = self.walk.lease.account_id
            await seen.forget_seen(tx, account_id)
            await self._store_position(tx, step)
            await update_account(tx, account_id, fetch_id=self.fetch_id, full_requested=False)
            await self.walk.write_totals(tx, kind=self.kind.value)

    async def _reconcile(self) -> None:
        assert self.fetch_id is not None
        await reconcile(self.walk, self._ask_details, fetch_id=self.fetch_id)
        self.fetch_id = None

    async def ended(self, state: PassState, error: AdeptError | None, conclude: Conclude | None) -> PassOutcome:
        """Close the pass's row, and conclude. Raises LeaseLost, having written nothing."""
        async with self.walk.writing() as tx:
            account = await account_by_id(tx, self.walk.lease.account_id)
            assert account is not None, "the lease was checked"
            strikes = account.strikes + 1 if self.strike else 0
            if strikes >= rules.STRIKES_LIMIT:
                self.walk.notes.append(f"{strikes} passes in circles: the cursor is forgotten, the next pass fetches")
                await update_account(
                    tx, account.id, phase=Phase.FETCH.value, cursor=None, cursor_at=None, fetch_id=None, strikes=0
                )
            elif self.strike or state is PassState.DONE:
                await update_account(tx, account.id, strikes=strikes)
            if state is PassState.DONE:
                await update_account(tx, account.id, last_pass_at=self.walk.now())
            await self.walk.write_totals(
                tx,
                kind=self.kind.value,
                state=state.value,
                ended_at=self.walk.now(),
                requests=self.client.requests - self.requests_before,
                waited_s=self.client.waited_s - self.waited_before_s,
                error_code=error.code if error else None,
                error=str(error) if error else None,
            )
            outcome = self.outcome(state, error)
            if conclude is not None:
                await conclude(tx, outcome)
        log.info("pass ended", extra={"account": self.walk.lease.account_name, **_logged(outcome)})
        return outcome

    def outcome(self, state: PassState, error: AdeptError | None) -> PassOutcome:
        return PassOutcome(self.walk.pass_id, self.kind, state, self.walk.totals, tuple(self.walk.notes), error)


async def _finished(storing: Coroutine[Any, Any, None]) -> None:
    """Store a page to its end, also when the pass is interrupted meanwhile."""
    task = asyncio.ensure_future(storing)
    try:
        await asyncio.shield(task)
    except asyncio.CancelledError:
        await task
        raise


def _logged(outcome: PassOutcome) -> dict[str, object]:
    totals = outcome.totals
    return {
        "pass": outcome.pass_id,
        "kind": outcome.kind.value,
        "state": outcome.state.value,
        "pages": totals.pages,
        "devices": totals.devices,
        "added": totals.added,
        "modified": totals.modified,
        "deleted": totals.deleted,
        "error_code": outcome.error.code if outcome.error else None,
    }


def _in_circles(account: str, step: Step) -> Malformed:
    return Malformed(
        f"syncing account {account!r}: {step.note}",
        endpoint="POST /server/devices" if step.position.is_fetch else "POST /devices/sync",
        field="$.more_to_follow",
        found="true",
        way_out="what was read so far is kept; the next pass goes on, and after three such passes fetches anew",
    )
