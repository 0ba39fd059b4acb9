"""How fast Apple is asked: so many requests at once and so many a second, for each account and in all.

An account's limit is kept in the process that holds its lease: nobody else asks for it but one request at a time. The
limit in all is shared out: each process that asks has a share of it in the store, good for a quarter of a minute and
taken anew every five seconds while it asks. It takes no more than what the others leave, so that all together never
have more than the limit, and leaves as much again for the next one that comes. So a request costs nothing but its wait,
and the database a few statements every five seconds.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime
from typing import Self
from weakref import WeakValueDictionary

from adept.accounts.lane import Lane
from adept.client.pacing import Pace
from adept.errors import StoreError, Unreachable
from adept.protocol.server_token import ServerToken
from adept.store.apple_shares import Share, give_back_share, others_shares, take_share
from adept.store.database import Store

log = logging.getLogger("adept.accounts")

SHARE_S = 15.0
TAKEN_EVERY_S = 5.0
ASKED_AGAIN_S = 1.0  # where the others have everything
GIVEN_BACK_WITHIN_S = 0.5  # at the end, which nobody waits for long
WAIT_LIMIT_S = 60.0
LONG_S = 10.0  # a wait that is worth a line in the log

Now = Callable[[], datetime]
NOTHING = Share(0, 0.0)


@dataclass(frozen=True, slots=True)
class AppleLimits:
    """For all processes together, and for each account."""

    in_all: Share
    per_account: Share


def fair_share(limit: Share, others: Sequence[Share]) -> Share:
    """What a process takes beside what the others have. Pure. Nothing where they leave nothing.

    As much as each would have were there one more, and no more than half of what is left.
    """
    heads = len(others) + 2
    free, free_per_s = limit.in_flight - sum(o.in_flight for o in others), limit.per_s - sum(o.per_s for o in others)
    if free <= 0 or free_per_s <= 0:
        return NOTHING
    return Share(max(1, min(limit.in_flight // heads, free // 2)), min(limit.per_s / heads, free_per_s / 2))


@dataclass(slots=True)
class ApplePace:
    """One process's part in the limits; an async context that gives its share back.

    `holder` names the process; `waited` is told how long each request had to wait.
    """

    store: Store
    limits: AppleLimits
    holder: str
    now: Now
    waited: Callable[[float], None] | None = None
    wait_limit_s: float = WAIT_LIMIT_S
    _in_all: Lane = field(default_factory=lambda: Lane(in_flight=0, per_s=1.0))
    _share: Share = NOTHING
    _taken_s: float | None = None  # on the loop's clock: when our share was taken
    _taking: asyncio.Lock = field(default_factory=asyncio.Lock)
    _keeping: asyncio.Task[None] | None = None
    _accounts: WeakValueDictionary[tuple[str, str], Lane] = field(default_factory=WeakValueDictionary)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._keeping is not None:
            self._keeping.cancel()
            with suppress(asyncio.CancelledError):
                await self._keeping
        with suppress(TimeoutError):  # where the database is locked it runs out by itself
            async with asyncio.timeout(GIVEN_BACK_WITHIN_S):
                await self._give_back()

    def of(self, token: ServerToken, base_url: str) -> Pace:
        """The pace of a client for that token."""
        limit = self.limits.per_account
        key = (base_url, token.consumer_key)
        lane = self._accounts.get(key)
        if lane is None:
            lane = self._accounts[key] = Lane(in_flight=limit.in_flight, per_s=limit.per_s)

        @asynccontextmanager
        async def pace(endpoint: str) -> AsyncIterator[None]:
            await self._enter(lane, endpoint)
            try:
                yield
            finally:
                self._in_all.leave()
                lane.leave()

        return pace

    async def _enter(self, lane: Lane, endpoint: str) -> None:
        loop = asyncio.get_running_loop()
        began_s = loop.time()
        is_in_lane = False
        try:
            async with asyncio.timeout(self.wait_limit_s):
                await lane.enter()
                is_in_lane = True
                await self._enter_in_all()
        except BaseException as error:
            if is_in_lane:
                lane.leave()
            if isinstance(error, TimeoutError):
                raise self._no_room(endpoint) from None
            raise
        wait_s = loop.time() - began_s
        if wait_s >= LONG_S:
            log.warning("a request waited for adept's own limits", extra={"endpoint": endpoint, "waited_s": wait_s})
        if self.waited is not None:
            self.waited(wait_s)

    async def _enter_in_all(self) -> None:
        while True:
            await self._have_share()
            await self._in_all.enter()
            if self._keeping is None or self._keeping.done():
                self._keeping = asyncio.create_task(self._keep_share(), name="share of Apple's limits")
            if self._age_s() < SHARE_S:
                return
            self._in_all.leave()  # it ran out while we waited

    async def _have_share(self) -> None:
        """See that this process has a share that is still its own, and not empty."""
        async with self._taking:
            while self._age_s() >= SHARE_S or self._share.in_flight == 0:
                await self._take_share()
                if self._share.in_flight == 0:
                    await asyncio.sleep(ASKED_AGAIN_S)

    async def _keep_share(self) -> None:
        """Take our share anew while requests are under way, then leave it to others."""
        while self._in_all.taken:
            await asyncio.sleep(TAKEN_EVERY_S)
            async with self._taking:
                with suppress(StoreError):  # it lasts for some more turns
                    await self._take_share()
        async with self._taking:
            if not self._in_all.taken:
                await self._give_back()

    async def _take_share(self) -> None:
        now, began_s = self.now(), asyncio.get_running_loop().time()
        async with self.store.writing() as tx:
            share = fair_share(self.limits.in_all, await others_shares(tx, self.holder, now=now))
            await take_share(tx, self.holder, share, now=now, lasts_s=SHARE_S)
        self._share = share
        self._in_all.allow(in_flight=share.in_flight, per_s=share.per_s or 1.0)
        self._taken_s = began_s

    async def _give_back(self) -> None:
        if self._taken_s is None:
            return
        self._share, self._taken_s = NOTHING, None
        self._in_all.allow(in_flight=0, per_s=1.0)
        with suppress(StoreError):  # it runs out
            async with self.store.writing() as tx:
                await give_back_share(tx, self.holder)

    def _age_s(self) -> float:
        """How old our share is, told too old rather than too young."""
        return SHARE_S if self._taken_s is None else asyncio.get_running_loop().time() - self._taken_s

    def _no_room(self, endpoint: str) -> Unreachable:
        in_all, of_account = self.limits.in_all, self.limits.per_account
        limits = (
            f"{in_all.in_flight} requests at once and {in_all.per_s:g} a second in all, "
            f"{of_account.in_flight} and {of_account.per_s:g} an account"
        )
        return Unreachable(
            f"{endpoint} was not asked: adept's own limits left no room within {self.wait_limit_s:g} s ({limits})",
            endpoint=endpoint,
            retry_after_s=self.wait_limit_s,
            may_have_happened=False,
            way_out="it is tried again by itself; raise ADEPT_APPLE_REQUESTS… or ADEPT_ACCOUNT_REQUESTS… if it goes on",
        )
