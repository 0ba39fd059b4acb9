"""Passes against the simulator over a socket: quiet, hostile, and with every fault of a page or of the line."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

import pytest

from adept.accounts.registry import add
from adept.client.async_client import AsyncClient
from adept.errors import AdeptError
from adept.jobs.account_pass import run_pass
from adept.simulator.running import Running, serve
from adept.simulator.simulator import Simulator
from adept.store.accounts import account_named
from adept.store.audit import ADEPT
from adept.sync.outcome import PassKind, PassOutcome
from tests.sync.truth import assert_equals_the_truth, assert_the_feed_tells_every_change_once


async def at_once(seconds: float) -> None:
    """A wait that Apple asked for, not waited."""


def connect(token, base_url) -> AsyncClient:
    return AsyncClient(token, base_url=base_url, timeout_s=5, sleep=at_once)


class Account:
    """The account "hq" of a simulator."""

    def __init__(self, store, running: Running) -> None:
        self.store = store
        self.simulator = running.simulator

    def now(self) -> datetime:
        return self.simulator.now()

    async def walk(self, kind: PassKind = PassKind.SYNC) -> PassOutcome:
        return await run_pass(self.store, "hq", kind=kind, connect=connect, now=self.now, holder="test")

    async def until_done(self, kind: PassKind = PassKind.SYNC) -> list[PassOutcome]:
        """As many passes as it takes, a hundred at the most."""
        outcomes = []
        for _ in range(100):
            outcomes.append(await self.walk(kind))
            if outcomes[-1].error is None:
                return outcomes
        raise AssertionError(f"never done: {outcomes[-1].error}")

    async def assert_true(self) -> None:
        async with self.store.reading() as tx:
            account = await account_named(tx, "hq")
        await assert_equals_the_truth(self.store, account.id, self.simulator.devices())
        await assert_the_feed_tells_every_change_once(self.store, account.id)

    def live_a_little(self, seed: int) -> None:
        """Things happen at Apple."""
        serials = sorted(self.simulator.devices())[seed :: max(1, len(self.simulator.devices()) // 24)]
        self.simulator.buy(7)
        self.simulator.release(serials[:5])
        self.simulator.amend(serials[5:12], asset_tag=f"desk {seed}")
        self.simulator.replace(serials[12:14])
        self.simulator.advance(90)


@pytest.fixture
def running(request) -> Iterator[Running]:
    """A simulator made with the keyword arguments of the test's `simulated` mark, or a small quiet one."""
    settings = getattr(request, "param", {"devices": 230, "seed": 5, "page_limit": 50})
    with serve(Simulator(**settings)) as served:
        yield served


async def account_of(store, running) -> Account:
    await add(
        store, "hq", base_url=running.url, by=ADEPT, now=running.simulator.now, connect=connect, token=running.token
    )
    return Account(store, running)


async def test_a_year_of_weeks_at_apple_is_followed(store, running):
    account = await account_of(store, running)
    await account.until_done()
    for week in range(8):
        account.live_a_little(week)
        running.simulator.advance(86_400 * (3 if week % 3 else 9))  # sometimes past the cursor's life
        await account.until_done()
        await account.assert_true()


@pytest.mark.parametrize("running", [{"devices": 300, "seed": seed, "hostile": True} for seed in (1, 2)], indirect=True)
async def test_a_hostile_apple_is_followed_all_the_same(store, running):
    account = await account_of(store, running)
    await account.until_done()
    for round_ in range(3):
        account.live_a_little(round_)
        await account.until_done()
    await account.until_done(PassKind.FULL)
    async with store.reading() as tx:
        stored = await account_named(tx, "hq")
    await assert_the_feed_tells_every_change_once(store, stored.id)


@pytest.mark.parametrize(
    "fault",
    [
        "unauthorized",
        "forbidden",
        "forbidden_t_c_not_signed",
        "forbidden_access_denied",
        "too_many_requests",
        "too_many_requests_date",
        "service_unavailable",
        "internal_server_error",
        "gateway_timeout",
        "bad_request_expired_cursor",
        "bad_request_invalid_cursor",
        "bad_request_malformed_request_body",
        "repeat_cursor",
        "empty_page",
        "without_fetched_until",
        "drop_before",
        "drop_during",
        "drop_after",
        "half_body",
        "bad_gateway_html",
        "success_html",
        "success_empty",
        "success_wrong_shape",
        "redirect",
        "expire_session",
        "new_session_token",
    ],
)
async def test_a_fault_in_any_page_costs_a_pass_at_most_and_no_device(store, running, fault):
    account = await account_of(store, running)
    running.simulator.fault("post_server_devices", fault, after=2)
    await account.until_done()
    account.live_a_little(1)
    running.simulator.fault("post_devices_sync", fault)
    await account.until_done()
    await account.assert_true()


async def test_booleans_as_words_lose_no_device_and_heal_with_the_next_fetch(store, running):
    account = await account_of(store, running)
    running.simulator.fault("post_server_devices", "string_booleans", count=100)
    await account.until_done()
    account.live_a_little(1)
    running.simulator.fault("post_devices_sync", "string_booleans")
    outcomes = await account.until_done()
    assert sum(outcome.totals.malformed for outcome in outcomes) == 0
    running.simulator.clear_faults()
    await account.until_done(PassKind.FULL)
    await account.assert_true()


async def test_pages_that_never_end_are_ended_and_the_account_recovers(store, running):
    account = await account_of(store, running)
    await account.until_done()
    running.simulator.fault("post_devices_sync", "page_never_ends", count=100_000)
    outcome = await account.walk()
    assert isinstance(outcome.error, AdeptError)
    assert outcome.totals.pages < 200
    running.simulator.clear_faults()
    account.live_a_little(2)
    await account.until_done()
    await account.assert_true()


async def test_a_truncated_fetch_deletes_nobody(store, running):
    account = await account_of(store, running)
    await account.until_done()
    running.simulator.fault("post_server_devices", "truncated_fetch")
    await account.until_done(PassKind.FULL)
    await account.assert_true()


async def test_a_device_that_is_malformed_for_a_while_is_recorded_and_heals(store, running):
    account = await account_of(store, running)
    running.simulator.fault("post_server_devices", "malformed_device")
    outcomes = await account.until_done()
    assert sum(outcome.totals.malformed for outcome in outcomes) >= 1
    await account.until_done(PassKind.FULL)
    await account.assert_true()
