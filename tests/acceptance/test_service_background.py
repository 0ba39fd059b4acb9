"""`adept serve` looks after accounts: killed or told to stop in mid-pass, beside another one and beside commands."""

from __future__ import annotations

import json
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path
from typing import Any

import httpx2
import pytest
from sqlalchemy import text

from adept.access.keys import create_key
from adept.access.roles import Role
from adept.simulator.running import Running, serve
from adept.simulator.simulator import Simulator
from adept.store import passes
from adept.store.accounts import account_named, lock_account, update_account
from adept.store.audit import ADEPT as BY_ADEPT
from adept.store.database import BUSY_TIMEOUT_S, Store
from tests.acceptance.service import ServiceProcess, serving
from tests.cli.conftest import ADEPT, process_environment
from tests.sync.truth import assert_equals_the_truth, assert_the_feed_tells_every_change_once

DEVICES, PAGE = 600, 50


def now() -> datetime:
    return datetime.now(UTC)


@pytest.fixture
async def key(store: Store) -> str:
    _, secret = await create_key(store, "tests", role=Role.ADMIN, may_read_secrets=True, by=BY_ADEPT, now=now)
    return secret


@dataclass
class Operator:
    """Somebody with a key who uses a running service."""

    http: httpx2.Client

    def add(self, name: str, apple: Running, server: str | None = None) -> None:
        token = json.loads(apple.simulator.token_of(server).to_json())
        added = self.http.post("/accounts", json={"name": name, "base_url": apple.url, "token": token})
        assert added.status_code == 201, added.text

    def ask(self, name: str, kind: str = "sync") -> int:
        """Ask for a pass; its id."""
        asked = self.http.post(f"/accounts/{name}/passes", json={"kind": kind})
        assert asked.status_code == 202, asked.text
        return int(asked.headers["Location"].rpartition("/")[2])

    def follow(self, pass_id: int) -> Iterator[dict[str, Any]]:
        """The pass as it goes on, to its end."""
        with self.http.stream("GET", f"/passes/{pass_id}/events", timeout=60) as events:
            for line in events.iter_lines():
                if line.startswith("data:"):
                    yield json.loads(line.removeprefix("data:"))

    def until(self, pass_id: int, *, pages: int) -> None:
        """Follow the pass until it has stored so many pages and is still running."""
        for seen in self.follow(pass_id):
            assert seen["state"] in ("queued", "running"), seen
            if seen["pages"] >= pages:
                return
        raise AssertionError("the pass's events ended")

    def end_of(self, pass_id: int) -> dict[str, Any]:
        *_, last = self.follow(pass_id)
        return last


@contextmanager
def operating(service: ServiceProcess, key: str) -> Iterator[Operator]:
    headers = {"Authorization": f"Bearer {key}"}
    with httpx2.Client(base_url=f"{service.url}/api/v1", headers=headers, timeout=30) as http:
        yield Operator(http)


@contextmanager
def stuck_in_mid_pass(
    environment: dict[str, str], key: str, apple: Running, log_file: Path
) -> Iterator[ServiceProcess]:
    """A service that has stored five pages of its first fetch and waits for Apple's sixth."""
    apple.simulator.fault("post_server_devices", "slow", after=5, seconds=60)
    with serving(environment, log_file=log_file) as service, operating(service, key) as operator:
        operator.add("hq", apple)
        operator.until(operator.ask("hq"), pages=5)
        yield service
    apple.simulator.clear_faults()


async def assert_all_is_stored_and_told(store: Store, apple: Running, name: str = "hq") -> None:
    async with store.reading() as tx:
        account = await account_named(tx, name)
    await assert_equals_the_truth(store, account.id, apple.simulator.devices())
    await assert_the_feed_tells_every_change_once(store, account.id)


async def walked(store: Store, name: str = "hq") -> list[passes.StoredPass]:
    """The account's passes, the oldest first."""
    async with store.reading() as tx:
        return list(reversed(await passes.passes_of(tx, (await account_named(tx, name)).id, limit=100)))


def syncing(environment: dict[str, str], name: str) -> subprocess.Popen[bytes]:
    """`adept accounts sync` as a process."""
    settings = process_environment(environment)
    return subprocess.Popen([ADEPT, "accounts", "sync", name], env=settings, stdout=subprocess.DEVNULL)


def fetches(apple: Running) -> int:
    return sum(entry.path == "/server/devices" for entry in apple.simulator.requests())


