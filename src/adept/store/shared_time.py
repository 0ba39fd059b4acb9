"""The time that all who work on one database share, whatever the clocks of their machines say.

On PostgreSQL it is the server's: heard whenever a transaction begins to write, and counted on from there by this
machine's monotonic clock, which nobody sets. On SQLite there is one machine, and its clock is the time.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

PROMPT_S = 1.0  # what took longer to be heard says too little of what time it is now


class SharedTime:
    """Tells the time, as a function that is called. `now` is the computer's clock, `monotonic_s` what runs evenly."""

    def __init__(
        self,
        *,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        monotonic_s: Callable[[], float] = time.monotonic,
    ) -> None:
        self._now = now
        self._monotonic_s = monotonic_s
        self._heard: tuple[datetime, float] | None = None  # the time, and when we heard it on our own clock

    def __call__(self) -> datetime:
        """The time, aware, in UTC: as heard and counted on, the computer's where none was heard."""
        if self._heard is None:
            return self._now()
        at, heard_s = self._heard
        return at + timedelta(seconds=self._monotonic_s() - heard_s)

    def ask(self) -> float:
        """To be called before the time is asked for; gives what `hear` needs."""
        return self._monotonic_s()

    def hear(self, at: datetime, asked_s: float) -> None:
        """The time is `at`, says the server that was asked at `asked_s`; ignored if the answer came late."""
        heard_s = self._monotonic_s()
        if self._heard is None or heard_s - asked_s <= PROMPT_S:
            self._heard = at.astimezone(UTC), heard_s
