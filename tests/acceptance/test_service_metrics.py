"""What `adept serve` tells Prometheus of the work that it did by itself, on its own port and on the metrics' one."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import httpx2
import pytest

from adept.access.keys import create_key
from adept.access.roles import Role
from adept.accounts.registry import add
from adept.client.async_client import AsyncClient
from adept.simulator.running import Running, serve
from adept.simulator.simulator import Simulator
from adept.store.audit import ADEPT
from adept.store.database import Store
from tests.acceptance.service import serving
from tests.web.test_metrics import one, samples


def now() -> datetime:
    return datetime.now(UTC)


@pytest.fixture
def apple() -> Iterator[Running]:
    with serve(Simulator(devices=20)) as running:
        yield running


async def test_the_metrics_of_a_running_service_tell_what_its_runner_did(
    store: Store, database_url: str, secret_key: str, apple: Running, tmp_path: Path
) -> None:
    def connect(*_: object) -> AsyncClient:
        return AsyncClient(apple.token, base_url=apple.url)

    await add(store, "hq", base_url=apple.url, token=apple.token, connect=connect, by=ADEPT, now=now)
    _, key = await create_key(store, "tests", role=Role.OPERATOR, by=ADEPT, now=now)
    environment = {"ADEPT_DATABASE_URL": database_url, "ADEPT_SECRET_KEYS": secret_key, "ADEPT_METRICS_PORT": "0"}
    environment["ADEPT_ALLOW_PRIVATE_ADDRESSES"] = "true"
    headers = {"Authorization": f"Bearer {key}"}
    with serving(environment, log_file=tmp_path / "log") as service:
        async with httpx2.AsyncClient(base_url=service.url, headers=headers, timeout=60) as http:
            for _ in range(2):  # once a second pass has ended, the first has surely been counted
                asked = await http.post("/api/v1/accounts/hq/passes", json={"kind": "full"})
                assert "event: end" in (await http.get(f"{asked.headers['Location']}/events")).text
            told = samples((await http.get("/metrics")).text)
        assert service.metrics_url is not None
        async with httpx2.AsyncClient(base_url=service.metrics_url) as beside:
            same = samples((await beside.get("/metrics")).text)
            assert (await beside.get("/api/v1/accounts")).status_code == 404
    for found in (told, same):
        assert one(found, "adept_account_health", account="hq", health="ok") == 1
        assert one(found, "adept_changes_total", kind="added") == 20
        asked_of_apple = {"endpoint": "POST /server/devices", "outcome": "ok"}
        assert (one(found, "adept_apple_request_duration_seconds_count", **asked_of_apple) or 0) >= 1
