"""A whole site for one run: PostgreSQL on a small disk, Apple behind a bad line, two services, three workers."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx2
import psycopg

from adept.access.keys import create_key
from adept.access.roles import Role
from adept.accounts.registry import add
from adept.client.async_client import AsyncClient
from adept.protocol.server_token import ServerToken
from adept.store.audit import ADEPT as BY_ADEPT
from adept.store.database import Store, open_store
from tests.acceptance.faults.acts import ACCOUNTS, ORGANISATIONS, OURS, SERVICES, WORKERS
from tests.acceptance.faults.machines import Disk, Machine, small_disk
from tests.acceptance.moved_clock import MovedClock
from tests.cli.conftest import ADEPT, process_environment
from tests.ports import free_ports
from tests.postgres_keeper import SUPERUSER, find_binaries, free_port, run_as

SECRET_KEY = "ZmF1bHRzIGZhdWx0cyBmYXVsdHMgZmF1bHRzIGZhdWw="
DISK_MIB = 160
DEVICES, PAGE = 90, 20
FIRST_SERVER = "Example MDM"
SECOND_ORGANISATION = "Example School"
PROFILE = "0123456789ABCDEF0123456789ABCDEF"
ASSIGNED = {"profile_status": "assigned", "profile_uuid": PROFILE, "profile_assign_time": "2026-01-01T00:00:00Z"}
HERE = Path(__file__).parent


def now() -> datetime:
    return datetime.now(UTC)


def connect(token: ServerToken, base_url: str) -> AsyncClient:
    return AsyncClient(token, base_url=base_url)


async def until(met: Callable[[], Awaitable[bool]], *, within_s: float) -> bool:
    """Look again and again whether it is so; False if it never was."""
    ends_s = time.monotonic() + within_s
    while time.monotonic() < ends_s:
        if await met():
            return True
        await asyncio.sleep(0.2)
    return False


@dataclass
class Site:
    """Everything that runs, and the ways to it."""

    folder: Path
    disk: Disk
    database_url: str
    machines: dict[str, Machine]
    services: dict[str, str]  # name to base URL
    portal: httpx2.AsyncClient  # Apple's, for whom the line does not break
    founded: dict[str, list[dict[str, Any]]]  # the devices that each account's server began with
    clocks: dict[str, MovedClock] = field(default_factory=dict)  # of our processes
    key: str = ""
    _asked: list[dict[str, Any]] = field(default_factory=list)  # requests that a killed simulator has forgotten

    def server(self, account: str) -> str:
        """What Apple calls the account."""
        return FIRST_SERVER if account == "hq" else account

    async def apple(self, method: str, path: str, **more: Any) -> Any:
        """Ask the simulator's control API; the JSON of its answer, None where it has none."""
        answer = await self.portal.request(method, path, **more)
        answer.raise_for_status()
        return answer.json() if answer.headers.get("content-type", "").startswith("application/json") else None

    async def requests(self) -> list[dict[str, Any]]:
        """What Apple was asked, oldest first."""
        return [*self._asked, *(await self.apple("GET", "/requests"))["requests"]]

    async def crash_apple(self) -> None:
        """Kill Apple and start it again: it knows what was done to it, but no session. Faults still to come are ordered
        again, and what it was asked is known here.
        """
        apple, road = self.machines["simulator"], self.machines["proxy"]
        road.stop()  # or what is asked between the question and the end would be known to nobody
        self._asked = await self.requests()
        to_come = (await self.apple("GET", "/faults"))["faults"]
        apple.kill()
        road.go_on()
        apple.start()

        async def is_back() -> bool:
            return apple.is_ready

        assert await until(is_back, within_s=120), "the simulator did not come back"
        for fault in to_come:
            await self.apple("POST", "/faults", json=fault)

    async def truth(self, account: str) -> dict[str, bytes]:
        """What is on the account's server now."""
        found = await self.apple("GET", "/devices", params={"server": self.server(account)})
        return {device["serial_number"]: json.dumps(device).encode() for device in found["devices"]}

    async def log(self, account: str) -> list[dict[str, Any]]:
        """What happened to the devices of the account's server."""
        found = await self.apple("GET", "/log", params={"server": self.server(account)})
        return list(found["operations"])

    @asynccontextmanager
    async def store(self) -> AsyncIterator[Store]:
        """Our own way to the database, for looking."""
        async with open_store(self.database_url, secret_keys=[SECRET_KEY], data_dir=None, migrate=False) as store:
            yield store

    async def database(self) -> psycopg.AsyncConnection[Any] | None:
        """A connection as the superuser, None while PostgreSQL is away."""
        with suppress(psycopg.Error, OSError):
            return await psycopg.AsyncConnection.connect(self.database_url, autocommit=True, connect_timeout=2)
        return None

    async def is_database_up(self) -> bool:
        """Whether PostgreSQL takes connections and writes."""
        connection = await self.database()
        if connection is None:
            return False
        with suppress(psycopg.Error):
            async with connection:
                await connection.execute("CREATE TEMPORARY TABLE room AS SELECT 1")
                return True
        return False


