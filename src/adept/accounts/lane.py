"""So many at once and so many a second, first come first served: the limits on requests, within one process."""

from __future__ import annotations

import asyncio

BURST_S = 1.0  # what was not asked for within that time may be made up for at once


class Lane:
    """Lets callers in within its limits, which may change meanwhile; who was let in leaves again."""

    def __init__(self, *, in_flight: int, per_s: float) -> None:
        self.taken = 0  # how many are in
        self._in_flight = in_flight
        self._per_s = per_s
        self._order = asyncio.Lock()
        self._changed = asyncio.Event()
        self._let_in_until_s = 0.0  # on the loop's clock: up to when the rate is used up

    def allow(self, *, in_flight: int, per_s: float) -> None:
        """Change the limits; who is in stays in."""
        self._in_flight = in_flight
        self._per_s = per_s
        self._changed.set()

    async def enter(self) -> None:
        """Wait for one's turn; whoever bounds the wait cancels it."""
        async with self._order:
            while self.taken >= self._in_flight:
                self._changed.clear()
                await self._changed.wait()
            now_s = asyncio.get_running_loop().time()
            self._let_in_until_s = max(self._let_in_until_s, now_s - BURST_S) + 1 / self._per_s
            if self._let_in_until_s > now_s:
                await asyncio.sleep(self._let_in_until_s - now_s)
            self.taken += 1

    def leave(self) -> None:
        """Make room for the next."""
        self.taken -= 1
        self._changed.set()
