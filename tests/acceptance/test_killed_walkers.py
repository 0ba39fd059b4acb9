"""Walkers that are killed or put to sleep at any point: nothing is lost, nothing is told twice, the sleeper is out."""

from __future__ import annotations

import asyncio
import json
import random
import select
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from adept.accounts.registry import add
from adept.client.async_client import AsyncClient
from adept.simulator.running import serve
from adept.simulator.simulator import Simulator
from adept.store import changes, inventory, outbox, passes
from adept.store.accounts import account_named
from adept.store.audit import ADEPT
from adept.store.device_filters import DeviceFilter
from tests.sync.truth import assert_equals_the_truth, assert_the_feed_tells_every_change_once

LEASE_S = 1.0
WALKER = Path(__file__).with_name("walker.py")


def now() -> datetime:
    return datetime.now(UTC)


class Walker:
    """A walker's process and what it has said."""

    def __init__(self, url: str, key: str, kind: str, lease_s: float) -> None:
        command = [sys.executable, str(WALKER), url, key, "hq", str(lease_s), kind]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)

    def line(self) -> dict[str, Any] | None:
        assert self.process.stdout is not None
        text = self.process.stdout.readline()
        return json.loads(text) if text else None

    def until_page(self, page: int) -> bool:
        """True once that many pages are committed, False if the pass ended before."""
        while (line := self.line()) is not None:
            if line.get("pages", -1) >= page:
                return True
        return False

    def wait_at_most(self, seconds: float) -> None:
        """Until it says something more, or so long."""
        assert self.process.stdout is not None
        select.select([self.process.stdout], [], [], seconds)

    def end(self) -> dict[str, Any]:
        """What it said last."""
        last: dict[str, Any] = {}
        while (line := self.line()) is not None:
            last = line
        assert self.process.wait() == 0
        return last

    def kill(self) -> None:
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()


@contextmanager
def walking(url: str, key: str, kind: str = "sync", *, lease_s: float = LEASE_S) -> Iterator[Walker]:
    walker = Walker(url, key, kind, lease_s)
    try:
        yield walker
    finally:
        if walker.process.poll() is None:
            walker.kill()
        assert walker.process.stdout is not None
        walker.process.stdout.close()


async def with_account(store, running) -> None:
    def connect(token, base_url):
        return AsyncClient(token, base_url=base_url)

    await add(store, "hq", base_url=running.url, by=ADEPT, now=now, connect=connect, token=running.token)


async def everything(store) -> dict[str, Any]:
    """All that a walker writes, for before and after."""
    async with store.reading() as tx:
        account = await account_named(tx, "hq")
        return {
            "account": replace(account, lease_until=None, lease_holder=None, lease_epoch=0),
            "devices": await inventory.device_rows(tx, DeviceFilter(deleted=None), limit=1_000_000),
            "changes": await changes.changes_after(tx, 0, limit=1_000_000),
            "outbox": await outbox.outbox_after(tx, 0, limit=1_000_000),
            "passes": await passes.passes_of(tx, account.id, limit=1000),
        }


async def assert_stored_and_told(store, truth: dict[str, bytes]) -> None:
    async with store.reading() as tx:
        account = await account_named(tx, "hq")
    await assert_equals_the_truth(store, account.id, truth)
    await assert_the_feed_tells_every_change_once(store, account.id)


@pytest.mark.parametrize("seed", [1])
async def test_walkers_killed_at_random_points_lose_nothing_and_tell_everything_once(
    store, database_url, secret_key, seed
):
    chance = random.Random(seed)
    simulator = Simulator(devices=1500, seed=seed, page_limit=60)
    with serve(simulator) as running:
        await with_account(store, running)
        killed = 0
        for kind in ["sync", "sync", "sync", "full", "sync", "full"]:
            with walking(database_url, secret_key, kind) as walker:
                if walker.until_page(chance.randint(0, 9)):
                    walker.wait_at_most(chance.random() * 0.03)
                    walker.kill()
                    killed += 1
            serials = chance.sample(sorted(simulator.devices()), 40)
            simulator.buy(15)
            simulator.release(serials[:15])
            simulator.amend(serials[15:], asset_tag=f"desk {chance.random()}")
        with walking(database_url, secret_key) as walker:
            assert walker.end() == {"state": "done", "error": None}
        with walking(database_url, secret_key, "full") as walker:
            assert walker.end() == {"state": "done", "error": None}
        truth = simulator.devices()
    found = await everything(store)
    assert killed >= 3
    await assert_stored_and_told(store, truth)
    assert [row.state for row in found["passes"]].count("running") == 0
    assert [row.state for row in found["passes"]].count("lost") >= 1


async def put_to_sleep(walker, store):
    """Stop it where it holds nothing: stopped in a write, of its lease for one, it keeps SQLite from everybody."""
    while True:
        walker.process.send_signal(signal.SIGSTOP)
        with suppress(TimeoutError):
            async with asyncio.timeout(1), store.writing():
                return
        walker.process.send_signal(signal.SIGCONT)


async def test_a_walker_that_slept_through_its_lease_writes_nothing_more(store, database_url, secret_key):
    simulator = Simulator(devices=600, seed=3, page_limit=50)
    with serve(simulator) as running:
        await with_account(store, running)
        simulator.fault("post_server_devices", "slow", after=5, seconds=2)
        with walking(database_url, secret_key) as sleeper:
            assert sleeper.until_page(5)  # and the sixth page, slow, is on its way
            await put_to_sleep(sleeper, store)
            with walking(database_url, secret_key) as successor:
                assert successor.end() == {"state": "done", "error": None}
            before = await everything(store)
            sleeper.process.send_signal(signal.SIGCONT)
            assert sleeper.end()["state"] == "lost"
        truth = simulator.devices()
    after = await everything(store)
    assert after == before
    await assert_stored_and_told(store, truth)


async def test_two_walkers_at_once_walk_one_after_the_other(store, database_url, secret_key):
    simulator = Simulator(devices=400, seed=4, page_limit=50)
    with serve(simulator) as running:
        await with_account(store, running)
        with (  # nobody dies here, and a busy machine must not cost either its lease
            walking(database_url, secret_key, lease_s=30.0) as one,
            walking(database_url, secret_key, lease_s=30.0) as two,
        ):
            assert one.end()["state"] == "done"
            assert two.end()["state"] == "done"
        fetched = [entry for entry in simulator.requests() if entry.path == "/server/devices"]
        truth = simulator.devices()
    assert len(fetched) == 8
    await assert_stored_and_told(store, truth)