@asynccontextmanager
async def site(*, seed: int, echo: Callable[[str], None]) -> AsyncIterator[Site]:
    """The site with its four accounts, none of them synced yet; everything is gone afterwards."""
    with _folder() as folder, small_disk(folder / "disk", DISK_MIB) as disk:
        machines: dict[str, Machine] = {}
        keeper = None
        try:
            database_url = _make_postgresql(machines, disk, folder)
            apple_url, control_url, road_url = _make_apple(machines, folder, seed)
            keeper = asyncio.create_task(_keep(machines))
            async with httpx2.AsyncClient(base_url=control_url, timeout=120) as portal:
                made = Site(folder, disk, database_url, machines, {}, portal, {})
                await _found(made, apple_url, road_url)
                await _start_ours(made)
                echo("everything runs")
                yield made
        finally:
            if keeper is not None:
                keeper.cancel()
            for machine in reversed(machines.values()):
                machine.close()


@contextmanager
def _folder() -> Iterator[Path]:
    """A folder that goes with the run, with one in it for a disk; not pytest's: PostgreSQL's user looks into it."""
    with tempfile.TemporaryDirectory(prefix="adept-faults-") as home:
        Path(home).chmod(0o755)
        Path(home, "disk").mkdir()
        yield Path(home)


async def _keep(machines: dict[str, Machine]) -> None:
    while True:
        for machine in machines.values():
            machine.keep()
        await asyncio.sleep(0.1)


def _make_postgresql(machines: dict[str, Machine], disk: Disk, folder: Path) -> str:
    """A cluster on the small disk; its URL."""
    user = {key: value for key, value in run_as().items() if key in ("user", "group")}
    if user:
        os.chown(disk.seen, user["user"], user["group"])
    programs, data, port = find_binaries(), str(disk.folder / "data"), free_port()
    command = [*disk.on(user=user), str(programs / "initdb"), "-D", data, "-U", SUPERUSER, "--no-sync"]
    command += ["--encoding=UTF8", "--locale=C.UTF-8", "--auth=trust", "--wal-segsize=1"]
    subprocess.run(command, check=True, capture_output=True, cwd="/")
    settings = {
        "listen_addresses": "127.0.0.1",
        "port": port,
        "unix_socket_directories": "",
        "max_connections": 120,
        "shared_buffers": "32MB",
        "min_wal_size": "4MB",
        "max_wal_size": "24MB",
        "fsync": "off",  # processes are killed here, no machines
        "log_min_messages": "log",
    }
    options = [word for name, value in settings.items() for word in ("-c", f"{name}={value}")]
    command = [*disk.on(user=user), str(programs / "postgres"), "-D", data, *options]
    machines["postgresql"] = Machine("postgresql", command, folder / "postgresql.log", may_exit=True)
    machines["postgresql"].start()
    return f"postgresql://{SUPERUSER}@127.0.0.1:{port}/postgres"


