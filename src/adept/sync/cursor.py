"""Where a walk stands and where it goes next. Pure: no I/O, no clock.

Apple lists an account's devices in two ways. A *fetch* shows every device, page by page; the cursor of its last page
starts a *sync*, which shows what happened since, and whose cursor moves on with every answer. The rules:

    phase   what Apple says                                   where it goes
    ─────   ───────────────────────────────────────────────   ─────────────────────────────────────────────────
    fetch   a page, more to follow                            fetch, next cursor
    fetch   a page, nothing to follow                         fetch done: reconcile, then sync with this cursor
    fetch   EXHAUSTED_CURSOR                                  as above, with the cursor that was sent
    sync    a page, more to follow                            sync, next cursor
    sync    a page, nothing to follow                         done
    sync    EXHAUSTED_CURSOR                                  done, nothing new, cursor kept
    any     EXPIRED_CURSOR, INVALID_CURSOR, CURSOR_REQUIRED   a new fetch, once a pass; a second time fails the pass
    any     a cursor that this pass has sent before,          stop, a strike; after three strikes in a row the
            and more to follow                                cursor is forgotten and the next pass fetches
    any     BARREN_PAGES_LIMIT barren pages in a row (empty,  stop, a strike as above
            or repeating an earlier one), and more to follow

Source: Apple, "Fetch Devices", "Sync the List of Devices" (read 2026-11). A cursor is opaque and never parsed.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from adept.protocol.pages import CURSOR_LIFE_DAYS

BARREN_PAGES_LIMIT = 50
STRIKES_LIMIT = 3
CURSOR_LIFE = timedelta(days=CURSOR_LIFE_DAYS) - timedelta(minutes=5)  # minus our clock's doubt

_LOST_CURSOR = frozenset({"EXPIRED_CURSOR", "INVALID_CURSOR", "CURSOR_REQUIRED"})


class Phase(StrEnum):
    """Which of Apple's two listings is being walked."""

    FETCH = "fetch"
    SYNC = "sync"


@dataclass(frozen=True, slots=True)
class Position:
    """What to ask next. `cursor` is None only at the start of a fetch; `cursor_at` is when Apple gave it."""

    phase: Phase
    cursor: str | None = None
    cursor_at: datetime | None = None

    @property
    def is_fetch(self) -> bool:
        """Whether the listing walked is the fetch."""
        return self.phase is Phase.FETCH


NEW_FETCH = Position(Phase.FETCH)


class Turn(StrEnum):
    """What a pass does after an answer."""

    ASK = "ask"  # ask for the next page at the new position
    FETCHED = "fetched"  # the fetch is complete: reconcile, then sync
    DONE = "done"  # Apple has no more
    RESTART = "restart"  # begin a new fetch
    STRIKE = "strike"  # Apple goes in circles: stop this pass


@dataclass(frozen=True, slots=True)
class Step:
    """A turn, the position that goes with it, and a note for the pass where it is worth one."""

    turn: Turn
    position: Position
    note: str | None = None


def start(position: Position, *, now: datetime) -> Step:
    """The first step of a pass from the stored position: a cursor past its life is not even tried."""
    if position.cursor is None:
        return Step(Turn.ASK, NEW_FETCH)
    if position.cursor_at is not None and now - position.cursor_at > CURSOR_LIFE:
        return Step(Turn.RESTART, NEW_FETCH, f"no sync for {CURSOR_LIFE_DAYS} days: everything is fetched anew")
    return Step(Turn.ASK, position)


def after_page(
    asked: Position,
    *,
    cursor: str | None,
    more_to_follow: bool,
    now: datetime,
    repeated: bool,
    barren_pages: int,
) -> Step:
    """Where to go after a page.

    `repeated`: this pass has sent `cursor` before. `barren_pages`: how many pages in a row, this one included, were
    empty or repeated an earlier page of this pass.
    """
    if cursor is None:
        return _without_cursor(asked, more_to_follow=more_to_follow)
    reached = Position(asked.phase, cursor, now)
    if not more_to_follow:
        if asked.is_fetch:
            return Step(Turn.FETCHED, Position(Phase.SYNC, cursor, now))
        return Step(Turn.DONE, reached)
    if repeated:
        return Step(Turn.STRIKE, asked, "Apple repeated a cursor and promised more")
    if barren_pages >= BARREN_PAGES_LIMIT:
        return Step(Turn.STRIKE, reached, f"{barren_pages} pages in a row brought nothing, and Apple promised more")
    return Step(Turn.ASK, reached)


def _without_cursor(asked: Position, *, more_to_follow: bool) -> Step:
    """Assumed: Apple always sends one. Without it a sync keeps its own, and a fetch can't be followed by a sync."""
    if more_to_follow:
        return Step(Turn.STRIKE, asked, "Apple promised more and gave no cursor")
    if asked.is_fetch:
        return Step(Turn.FETCHED, NEW_FETCH, "Apple gave no cursor: the next pass fetches again")
    return Step(Turn.DONE, asked, "Apple gave no cursor: the old one is kept")


def after_refusal(asked: Position, code: str, *, restarted: bool) -> Step | None:
    """Where to go after Apple refused a cursor; None where the refusal ends the pass as failed.

    `restarted`: this pass has begun a new fetch for such a refusal before.
    """
    if code == "EXHAUSTED_CURSOR" and asked.cursor is not None:
        if asked.is_fetch:
            position = Position(Phase.SYNC, asked.cursor, asked.cursor_at)
            return Step(Turn.FETCHED, position, "cursor exhausted on fetch: the fetch is complete")
        return Step(Turn.DONE, asked, "cursor exhausted on sync: nothing new")
    if code in _LOST_CURSOR and asked.cursor is not None and not restarted:
        return Step(Turn.RESTART, NEW_FETCH, f"{code} on {asked.phase}: everything is fetched anew")
    return None
