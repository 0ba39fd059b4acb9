"""A disk that is full: the service says so, goes on reading, and goes on writing once there is room again."""

from __future__ import annotations

import asyncio
import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import httpx2
import pytest

from adept.access.keys import create_key
from adept.access.roles import Role
from adept.accounts.registry import add
from adept.client.async_client import AsyncClient
from adept.protocol.server_token import ServerToken
from adept.simulator.running import Running, serve
from adept.simulator.simulator import Simulator
from adept.store.audit import ADEPT
from adept.store.database import open_store
from tests.acceptance.service import ServiceProcess, serving

DISK_MIB = 16
NAMESPACE = ["unshare", "--mount"] if os.geteuid() == 0 else ["unshare", "--map-root-user", "--mount"]
MOUNT = f'mount -t tmpfs -o size={DISK_MIB}m disk "$0" && cp "$1" "$0/adept.sqlite3" && shift && exec "$@"'


def now() -> datetime:
    return datetime.now(UTC)


def connect(token: ServerToken, base_url: str) -> AsyncClient:
    return AsyncClient(token, base_url=base_url)


async def prepare(file: Path, sealing_key: str, apple: Running) -> str:
    """An account and an administrator's key in the database, which is closed then; returns the key."""
    async with open_store(f"sqlite:///{file}", secret_keys=[sealing_key], data_dir=None, migrate=False) as store:
        await add(store, "hq", base_url=apple.url, token=apple.token, connect=connect, by=ADEPT, now=now)
        _, key = await create_key(store, "tests", role=Role.ADMIN, by=ADEPT, now=now)
    return key


@contextmanager
def filled(disk: Path) -> Iterator[None]:
    """Fill the disk to its last byte while the block runs."""
    ballast = disk / "ballast"
    with ballast.open("wb", buffering=0) as out:
        for size in (1 << 20, 4096, 1):
            try:
                while True:
                    out.write(b"\0" * size)
            except OSError as error:
                if error.errno != errno.ENOSPC:
                    raise
    yield
    ballast.unlink()


@contextmanager
def on_small_disk(
    template: Path, disk: Path, environment: dict[str, str], log: Path
) -> Iterator[tuple[ServiceProcess, Path]]:
    """The service on a disk of its own; the path is how we reach that disk from outside."""
    under = [*NAMESPACE, "sh", "-c", MOUNT, str(disk), str(template)]
    with serving(environment, log_file=log, under=under) as service:
        yield service, Path(f"/proc/{service.process.pid}/root{disk}")


@pytest.fixture
def apple() -> Iterator[Running]:
    with serve(Simulator(devices=50)) as running:
        yield running


def test_a_full_disk_is_told_and_nothing_is_lost(
    sqlite_template: Path, secret_key: str, apple: Running, tmp_path: Path
) -> None:
    prepared, disk = tmp_path / "prepared.sqlite3", tmp_path / "disk"
    prepared.write_bytes(sqlite_template.read_bytes())
    disk.mkdir()
    key = asyncio.run(prepare(prepared, secret_key, apple))
    environment = {"ADEPT_DATA_DIR": str(disk), "ADEPT_SECRET_KEYS": secret_key, "ADEPT_URL": apple.url}
    with on_small_disk(prepared, disk, environment, tmp_path / "log") as (service, seen):
        with httpx2.Client(base_url=service.url, headers={"Authorization": f"Bearer {key}"}, timeout=60) as http:
            assert synced(http)["state"] == "done"
            apple.simulator.buy(500)
            with filled(seen):
                refused = http.post("/api/v1/accounts", json={"name": "lab"})
                assert (refused.status_code, refused.json()["code"]) == (503, "store")
                assert "full" in refused.json()["detail"]
                assert http.post("/api/v1/accounts/hq/passes", json={}).status_code == 503
                assert [account["name"] for account in http.get("/api/v1/accounts").json()["items"]] == ["hq"]
                assert http.get("/healthz").status_code == 200
            assert http.post("/api/v1/accounts", json={"name": "lab"}).status_code == 201
            assert synced(http)["state"] == "done"
            assert http.get("/api/v1/accounts/hq").json()["devices"] == 550
        assert service.stop() == 0


def synced(http: httpx2.Client) -> dict[str, object]:
    """A pass of the account, followed to its end."""
    path = http.post("/api/v1/accounts/hq/passes", json={}).headers["Location"]
    assert "event: end" in http.get(f"{path}/events").text
    found: dict[str, object] = http.get(path).json()
    return found
