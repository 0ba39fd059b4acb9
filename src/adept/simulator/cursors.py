"""Cursors: what they mean, when they die, and how they look on the wire.

    kind      given by                       points to                           fetch answers      sync answers
    fetch     a fetch page with more behind  a place in a snapshot of a server   the next page      INVALID_CURSOR
    drained   the last fetch page            the place in the log where the      EXHAUSTED_CURSOR   what happened since
                                             snapshot was taken
    sync      a sync page                    a place in the log                  EXHAUSTED_CURSOR   what happened since

Any cursor older than seven days is EXPIRED_CURSOR where it would otherwise have been good. One that was altered, is
another server's, is of the time before a reset, or points into a snapshot dropped from memory is INVALID_CURSOR.
A sync cursor is not used up: asked again, it answers with everything since it once more.

On the wire a cursor is base64 of these numbers under a keyed checksum. Clients must not read it; `length` makes it
up to 1000 characters long.

Source: Apple, "Fetch Devices" and "Sync the List of Devices" (read 2026-11).
Assumed: EXPIRED_CURSOR for an old cursor in the middle of a fetch; INVALID_CURSOR for an undrained one at sync.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from typing import NamedTuple

LIFE_S = 7 * 24 * 3600
MAXIMUM_LENGTH = 1000
_CHECKSUM_BYTES = 8


class Cursor(NamedTuple):
    """One cursor's meaning."""

    kind: str  # fetch, drained, sync: as in the table above
    server: int  # number of the MDM server
    snapshot: int  # number of the snapshot; 0 where there is none
    place: int  # fetch: devices of the snapshot given so far; otherwise: entries of the log read so far
    given_at_s: int  # by the simulator's clock

    def is_expired(self, now_s: int) -> bool:
        """Whether it is older than seven days."""
        return now_s - self.given_at_s > LIFE_S


class CursorForm:
    """How cursors of one run of the simulator are written and read. `length` is the least number of characters."""

    def __init__(self, secret: str, *, length: int = 0) -> None:
        self._key = secret.encode()
        self._least_bytes = length * 3 // 4
        self._written = 0

    def write(self, cursor: Cursor) -> str:
        """The cursor as opaque text, never twice the same."""
        self._written += 1
        text = f"{cursor.kind}:{cursor.server}:{cursor.snapshot}:{cursor.place}:{cursor.given_at_s}:{self._written}:"
        payload = text.encode().ljust(self._least_bytes - _CHECKSUM_BYTES, b"-")
        return base64.urlsafe_b64encode(self._checksum(payload) + payload).decode()

    def read(self, text: str) -> Cursor | None:
        """The meaning of the text; None where we never wrote it."""
        try:
            raw = base64.urlsafe_b64decode(text.encode())
        except ValueError:
            return None
        checksum, payload = raw[:_CHECKSUM_BYTES], raw[_CHECKSUM_BYTES:]
        if not hmac.compare_digest(checksum, self._checksum(payload)):
            return None
        kind, server, snapshot, place, given_at_s, _number, _padding = payload.decode().split(":")
        return Cursor(kind, int(server), int(snapshot), int(place), int(given_at_s))

    def _checksum(self, payload: bytes) -> bytes:
        return hmac.digest(self._key, payload, hashlib.sha256)[:_CHECKSUM_BYTES]
