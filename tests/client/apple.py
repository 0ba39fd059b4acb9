"""A small Apple for the clients' tests: scripted answers, honest sessions, and a note of every request.

It is no simulator: it knows sessions and nothing else, so that a test says on one line what Apple answers next.
"""

from __future__ import annotations

import asyncio
import json
import threading
from collections import defaultdict, deque
from collections.abc import Callable
from typing import Any

import httpx2

from adept import AsyncClient, Client
from tests.tokens import NOW, TOKEN

Reply = httpx2.Response | Callable[[httpx2.Request], httpx2.Response]


def yes(value: Any = None, **headers: str) -> httpx2.Response:
    """A 200 with JSON, as Apple labels it."""
    content = json.dumps({} if value is None else value).encode()
    return httpx2.Response(
        200, content=content, headers=_named({"Content-Type": "application/json;charset=UTF8"}, headers)
    )


def no(status: int, code: str = "", **headers: str) -> httpx2.Response:
    """An error with a bare code, as Apple labels it."""
    return httpx2.Response(
        status, content=code.encode(), headers=_named({"Content-Type": "text/plain;Charset=UTF8"}, headers)
    )


def _named(first: dict[str, str], headers: dict[str, str]) -> dict[str, str]:
    return first | {name.replace("_", "-"): value for name, value in headers.items()}


ACCOUNT = {"server_name": "hq", "server_uuid": "677CAB70FE1811E28B390800200C9A66"}
UNAUTHORIZED = (401, "UNAUTHORIZED")


class Apple:
    """Answers from scripts by endpoint, then with `default`; opens sessions s1, s2, … and refuses all but the last."""

    def __init__(self) -> None:
        self.requests: list[httpx2.Request] = []
        self.scripts: dict[str, deque[Reply]] = defaultdict(deque)
        self.default: Reply = yes(ACCOUNT)
        self.session: str | None = None
        self.opened = 0
        self._lock = threading.Lock()

    def script(self, endpoint: str, *replies: Reply) -> None:
        """What the next requests to `METHOD /path` are answered, in order."""
        self.scripts[endpoint].extend(replies)

    @property
    def asked(self) -> list[str]:
        """Every request so far, as `METHOD /path`."""
        return [f"{request.method} {request.url.path}" for request in self.requests]

    def __call__(self, request: httpx2.Request) -> httpx2.Response:
        """Answer one request."""
        with self._lock:
            self.requests.append(request)
            script = self.scripts[f"{request.method} {request.url.path}"]
            if script:
                reply = script.popleft()
            elif request.url.path == "/session":
                reply = self._open()
            elif request.headers.get("X-ADM-Auth-Session") != self.session:
                reply = no(*UNAUTHORIZED)
            else:
                reply = self.default
        made = reply(request) if callable(reply) else reply
        return httpx2.Response(made.status_code, headers=made.headers, content=made.content)

    def _open(self) -> httpx2.Response:
        self.opened += 1
        self.session = f"s{self.opened}"
        return yes({"auth_session_token": self.session})


class Waits:
    """A sleep that only notes how long it was asked to."""

    def __init__(self) -> None:
        self.seconds: list[float] = []

    def __call__(self, seconds: float) -> None:
        """Note."""
        self.seconds.append(seconds)


class Asker:
    """Either client behind one face, so that each test runs on both: `ask("account")`, `ask("send", call)`."""

    def __init__(self, kind: str, apple: Callable[[httpx2.Request], httpx2.Response], **settings: Any) -> None:
        self.waits = Waits()
        self._runner = asyncio.Runner()
        settings.setdefault("now", lambda: NOW)
        token = settings.pop("token", TOKEN)
        settings.setdefault("http", httpx2.MockTransport(apple))
        if kind == "threads":
            self.client: Any = Client(token, sleep=self.waits, **settings)
        else:
            self.client = AsyncClient(token, sleep=self._sleep, **settings)
        self.kind = kind

    async def _sleep(self, seconds: float) -> None:
        self.waits(seconds)

    def __call__(self, method: str, *args: Any, **kwargs: Any) -> Any:
        """Call a method; of an iterator everything."""
        found = getattr(self.client, method)(*args, **kwargs)
        if method.startswith("all_"):
            return self.listed(found)
        return found if self.kind == "threads" else self._runner.run(found)

    def listed(self, listing: Any) -> list[Any]:
        """All that an iterator of either client gives."""
        if self.kind == "threads":
            return list(listing)

        async def gather() -> list[Any]:
            return [device async for device in listing]

        return self._runner.run(gather())

    def close(self) -> None:
        """Close the client and its loop."""
        if self.kind == "threads":
            self.client.close()
        else:
            self._runner.run(self.client.aclose())
        self._runner.close()
