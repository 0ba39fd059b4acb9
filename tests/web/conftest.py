"""A running service on a socket of its own, on both engines, beside a running simulator.

The service runs in the test's own event loop: `service.store` is the very store that it works with. What blocks the
loop (a subprocess) has to be run in a thread or by `anyio.run_process`.
"""

from __future__ import annotations

import hashlib
import secrets
import ssl
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx2
import pytest
from sqlalchemy import insert

from adept.client.async_client import AsyncClient
from adept.protocol.server_token import ServerToken
from adept.settings import Settings
from adept.simulator.running import Running, serve
from adept.simulator.simulator import Simulator
from adept.store.database import Store
from adept.store.tables import api_keys
from adept.web.app import create_app
from adept.web.base_urls import way_to
from adept.web.counts import Metrics
from adept.web.listening import Listening, listen
from adept.web.service import Service

NO_TLS = ssl.SSLContext(
    ssl.PROTOCOL_TLS_CLIENT
)  # plain http needs none, and httpx2 would read all authorities' each time


@dataclass
class Clock:
    """The service's time, which a test moves; it starts at the real one, since the simulator checks signatures."""

    time: datetime = field(default_factory=lambda: datetime.now(UTC))

    def __call__(self) -> datetime:
        return self.time

    def advance(self, **span: float) -> None:
        """Move on by a `timedelta` of these parts."""
        self.time += timedelta(**span)


@dataclass
class RunningService:
    """A service that listens, and what tests do with it. Requests without a role carry no key."""

    url: str
    store: Store
    settings: Settings
    clock: Clock
    simulator: Running
    client: httpx2.AsyncClient
    metrics: Metrics
    wakes: list[None] = field(default_factory=list)
    keys: dict[tuple[str, bool], str] = field(default_factory=dict)

    async def key(self, role: str = "admin", *, may_read_secrets: bool = False) -> str:
        """An API key with the role; the same one each time."""
        known = self.keys.get((role, may_read_secrets))
        if known is not None:
            return known
        secret = f"adk_{secrets.token_urlsafe(32)}"
        async with self.store.writing() as tx:
            await tx.execute(
                insert(api_keys).values(
                    name=f"{role}{'-secrets' if may_read_secrets else ''}",
                    role=role,
                    may_read_secrets=may_read_secrets,
                    secret_hash=hashlib.sha256(secret.encode()).digest(),
                    created_at=self.clock(),
                    created_by="tests",
                )
            )
        self.keys[role, may_read_secrets] = secret
        return secret

    async def request(
        self, method: str, path: str, *, role: str | None = None, may_read_secrets: bool = False, **options: Any
    ) -> httpx2.Response:
        """Send a request, with a key of the role where one is named."""
        headers = dict(options.pop("headers", None) or {})
        if role is not None:
            headers["Authorization"] = f"Bearer {await self.key(role, may_read_secrets=may_read_secrets)}"
        return await self.client.request(method, path, headers=headers, **options)

    async def get(self, path: str, **options: Any) -> httpx2.Response:
        """GET; options as of `request`."""
        return await self.request("GET", path, **options)

    async def post(self, path: str, **options: Any) -> httpx2.Response:
        """POST; options as of `request`."""
        return await self.request("POST", path, **options)

    async def put(self, path: str, **options: Any) -> httpx2.Response:
        """PUT; options as of `request`."""
        return await self.request("PUT", path, **options)

    async def delete(self, path: str, **options: Any) -> httpx2.Response:
        """DELETE; options as of `request`."""
        return await self.request("DELETE", path, **options)


@pytest.fixture
def clock() -> Clock:
    """The service's time."""
    return Clock()


@pytest.fixture
def simulator() -> Iterator[Running]:
    """A running simulator with ten devices."""
    with serve(Simulator(devices=10)) as running:
        yield running


@pytest.fixture
def service_settings(database_url: str, secret_key: str, simulator: Running, tmp_path: Path) -> Settings:
    """The service's settings; a test that wants others overrides this fixture."""
    return Settings(
        database_url=database_url,  # type: ignore[arg-type]  # validated into a SecretStr
        secret_keys=secret_key,  # type: ignore[arg-type]  # as above
        data_dir=tmp_path,
        url=simulator.url,
        allow_private_addresses=True,
    )


@pytest.fixture
async def service(
    store: Store, service_settings: Settings, clock: Clock, simulator: Running
) -> AsyncIterator[RunningService]:
    """A running service, on SQLite and on PostgreSQL."""
    wakes: list[None] = []
    metrics = Metrics()

    def connect(token: ServerToken, base_url: str) -> AsyncClient:
        http = way_to(base_url, service_settings)
        return AsyncClient(token, base_url=base_url, http=http, observe=metrics.request_ended)

    made = Service(store, service_settings, clock, connect, lambda: wakes.append(None), metrics)
    listener = listen("127.0.0.1", 0)
    url = f"http://127.0.0.1:{listener.getsockname()[1]}"
    listening = Listening(create_app(made), listener)
    await listening.start()
    try:
        async with httpx2.AsyncClient(base_url=url, timeout=30, verify=NO_TLS) as client:
            yield RunningService(url, store, service_settings, clock, simulator, client, metrics, wakes)
    finally:
        await listening.stop()