def _make_apple(machines: dict[str, Machine], folder: Path, seed: int) -> tuple[str, str, str]:
    """The simulator and the line to it: the URLs of its service, of its portal, and of the line."""
    port, control_port, road_port = free_ports(3)
    command = [str(ADEPT), "simulator", "--port", str(port), "--control-port", str(control_port), "--seed", str(seed)]
    command += ["--state", str(folder / "apple.state")]
    machines["simulator"] = Machine("simulator", command, folder / "simulator.log", environment=process_environment({}))
    command = [str(ADEPT.with_name("python")), str(HERE / "proxy.py"), str(road_port), str(port)]
    machines["proxy"] = Machine("proxy", command, folder / "proxy.log", is_told=True, may_exit=True)
    for name in ("simulator", "proxy"):
        machines[name].start()
    return tuple(f"http://127.0.0.1:{each}" for each in (port, control_port, road_port))  # type: ignore[return-value]


async def _found(made: Site, apple_url: str, road_url: str) -> None:
    """Servers with devices at Apple, and an account for each in a new database."""

    async def is_up() -> bool:
        return made.machines["simulator"].is_ready and await made.is_database_up()

    assert await until(is_up, within_s=120), "PostgreSQL and the simulator did not start"
    await made.apple("POST", "/organizations", json={"name": SECOND_ORGANISATION})
    async with open_store(made.database_url, secret_keys=[SECRET_KEY], data_dir=None, migrate=True) as store:
        _, made.key = await create_key(store, "faults", role=Role.ADMIN, may_read_secrets=True, by=BY_ADEPT, now=now)
        for account in ACCOUNTS:
            if account != "hq":
                owner = SECOND_ORGANISATION if ORGANISATIONS[account] == 2 else None
                await made.apple("POST", "/servers", json={"name": account, "organization": owner})
            server = made.server(account)
            for fields in ({}, ASSIGNED):
                bought = {"count": DEVICES // 2, "server": server, "fields": fields}
                await made.apple("POST", "/devices", json=bought)
            found = await made.apple("GET", "/devices", params={"server": server})
            made.founded[account] = found["devices"]
            answer = await made.portal.post(f"/servers/{server}/token", params={"form": "json"})
            token = ServerToken.from_json(answer.content)
            await add(store, account, base_url=apple_url, token=token, connect=connect, by=BY_ADEPT, now=now)
    async with await psycopg.AsyncConnection.connect(made.database_url, autocommit=True) as connection:
        # those who add an account see Apple as it is; all others by the bad line, and by small pages
        await connection.execute("UPDATE accounts SET base_url = %s, page_size = %s", (road_url, PAGE))
        await connection.execute("DELETE FROM apple_sessions")


async def _start_ours(made: Site) -> None:
    for name in OURS:
        made.clocks[name] = MovedClock(made.folder / f"{name}.clock")
        command = [str(ADEPT), "worker"]
        if name in SERVICES:
            port = free_port()
            command = [str(ADEPT), "serve", "--port", str(port)]
            command += ["--no-worker"] if name == SERVICES[-1] else []
            made.services[name] = f"http://127.0.0.1:{port}/api/v1"
        made.machines[name] = Machine(name, command, made.folder / f"{name}.log", environment=_environment(made, name))
        made.machines[name].start()

    async def are_ready() -> bool:
        return all(made.machines[name].is_ready for name in (*WORKERS, *SERVICES))

    assert await until(are_ready, within_s=120), "services and workers did not start"


def _environment(made: Site, name: str) -> dict[str, str]:
    """The variables of one of our processes: its settings, and a clock that can be moved while it runs."""
    ours = {
        "ADEPT_DATABASE_URL": made.database_url,
        "ADEPT_SECRET_KEYS": SECRET_KEY,
        "ADEPT_DATA_DIR": str(made.folder / "data"),
        "ADEPT_ALLOW_PRIVATE_ADDRESSES": "true",
        "ADEPT_CONCURRENCY": "4",
    }
    return process_environment(ours) | made.clocks[name].environment
