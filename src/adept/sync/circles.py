"""Notices when Apple goes in circles: a cursor that comes back, or page after page that brings nothing.

Remembers a few bytes for each page of the pass, whatever the pages hold.
"""

from __future__ import annotations

from hashlib import blake2b

from adept.protocol.pages import DevicePage
from adept.sync.cursor import Phase, Position

_DIGEST_BYTES = 12


class Circles:
    """What one pass has sent and seen in the listing it walks."""

    def __init__(self) -> None:
        self._cursors: set[bytes] = set()
        self._pages: set[bytes] = set()
        self._barren_pages = 0

    def sent(self, position: Position) -> None:
        """The pass is about to send this cursor."""
        if position.cursor is not None:
            self._cursors.add(_of_cursor(position.phase, position.cursor))

    def has_sent(self, phase: Phase, cursor: str | None) -> bool:
        """Whether the pass has sent this cursor to this listing before."""
        return cursor is not None and _of_cursor(phase, cursor) in self._cursors

    def barren_pages_with(self, page: DevicePage) -> int:
        """How many pages in a row, this one included, were empty or exactly as an earlier page of the pass."""
        self._barren_pages = self._barren_pages + 1 if self._is_barren(page) else 0
        return self._barren_pages

    def _is_barren(self, page: DevicePage) -> bool:
        if not page.devices and not page.malformed:
            return True
        digest = blake2b(digest_size=_DIGEST_BYTES)
        for device in page.devices:
            digest.update(device.document)
        for unreadable in page.malformed:
            digest.update(unreadable.document)
        is_known = digest.digest() in self._pages
        self._pages.add(digest.digest())
        return is_known


def _of_cursor(phase: Phase, cursor: str) -> bytes:
    return blake2b(f"{phase} {cursor}".encode("utf-8", "surrogatepass"), digest_size=_DIGEST_BYTES).digest()
