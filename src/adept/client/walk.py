"""Walking over the pages of a listing to its end, without any I/O. Both clients' iterators run this.

A listing ends with the first page that says so, or with EXHAUSTED_CURSOR: everything had been listed before. Two things
that would go on for ever end it with Malformed, after the devices of the page at hand were given out: a cursor that
came before, and a long run of empty pages. Observed: Apple repeating the request's cursor with more_to_follow true
(micromdm issue 1016, nanodep issue 73).
"""

from __future__ import annotations

from collections.abc import Callable

from adept.client.call import Call
from adept.errors import Malformed, Refused
from adept.protocol.device import Device, MalformedDevice
from adept.protocol.error_codes import ErrorCode
from adept.protocol.pages import DevicePage

EMPTY_PAGES = 100  # in a row; Apple may send some, no listing has that many


class Walk:
    """How far a listing has been read."""

    def __init__(self, question: Callable[[str | None], Call[DevicePage]], cursor: str | None) -> None:
        self.cursor = cursor  # of the last page read
        self.pages = 0
        self.malformed: list[MalformedDevice] = []
        self._question = question
        self._seen = {cursor}
        self._empty_pages = 0
        self._ended = False
        self._fault: str | None = None

    def next_call(self) -> Call[DevicePage] | None:
        """What to ask next, None at the end; raises Malformed where going on would never end."""
        call = self._question(self.cursor)
        if self._fault:
            raise Malformed(
                f"{call.about}: {self._fault}; stopped after {self.pages} pages",
                endpoint=call.endpoint,
                field="$.cursor",
                found=self._fault,
                way_out="try again later from the start",
            )
        return None if self._ended else call

    def take(self, page: DevicePage) -> tuple[Device, ...]:
        """Note what a page says of the listing's progress and give out its devices."""
        self.pages += 1
        self.malformed += page.malformed
        self._ended = not page.more_to_follow
        self._empty_pages = 0 if page.devices or page.malformed else self._empty_pages + 1
        if page.more_to_follow:
            self._fault = self._fault_of(page)
        self._seen.add(page.cursor)
        self.cursor = page.cursor or self.cursor
        return page.devices

    def refused(self, error: Refused) -> None:
        """End the walk quietly where there was nothing left to list; raise any other refusal."""
        if error.code != ErrorCode.EXHAUSTED_CURSOR:
            raise error
        self._ended = True

    def _fault_of(self, page: DevicePage) -> str | None:
        if page.cursor is None:
            return "Apple says that more follows but sends no cursor"
        if page.cursor in self._seen:
            return "Apple says that more follows but repeats a cursor"
        if self._empty_pages >= EMPTY_PAGES:
            return f"Apple says that more follows but sent {EMPTY_PAGES} empty pages in a row"
        return None