async def test_a_service_killed_in_mid_pass_goes_on_from_there_when_it_is_back(store, environment, key, tmp_path):
    with serve(Simulator(devices=DEVICES, seed=1, page_limit=PAGE)) as apple:
        with stuck_in_mid_pass(environment, key, apple, tmp_path / "log") as service:
            service.process.send_signal(signal.SIGKILL)
            service.process.wait()
        async with store.writing() as tx:
            account = await account_named(tx, "hq")
            assert account.lease_until is not None
            await update_account(tx, account.id, lease_until=account.created_at)  # half a minute has passed
            if store.dialect_name == "postgresql":
                await tx.execute(text("UPDATE procrastinate_workers SET last_heartbeat = now() - interval '31 s'"))
        with serving(environment, log_file=tmp_path / "log") as service, operating(service, key) as operator:
            assert operator.end_of(operator.ask("hq"))["state"] == "done"
        await assert_all_is_stored_and_told(store, apple)
        assert fetches(apple) <= DEVICES // PAGE + 2  # no more than the page in flight was asked for again
    states = [row.state for row in await walked(store)]
    assert (states[0], states[-1]) == ("lost", "done")


async def test_a_service_told_to_stop_in_mid_pass_is_gone_in_time_and_goes_on_from_there(
    store, environment, key, tmp_path
):
    with serve(Simulator(devices=DEVICES, seed=2, page_limit=PAGE)) as apple:
        with stuck_in_mid_pass(environment, key, apple, tmp_path / "log") as service:
            assert service.stop() == 0
        async with store.reading() as tx:
            account = await account_named(tx, "hq")
        assert account.lease_until is None
        stopped = (await walked(store))[-1]
        assert (stopped.state, stopped.pages, stopped.devices) == ("failed", 5, 5 * PAGE)
        with serving(environment, log_file=tmp_path / "log") as service, operating(service, key) as operator:
            assert operator.end_of(operator.ask("hq"))["state"] == "done"
        await assert_all_is_stored_and_told(store, apple)
        assert fetches(apple) <= DEVICES // PAGE + 2
    assert "Traceback" not in (tmp_path / "log").read_text()


async def test_a_service_told_to_stop_does_not_wait_for_a_database_that_somebody_locked(
    store, environment, key, tmp_path
):
    with (
        serve(Simulator(devices=DEVICES, seed=3, page_limit=PAGE)) as apple,
        stuck_in_mid_pass(environment, key, apple, tmp_path / "log") as service,
    ):
        async with store.writing() as tx:
            await lock_account(tx, (await account_named(tx, "hq")).id)
            service.process.send_signal(signal.SIGTERM)
            service.process.wait(BUSY_TIMEOUT_S - 2)  # one statement that waits for the lock takes longer
    left = (await walked(store))[-1]
    assert (left.pages, left.devices) == (5, 5 * PAGE)


async def test_two_services_and_commands_on_one_database_walk_no_account_twice(store, environment, key, tmp_path):
    simulator = Simulator(devices=120, seed=4, page_limit=40)
    names = ["hq", *(f"a{number}" for number in range(4))]
    servers = [None, *names[1:]]
    for name in names[1:]:
        simulator.add_server(name)
        simulator.buy(80, server=name)
        simulator.get_token(name, form="json")
    with serve(simulator) as apple:
        with (
            serving(environment, log_file=tmp_path / "one") as one,
            serving(environment, log_file=tmp_path / "two") as two,
            operating(one, key) as at_one,
            operating(two, key) as at_two,
        ):
            for name, server in zip(names, servers, strict=True):
                at_one.add(name, apple, server)
            commands = [syncing(environment, name) for name in names[:3]]
            asked = {operator.ask(name) for name in names for operator in (at_one, at_two)}
            assert {at_two.end_of(pass_id)["state"] for pass_id in asked} == {"done"}
            assert {command.wait(60) for command in commands} == {0}
        assert fetches(apple) == 3 + 2 * 4  # each account's pages once
    for name in names:
        ran = await walked(store, name)
        assert {row.state for row in ran} == {"done"}
        assert all(before.ended_at and before.ended_at <= after.started_at for before, after in pairwise(ran))
    await assert_all_is_stored_and_told(store, apple)
    async with store.reading() as tx:
        holders = [(await account_named(tx, name)).lease_holder for name in names]
    assert holders == [None] * len(names)
