"""`--hostile`: an Apple that trains its clients, after pebble's example.

Everything here was seen in production or follows from what Apple allows itself. And everything is bounded, so that a
client that keeps the rules always gets through:

    sessions     a server's first one ends after 5 to 15 requests, later ones after 25 to 60, so that a renewed session
                 lasts for the replays of all who share it
    429, 503     after the first 10 requests, with a Retry-After of a second or two, as a number or a date; not again
                 for that server within the next three seconds of real time nor the next 25 requests
    pages        at most 40 devices, told in /account; entries of a sync page may be shuffled (never two of one device
                 and second) and doubled; booleans may be words; a last sync page may keep the cursor, once
    assign       serial numbers may be missing in the answer and not assigned, each one once
    fleet        some devices have keys and families nobody knows (`fleet.py`)
"""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from adept.simulator.answers import Answer, error
from adept.simulator.calls import Call
from adept.simulator.documents import read
from adept.simulator.fault_words import find_word
from adept.simulator.line_faults import retry_after
from adept.simulator.listings import Page
from adept.simulator.organisation import MdmServer

PAGE_LIMIT = 40
ROTATE_EVERY = 3  # answers to a session token
_FIRST_SESSION, _LATER_SESSIONS = (5, 15), (25, 60)  # requests
_FIRST_QUIET_REQUESTS, _QUIET_REQUESTS = 10, 25
_QUIET, _NEVER = timedelta(seconds=3), datetime(1970, 1, 1, tzinfo=UTC)
_REFUSED_SHARE = 0.2  # of the requests after the quiet ones
_MISSING_SHARE = 0.3  # of assign requests
_MISSING = find_word("missing_devices", "post_profile_devices")


@dataclass
class _Mood:
    """How one server was treated of late."""

    quiet_requests: int = _FIRST_QUIET_REQUESTS  # to come before it may be refused
    sessions: int = 0
    refused_at: datetime = _NEVER


class Hostility:
    """Draws everything from one seeded source. `real_now` is the time that clients wait by."""

    def __init__(self, seed: int, *, real_now: Callable[[], datetime]) -> None:
        self._random = random.Random(f"hostility {seed}")  # noqa: S311 - a simulation
        self._real_now = real_now
        self._moods: defaultdict[str, _Mood] = defaultdict(_Mood)
        self._left_out: set[str] = set()
        self._kept_cursors: set[str] = set()

    def session_length(self, server: MdmServer) -> int:
        """How many requests a new session of this server will take."""
        mood = self._moods[server.name]
        mood.sessions += 1
        return self._random.randint(*(_FIRST_SESSION if mood.sessions == 1 else _LATER_SESSIONS))

    def refusal(self, server: MdmServer) -> Answer | None:
        """A 429 or 503 now and then."""
        mood = self._moods[server.name]
        mood.quiet_requests -= 1
        now = self._real_now()
        if mood.quiet_requests >= 0 or now - mood.refused_at < _QUIET:
            return None
        if self._random.random() >= _REFUSED_SHARE:
            return None
        mood.quiet_requests, mood.refused_at = _QUIET_REQUESTS, now
        answer = error(429, "TOO_MANY_REQUESTS") if self._random.random() < 0.7 else error(503)
        as_date = self._random.random() < 0.3
        wait = retry_after(2 if as_date else 1, now, as_date=as_date)
        return replace(answer, headers={"Retry-After": wait})

    def page(self, page: Page) -> Page:
        """A good page, told in one of the ways that are hard to hear."""
        is_sync = page.devices[:1] and b'"op_type"' in page.devices[0]
        if is_sync:
            page = self._keeping_cursor(replace(page, devices=self._muddled(page.devices)))
        if self._random.random() < 0.5:
            page = replace(page, more_to_follow=str(page.more_to_follow).lower())
        return page

    def muffle(self, call: Call) -> None:
        """Have an assign, sometimes, hear only every second device."""
        is_assign = call.request.path == "/profile/devices" and call.request.method != "DELETE"
        if is_assign and call.forced is None and self._random.random() < _MISSING_SHARE:
            serials = set(call.serials()) if call.document.get("devices") else set()
            if len(serials) > 1 and not serials & self._left_out:
                self._left_out |= serials
                call.forced = _MISSING

    def _keeping_cursor(self, page: Page) -> Page:
        """A last page whose cursor did not move: the next sync tells the same again. Once for each cursor."""
        if page.more_to_follow is not False or not page.asked or page.asked in self._kept_cursors:
            return page
        if self._random.random() < 0.3:
            self._kept_cursors.add(page.asked)
            return replace(page, cursor=page.asked)
        return page

    def _muddled(self, entries: list[bytes]) -> list[bytes]:
        """The entries shuffled and some of them doubled; those of one device and second keep their order."""
        doubled = [entry for entry in entries for _ in range(1 + (self._random.random() < 0.1))]
        moments: dict[tuple[Any, Any], list[bytes]] = {}
        for entry in doubled:
            moments.setdefault(_moment(entry), []).append(entry)
        self._random.shuffle(doubled)
        return [moments[_moment(entry)].pop(0) for entry in doubled]


def _moment(entry: bytes) -> tuple[Any, Any]:
    fields = read(entry)
    return fields.get("serial_number"), fields.get("op_date")
