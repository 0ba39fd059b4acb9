"""Another program holds the database: what reads goes on, what writes is told so in time, and nothing is lost."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing

import psycopg
import pytest

from adept.store.database import Store, open_store
from tests.web.conftest import RunningService

BUSY_S = 0.5


@pytest.fixture
async def store(database_url: str, secret_key: str) -> AsyncIterator[Store]:
    """A store that doesn't wait long for others."""
    async with open_store(
        database_url, secret_keys=[secret_key], data_dir=None, migrate=False, busy_timeout_s=BUSY_S
    ) as opened:
        yield opened


@asynccontextmanager
async def locked(database_url: str) -> AsyncIterator[None]:
    """Hold the database as a backup or a forgotten shell would: others may read.

    The service may still be writing that its key was used: it is waited for in a thread, since it runs in this loop.
    """
    if database_url.startswith("sqlite"):
        file = database_url.removeprefix("sqlite:///")
        with closing(sqlite3.connect(file, isolation_level=None, timeout=30, check_same_thread=False)) as connection:
            await asyncio.to_thread(connection.execute, "BEGIN IMMEDIATE")
            yield
    else:
        with psycopg.connect(database_url) as session:
            await asyncio.to_thread(session.execute, "LOCK TABLE accounts, api_keys IN EXCLUSIVE MODE")
            yield


async def test_what_writes_is_told_and_works_again_once_the_lock_is_gone(
    service: RunningService, database_url: str
) -> None:
    await service.post("/api/v1/accounts", role="admin", json={"name": "hq"})
    async with locked(database_url):
        for method, path, body in (
            ("POST", "/api/v1/accounts", {"name": "lab"}),
            ("PUT", "/api/v1/accounts/hq/pause", None),
            ("DELETE", "/api/v1/accounts/hq?confirm=hq", None),
        ):
            answer = await service.request(method, path, role="admin", json=body)
            problem = answer.json()
            assert (answer.status_code, problem["code"]) == (503, "store"), path
            assert problem["way_out"]
            assert int(answer.headers["Retry-After"]) > 0
    accounts = (await service.get("/api/v1/accounts", role="admin")).json()["items"]
    assert [(account["name"], account["paused"]) for account in accounts] == [("hq", False)]
    assert (await service.post("/api/v1/accounts", role="admin", json={"name": "lab"})).status_code == 201


async def test_what_reads_goes_on_meanwhile(service: RunningService, database_url: str) -> None:
    await service.post("/api/v1/accounts", role="admin", json={"name": "hq"})
    async with locked(database_url):
        for path in ("/api/v1/accounts", "/api/v1/accounts/hq", "/api/v1/passes", "/metrics", "/readyz"):
            assert (await service.get(path, role="admin")).status_code == 200, path
