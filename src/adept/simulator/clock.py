"""The simulator's clock: real time, moved by hand. It governs cursors, sessions, token expiry, throttles and op_dates.

OAuth timestamps are the exception: they are checked against the real time, as the client's clock is real.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta


class Clock:
    """`now` is where real time comes from; `advance` moves the difference to it, forwards or back."""

    def __init__(self, now: Callable[[], datetime] | None = None) -> None:
        self._now = now or _real_time
        self._ahead = timedelta()
        self._held: datetime | None = None

    def now(self) -> datetime:
        """The simulated time, aware, in UTC."""
        return self._now() + self._ahead if self._held is None else self._held

    @contextmanager
    def held(self, at: datetime) -> Iterator[None]:
        """It is this time for as long as the block lasts."""
        self._held = at
        try:
            yield
        finally:
            self._held = None

    def real_now(self) -> datetime:
        """Real time, which no hand moves: what clients count a Retry-After by."""
        return self._now()

    def now_s(self) -> int:
        """The simulated time in whole seconds since 1970."""
        return int(self.now().timestamp())

    def advance(self, by: timedelta) -> datetime:
        """Move the clock and return the new time."""
        self._ahead += by
        if self._held is not None:
            self._held += by
        return self.now()


def as_apple_time(time: datetime) -> str:
    """A time as Apple prints it: UTC, whole seconds, Z."""
    return time.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def _real_time() -> datetime:
    return datetime.now(UTC)
