"""Follows Apple's two listings: asks for a page, stores it, goes where `cursor` says, until Apple has no more.

While a page is stored the next one is already being asked for; pages are committed in order, each with the cursor that
comes after it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from contextlib import suppress
from dataclasses import replace
from typing import Any

from adept.errors import AdeptError, Malformed, Refused
from adept.protocol.pages import DevicePage
from adept.store import seen
from adept.sync import cursor as rules
from adept.sync.changes import Source, content_hash
from adept.sync.circles import Circles
from adept.sync.cursor import Position, Step, Turn
from adept.sync.outcome import PassKind, Progress
from adept.sync.questions import Questions
from adept.sync.reconcile import reconcile
from adept.sync.walk import Walk


class Listing:
    """The listings as one pass walks them. `fetched`: it walks, or has walked, a fetch."""

    def __init__(
        self,
        walk: Walk,
        questions: Questions,
        *,
        fetch_id: int | None,
        on_progress: Callable[[Progress], None] | None,
        max_pages: int,
    ) -> None:
        self.fetched = False
        self._walk = walk
        self._questions = questions
        self._fetch_id = fetch_id  # the fetch whose seen pages count, until it is reconciled
        self._on_progress = on_progress
        self._max_pages = max_pages
        self._circles = Circles()
        self._hash_ahead = True  # while pages bring news; an unchanged device is known by its bytes
        self._restarted = False  # for a refused cursor: a pass does it once

    async def follow(self, step: Step) -> Step:
        """Go on from a step until Apple has no more; returns the last. Raises Malformed if Apple goes in circles."""
        step = self._entering(step)
        ahead: asyncio.Task[DevicePage | Refused] | None = None
        try:
            while True:
                match step.turn:
                    case Turn.RESTART:
                        await self._begin_fetch(step)
                    case Turn.FETCHED:
                        await self.reconcile()
                        if step.position.cursor is None:
                            return step
                    case Turn.DONE:
                        return step
                    case Turn.STRIKE:
                        raise _in_circles(self._walk.lease.account_name, step)
                    case Turn.ASK:
                        pass
                asked = step.position
                answer = await (ahead or self._asking(asked))
                ahead = None
                if isinstance(answer, Refused):
                    step = await self._after_refusal(asked, answer)
                    continue
                step = self._after_page(asked, answer)
                if step.turn is Turn.ASK:
                    ahead = self._asking(step.position)
                await _to_its_end(self._store_page(asked, answer, step))
        finally:
            if ahead is not None:
                ahead.cancel()
                with suppress(asyncio.CancelledError, AdeptError):
                    await ahead

    async def reconcile(self) -> None:
        """End the fetch that was walked to its end, by this pass or by one that was cut short; else do nothing."""
        if self._fetch_id is not None:
            await reconcile(self._walk, self._questions.details, fetch_id=self._fetch_id)
            self._fetch_id = None

    def _entering(self, step: Step) -> Step:
        """A fetch that has no cursor, or of which nobody knows what it saw, begins anew."""
        if step.turn is not Turn.ASK or not step.position.is_fetch:
            return step
        self.fetched, self._walk.kind = True, PassKind.FULL
        is_new = step.position.cursor is None or self._fetch_id is None
        return replace(step, turn=Turn.RESTART) if is_new else step

    def _asking(self, position: Position) -> asyncio.Task[DevicePage | Refused]:
        self._circles.sent(position)
        return asyncio.ensure_future(self._page(position))

    async def _page(self, position: Position) -> DevicePage | Refused:
        """The answer at a position, hashed as soon as it is there: the database may still be busy with the last one.

        Where the last page brought mostly what is known, hashes are made only of what differs.
        """
        answer = await self._questions.page(position)
        if isinstance(answer, DevicePage) and self._hash_ahead:
            for device in answer.devices:
                content_hash(device.document)
        return answer

    def _after_page(self, asked: Position, page: DevicePage) -> Step:
        step = rules.after_page(
            asked,
            cursor=page.cursor,
            more_to_follow=page.more_to_follow,
            now=self._walk.now(),
            repeated=self._circles.has_sent(asked.phase, page.cursor),
            barren_pages=self._circles.barren_pages_with(page),
        )
        if step.turn is Turn.ASK and self._walk.totals.pages + 1 >= self._max_pages:
            return Step(Turn.STRIKE, step.position, f"no end after {self._max_pages} pages")
        return step

    async def _store_page(self, asked: Position, page: DevicePage, step: Step) -> None:
        walk = self._walk
        walk.note(step.note)
        walk.strike = step.turn is Turn.STRIKE
        source = Source.FETCH if asked.is_fetch else Source.SYNC
        async with walk.writing(**_columns(step.position)) as tx:
            applied = await walk.apply(tx, page.devices, page.malformed, source)
            if asked.is_fetch and self._fetch_id is not None:
                unreadable = [entry.serial_number for entry in page.malformed if entry.serial_number]
                await seen.add_seen(tx, walk.lease.account_id, self._fetch_id, [*applied.live, *unreadable])
            counted = {"pages": 1, "devices": len(page.devices), "malformed": len(page.malformed)}
            await walk.announce(tx, applied.changes, **counted)
        self._hash_ahead = 2 * len(applied.changes) > len(page.devices)
        if self._on_progress is not None:
            totals = walk.totals
            self._on_progress(Progress(asked.phase, totals.pages, totals.devices, totals.changes))

    async def _after_refusal(self, asked: Position, refusal: Refused) -> Step:
        step = rules.after_refusal(asked, refusal.code, restarted=self._restarted)
        if step is None:
            raise refusal
        if step.turn is Turn.RESTART:
            self._restarted = True
            return step
        self._walk.note(step.note)
        async with self._walk.writing(**_columns(step.position)) as tx:
            await self._walk.write_totals(tx)
        return step

    async def _begin_fetch(self, step: Step) -> None:
        """From here on everything is fetched anew; what an earlier, unfinished fetch has seen counts no more."""
        walk = self._walk
        self.fetched, walk.kind = True, PassKind.FULL
        self._fetch_id = walk.pass_id
        self._circles = Circles()
        walk.note(step.note)
        begun = {"fetch_id": self._fetch_id, "full_requested": False}
        async with walk.writing(**_columns(step.position), **begun) as tx:
            await seen.forget_seen(tx, walk.lease.account_id)
            await walk.write_totals(tx)


def _columns(position: Position) -> dict[str, Any]:
    """Where the walk stands, as the account's row has it."""
    return {"phase": position.phase.value, "cursor": position.cursor, "cursor_at": position.cursor_at}


async def _to_its_end(storing: Coroutine[Any, Any, None]) -> None:
    """Store a page to its end, also when the pass is interrupted meanwhile."""
    task = asyncio.ensure_future(storing)
    try:
        await asyncio.shield(task)
    except asyncio.CancelledError:
        await task
        raise


def _in_circles(account: str, step: Step) -> Malformed:
    return Malformed(
        f"syncing account {account!r}: {step.note}",
        endpoint="POST /server/devices" if step.position.is_fetch else "POST /devices/sync",
        field="$.more_to_follow",
        found="true",
        way_out="what was read so far is kept; the next pass goes on, and after three such passes fetches anew",
    )
