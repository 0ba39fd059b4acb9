"""An Apple that says exactly what a test tells it to, spoken to by the real client through an in-memory transport.

For what the simulator has no word for: crossed op_dates, cursors that go in circles, silence about one device.
"""

from __future__ import annotations

import json
from collections import deque
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx2

from adept.client.async_client import AsyncClient
from adept.protocol.server_token import ServerToken

T0 = datetime(2026, 11, 21, 9, 0, tzinfo=UTC)
FETCH, SYNC, DETAILS, ACCOUNT = "/server/devices", "/devices/sync", "/devices", "/account"


def stamp(minute: int) -> str:
    """A time of Apple's, `minute` minutes after T0."""
    return (T0 + timedelta(minutes=minute)).isoformat().replace("+00:00", "Z")


def device(serial: str, **fields: Any) -> dict[str, Any]:
    return {"serial_number": serial, "model": "MacBook Air", "profile_status": "empty", **fields}


def op(serial: str, op_type: str, minute: int, **fields: Any) -> dict[str, Any]:
    return device(serial, op_type=op_type, op_date=stamp(minute), **fields)


def page(*devices: dict[str, Any], cursor: str | None = "c", more: bool | str = False) -> dict[str, Any]:
    return {"devices": list(devices), "cursor": cursor, "more_to_follow": more, "fetched_until": stamp(0)}


def refusal(code: str, status: int = 400, **headers: str) -> httpx2.Response:
    return httpx2.Response(status, text=code, headers={"Content-Type": "text/plain;charset=UTF8", **headers})


def server_token(name: str = "hq", *, expires: datetime | None = None) -> ServerToken:
    return ServerToken(
        consumer_key=f"CK_{name}",
        consumer_secret="CS_secret",
        access_token=f"AT_{name}",
        access_secret="AS_secret",
        access_token_expiry=expires or T0 + timedelta(days=365),
    )


@dataclass
class Clock:
    """Time that a test moves."""

    time: datetime = T0

    def __call__(self) -> datetime:
        return self.time

    def advance(self, **span: float) -> None:
        self.time += timedelta(**span)


@dataclass
class ScriptedApple(httpx2.AsyncBaseTransport):
    """Answers fetch and sync from `script`, in order; `POST /devices` from `devices`; `/account` from `identity`.

    What is scripted for an endpoint by `say` comes before that. `asked` keeps every request but those for sessions.
    """

    clock: Clock
    identity: dict[str, Any] = field(default_factory=lambda: {"server_name": "HQ", "server_uuid": "AB" * 16})
    devices: dict[str, dict[str, Any]] = field(default_factory=dict)
    script: dict[str, deque[Any]] = field(default_factory=dict)
    asked: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    sessions: int = 0

    def say(self, path: str, *answers: Any) -> None:
        self.script.setdefault(path, deque()).extend(answers)

    def cursors_sent(self, path: str) -> list[str | None]:
        return [body.get("cursor") for asked, body in self.asked if asked == path]

    def connect(self, token: ServerToken, base_url: str) -> AsyncClient:
        async def sleep(seconds: float) -> None:
            self.clock.advance(seconds=seconds)

        return AsyncClient(token, base_url=base_url, http=self, now=self.clock, sleep=sleep)

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        path = request.url.path
        if path == "/session":
            self.sessions += 1
            if self.script.get(path):
                return self._response(self.script[path].popleft())
            return httpx2.Response(200, json={"auth_session_token": f"session{self.sessions}"})
        body = json.loads(await request.aread() or b"{}")
        self.asked.append((path, body))
        if self.script.get(path):
            answer = self.script[path].popleft()
            return self._response(await answer() if callable(answer) else answer)
        if path == DETAILS:
            return httpx2.Response(200, json={"devices": {s: self._details(s) for s in body["devices"]}})
        if path == ACCOUNT:
            return httpx2.Response(200, json=self.identity)
        raise AssertionError(f"nothing is scripted for {path} any more")

    def _details(self, serial: str) -> dict[str, Any]:
        known = self.devices.get(serial)
        return {**known, "response_status": "SUCCESS"} if known else {"response_status": "NOT_FOUND"}

    @staticmethod
    def _response(answer: Any) -> httpx2.Response:
        if isinstance(answer, Exception):
            raise answer
        return answer if isinstance(answer, httpx2.Response) else httpx2.Response(200, json=answer)
