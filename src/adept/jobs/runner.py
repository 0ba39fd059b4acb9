"""The embedded runner: looks after every account whose time has come, in the process of the service.

The accounts' rows are the queue, their leases keep other processes away: any number of runners may share a database.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from adept.accounts.tokens import Connect
from adept.errors import AdeptError
from adept.store.database import Store
from adept.sync.outcome import PassOutcome

log = logging.getLogger("adept.jobs")

LOOK_EVERY_S = 1.0

Now = Callable[[], datetime]


@dataclass(frozen=True, slots=True)
class Visit:
    """What a runner did for an account: a pass (`outcome`), a probe that ended well, or either with an `error`."""

    account: str
    took_s: float
    outcome: PassOutcome | None = None
    error: AdeptError | None = None


class Runner:
    """Looks after accounts as they become due, at most `width` at a time, until it is stopped.

    `holder` names this process in the rows of accounts; `random` gives numbers from 0 to 1, for jitter; `observe` is
    told of every visit that ended.
    """

    def __init__(
        self,
        store: Store,
        *,
        connect: Connect,
        now: Now,
        holder: str,
        width: int,
        random: Callable[[], float],
        observe: Callable[[Visit], None] | None = None,
    ) -> None:
        self._store = store
        self._connect = connect
        self._now = now
        self._holder = holder
        self._width = width
        self._random = random
        self._observe = observe
        self._woken = asyncio.Event()
        self._is_stopping = False

    async def run(self) -> None:
        """Run until `stop` is called or the task is cancelled. What goes wrong on the way is logged, never raised."""
        while not self._is_stopping:
            self._woken.clear()
            try:
                async with asyncio.timeout(LOOK_EVERY_S):
                    await self._woken.wait()
            except TimeoutError:
                pass

    def wake(self) -> None:
        """Look now what is due, not at the next turn: something was added, changed or asked for. From the loop only."""
        self._woken.set()

    async def stop(self, *, within_s: float = 10.0) -> None:  # noqa: ARG002  # skeleton
        """Begin nothing more, finish pages that are being stored, drop requests in flight; returns within that time."""
        self._is_stopping = True
        self.wake()
