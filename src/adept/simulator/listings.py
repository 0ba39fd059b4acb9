"""Fetch and sync: which devices stand on a page, and which cursor goes with it.

The rules are those of `cursors.py`. A page is a value first, so that faults can spoil it before it is rendered.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from adept.simulator.answers import ServiceError
from adept.simulator.clock import Clock, as_apple_time
from adept.simulator.cursors import Cursor, CursorForm
from adept.simulator.documents import NEWEST_VERSION, at_version, with_suffix
from adept.simulator.organisation import MdmServer, Snapshot

DEFAULT_LIMIT = 100
MAXIMUM_LIMIT = 1000

# Cursors a page might come with: one that finds this page again, one that promises more, one that goes with the last.
RESTART, ONWARD, LAST = "restart", "onward", "last"


@dataclass(frozen=True)
class Page:
    """One page before it is rendered. `cursor` and `asked` are text as on the wire."""

    devices: list[bytes]
    cursor: str | None
    more_to_follow: bool | str
    fetched_until: str | None
    asked: str | None  # the cursor of the request
    spare_cursor: Callable[[str], str]  # RESTART, ONWARD, LAST: a cursor for a page that isn't as it should be
    has_devices_key: bool = True


class Listings:
    """The two listings over one clock and one form of cursors."""

    def __init__(self, clock: Clock, form: CursorForm) -> None:
        self._clock = clock
        self._form = form

    def fetch(self, server: MdmServer, cursor: str | None, limit: int) -> Page:
        """The next devices of a snapshot; without a cursor, the first ones of a new snapshot."""
        snapshot, place = self._place_in_snapshot(server, cursor)
        end = min(place + limit, len(snapshot.documents))
        is_last = end == len(snapshot.documents)

        def spare(word: str) -> str:
            if word == LAST:
                return self._write("drained", server, snapshot.number, snapshot.position)
            return self._write("fetch", server, snapshot.number, end if word == ONWARD else place)

        return Page(
            devices=list(snapshot.documents[place:end]),
            cursor=spare(LAST if is_last else ONWARD),
            more_to_follow=not is_last,
            fetched_until=as_apple_time(self._clock.now()),
            asked=cursor,
            spare_cursor=spare,
        )

    def sync(self, server: MdmServer, cursor: str | None, limit: int) -> Page:
        """The entries of the server's log since the cursor's place, in order; a serial number may come repeatedly."""
        if not cursor:
            raise ServiceError(400, "CURSOR_REQUIRED")
        found = self._read(server, cursor)
        if found.kind == "fetch" or found.place > len(server.log):
            raise ServiceError(400, "INVALID_CURSOR")
        if found.is_expired(self._clock.now_s()):
            raise ServiceError(400, "EXPIRED_CURSOR")
        end = min(found.place + limit, len(server.log))
        entries = server.log[found.place : end]

        def spare(word: str) -> str:
            return self._write("sync", server, 0, found.place if word == RESTART else end)

        return Page(
            devices=[with_suffix(entry.document, entry.suffix) for entry in entries],
            cursor=spare(LAST),
            more_to_follow=end < len(server.log),
            fetched_until=as_apple_time(self._clock.now()),
            asked=cursor,
            spare_cursor=spare,
        )

    def _place_in_snapshot(self, server: MdmServer, cursor: str | None) -> tuple[Snapshot, int]:
        if not cursor:
            return server.snapshot(), 0
        found = self._read(server, cursor)
        if found.kind != "fetch":
            raise ServiceError(400, "EXHAUSTED_CURSOR")
        if found.is_expired(self._clock.now_s()):
            raise ServiceError(400, "EXPIRED_CURSOR")
        snapshot = server.snapshot_numbered(found.snapshot)
        if snapshot is None:
            raise ServiceError(400, "INVALID_CURSOR")
        return snapshot, found.place

    def _read(self, server: MdmServer, text: str) -> Cursor:
        found = self._form.read(text)
        if found is None or found.server != server.number:
            raise ServiceError(400, "INVALID_CURSOR")
        return found

    def _write(self, kind: str, server: MdmServer, snapshot: int, place: int) -> str:
        return self._form.write(Cursor(kind, server.number, snapshot, place, self._clock.now_s()))


def render_page(page: Page, version: int) -> bytes:
    """The page's JSON as a client of this protocol version sees it."""
    devices = page.devices
    if version < NEWEST_VERSION:
        devices = [at_version(document, version) for document in devices]
    tail = _tail(page).encode()
    if not page.has_devices_key:
        return b"{" + tail + b"}"
    if not devices:
        return b'{"devices":[],' + tail + b"}"
    # One join over the whole answer: a page of a thousand devices has 400 KB, and each copy of it would be felt.
    ends = (b'{"devices":[' + devices[0], devices[-1] + b"]," + tail + b"}")
    if len(devices) == 1:
        return ends[0] + ends[1][len(devices[0]) :]
    return b",".join((ends[0], *devices[1:-1], ends[1]))


def _tail(page: Page) -> str:
    members = []
    if page.fetched_until is not None:
        members.append(f'"fetched_until":"{page.fetched_until}"')
    if page.cursor is not None:
        members.append(f'"cursor":"{page.cursor}"')
    more = page.more_to_follow
    members.append(f'"more_to_follow":"{more}"' if isinstance(more, str) else f'"more_to_follow":{str(more).lower()}')
    return ",".join(members)
