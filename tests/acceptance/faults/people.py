"""Those who use adept during a run: an operator who asks for passes and renews tokens, and a follower of the feed.

They go on whatever breaks, as people and their programs do: what was not answered is asked again, at the other service.
"""

from __future__ import annotations

import asyncio
import itertools
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

import httpx2

from tests.acceptance.faults.acts import ACCOUNTS
from tests.acceptance.faults.site import Site

ASKED_EVERY_S = 0.4
FOLLOWED_EVERY_S = 0.2
FULL_EVERY = 5  # of the passes that are asked for
TIMEOUT_S = 20  # a service that sleeps is given up for the other one


class NotAnswered(Exception):
    """Neither service gave an answer of any use."""


@dataclass
class Desk:
    """A way to whichever service answers. `answers` counts them by status, 0: none."""

    site: Site
    http: httpx2.AsyncClient
    answers: Counter[int] = field(default_factory=Counter)

    async def ask(self, method: str, path: str, **more: Any) -> httpx2.Response:
        """The first answer below 500; NotAnswered where there is none."""
        for base_url in self.site.services.values():
            try:
                answer = await self.http.request(method, base_url + path, **more)
            except httpx2.HTTPError:
                self.answers[0] += 1
                continue
            self.answers[answer.status_code] += 1
            if answer.status_code < 500:
                return answer
        raise NotAnswered

    async def ask_for_pass(self, account: str, kind: str) -> int:
        """Ask for a pass; its id."""
        answer = await self.ask("POST", f"/accounts/{account}/passes", json={"kind": kind})
        if answer.status_code != 202:
            raise NotAnswered(answer.text)
        return int(answer.headers["Location"].rpartition("/")[2])


@asynccontextmanager
async def at_a_desk(site: Site) -> AsyncIterator[Desk]:
    """Somebody with an administrator's key."""
    headers = {"Authorization": f"Bearer {site.key}"}
    limits = httpx2.Limits(max_keepalive_connections=0)  # services come and go
    async with httpx2.AsyncClient(headers=headers, timeout=TIMEOUT_S, limits=limits) as http:
        yield Desk(site, http)


async def keep_asking(desk: Desk) -> None:
    """Ask for a pass of one account after the other, now and then for a full one."""
    for number in itertools.count():
        account = ACCOUNTS[number % len(ACCOUNTS)]
        kind = "full" if number // len(ACCOUNTS) % FULL_EVERY == 0 else "sync"
        with suppress(NotAnswered):
            await desk.ask_for_pass(account, kind)
        await asyncio.sleep(ASKED_EVERY_S)


@dataclass
class Renewals:
    """Tokens renewed as people do it: certificate, Apple's portal, upload; again and again until adept took it."""

    desk: Desk
    renewed: int = 0
    _locks: dict[str, asyncio.Lock] = field(default_factory=dict)

    async def renew(self, account: str) -> None:
        """Get a new token for the account, which kills the one in use, and see that adept takes it.

        One that is not taken, if only because it expired on the way, is given up for another.
        """
        async with self._locks.setdefault(account, asyncio.Lock()):
            site, server = self.desk.site, self.desk.site.server(account)
            while True:
                if await self._renewed(account, server, site):
                    break
                await asyncio.sleep(0.5)
            self.renewed += 1

    async def _renewed(self, account: str, server: str, site: Site) -> bool:
        certificate = await self._insist("GET", f"/accounts/{account}/certificate")
        if certificate.is_error:
            return False
        with suppress(NotAnswered, httpx2.TransportError):  # of the portal; or Apple's refusal, handed on as 502
            await site.apple("PUT", f"/servers/{server}/certificate", content=certificate.content)
            token = await site.portal.post(f"/servers/{server}/token")
            token.raise_for_status()
            taken = await self.desk.ask("PUT", f"/accounts/{account}/token", content=token.content)
            return taken.is_success
        return False

    async def _insist(self, method: str, path: str, **more: Any) -> httpx2.Response:
        """An answer, however often that must be asked for."""
        while True:
            with suppress(NotAnswered):
                return await self.desk.ask(method, path, **more)
            await asyncio.sleep(0.5)


@dataclass
class Follower:
    """Follows the feed from its beginning and keeps everything; `gone` is what it was told where the feed broke."""

    desk: Desk
    seen: list[dict[str, Any]] = field(default_factory=list)
    cursor: str | None = None
    gone: str | None = None

    async def keep_following(self) -> None:
        """Read on for ever."""
        while self.gone is None:
            if not await self.read_on():
                await asyncio.sleep(FOLLOWED_EVERY_S)

    async def read_on(self) -> bool:
        """Read what comes next; True where there may be more at once."""
        params = {"limit": "37"} | ({"cursor": self.cursor} if self.cursor is not None else {})
        try:
            answer = await self.desk.ask("GET", "/changes", params=params)
        except NotAnswered:
            return False
        if answer.status_code != 200:
            self.gone = f"{answer.status_code} at cursor {self.cursor}: {answer.text}"
            return False
        page = answer.json()
        self.seen += page["items"]
        self.cursor = page["next_cursor"]
        return len(page["items"]) == 37
