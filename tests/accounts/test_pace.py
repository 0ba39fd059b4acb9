"""How fast Apple is asked: within an account's limit, and within what all processes have together."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select, update

from adept.accounts.lane import Lane
from adept.accounts.pace import AppleLimits, ApplePace, fair_share
from adept.client.async_client import AsyncClient
from adept.errors import Unreachable
from adept.store.apple_shares import Share, others_shares, take_share
from adept.store.database import Store, open_store
from adept.store.tables import apple_shares
from tests.sync.apple import Clock, ScriptedApple, server_token

WIDE = Share(64, 1000.0)
URL = "https://apple.example"


class Traffic:
    """Requests under way, and the most there ever were."""

    def __init__(self) -> None:
        self.under_way = self.most = self.ended = 0

    @asynccontextmanager
    async def request(self) -> AsyncIterator[None]:
        self.under_way += 1
        self.most = max(self.most, self.under_way)
        await asyncio.sleep(0.001)
        yield
        self.under_way -= 1
        self.ended += 1


def pace_of(
    store: Store, holder: str, clock: Clock, *, in_all: Share = WIDE, account: Share = WIDE, **more
) -> ApplePace:
    return ApplePace(store, AppleLimits(in_all, account), holder, clock, **more)


@given(st.integers(4, 200), st.lists(st.integers(0, 9), max_size=60))
def test_all_together_never_have_more_than_the_limit_in_whatever_order_they_ask(limit: int, order: list[int]):
    shares: dict[int, Share] = {}
    for process in order:
        others = [share for other, share in shares.items() if other != process]
        shares[process] = fair_share(Share(limit, float(limit)), others)
        assert sum(share.in_flight for share in shares.values()) <= limit
        assert sum(share.per_s for share in shares.values()) <= limit * 1.000001


def test_the_next_process_finds_something_left_at_once():
    shares: list[Share] = []
    for _ in range(8):
        shares.append(fair_share(Share(64, 100.0), shares))
    assert [share.in_flight for share in shares] == [32, 16, 8, 4, 2, 1, 1, 0]


def test_processes_that_have_asked_long_enough_have_alike():
    shares = [fair_share(Share(64, 100.0), [])] + [Share(0, 0.0)] * 6
    for turn in range(100):
        others = [share for place, share in enumerate(shares) if place != turn % 7]
        shares[turn % 7] = fair_share(Share(64, 100.0), others)
    assert {share.in_flight for share in shares} <= {7, 8}


async def test_a_lane_lets_in_so_many_at_once_in_the_order_they_came():
    lane, traffic, order = Lane(in_flight=3, per_s=10_000), Traffic(), []

    async def ask(number: int) -> None:
        await lane.enter()
        order.append(number)
        async with traffic.request():
            pass
        lane.leave()

    await asyncio.gather(*(ask(number) for number in range(20)))
    assert (traffic.most, order) == (3, list(range(20)))


async def test_a_lane_lets_in_so_many_a_second():
    lane = Lane(in_flight=100, per_s=20)
    began_s = asyncio.get_running_loop().time()
    for _ in range(26):
        await lane.enter()
    assert asyncio.get_running_loop().time() - began_s >= 0.24  # a second's worth at once, then one every 50 ms


async def test_two_processes_together_keep_the_limit(store: Store, database_url: str, secret_key: str, clock: Clock):
    traffic = Traffic()
    async with (
        open_store(database_url, secret_keys=[secret_key], data_dir=None, migrate=False) as other,
        pace_of(store, "one", clock, in_all=Share(4, 10_000)) as one,
        pace_of(other, "two", clock, in_all=Share(4, 10_000)) as two,
    ):
        tokens = [server_token(f"a{number}") for number in range(8)]  # kept: a lane lives as long as its client
        paces = [process.of(token, URL) for process in (one, two) for token in tokens]

        async def ask(number: int) -> None:
            async with paces[number % len(paces)]("GET /account"), traffic.request():
                pass

        await asyncio.gather(*(ask(number) for number in range(64)))
    assert traffic.ended == 64
    assert traffic.most <= 4
    async with store.reading() as tx:
        assert (await tx.execute(select(apple_shares.c.holder))).all() == []


async def test_an_account_has_a_limit_of_its_own(store: Store, clock: Clock):
    traffic = Traffic()
    async with pace_of(store, "one", clock, account=Share(2, 10_000)) as process:
        clients = [process.of(server_token(), URL) for _ in range(3)]

        async def ask(number: int) -> None:
            async with clients[number % 3]("GET /account"), traffic.request():
                pass

        await asyncio.gather(*(ask(number) for number in range(12)))
    assert traffic.most == 2


async def test_a_wait_that_gets_too_long_is_told_and_may_be_repeated(store: Store, clock: Clock):
    async with store.writing() as tx:
        await take_share(tx, "greedy", Share(4, 10.0), now=clock(), lasts_s=60)
    async with pace_of(store, "late", clock, in_all=Share(4, 10.0), wait_limit_s=0.05) as process:
        with pytest.raises(Unreachable, match=r"adept's own limits left no room within 0.05 s") as caught:
            async with process.of(server_token(), URL)("POST /devices/sync"):
                raise AssertionError("there is no room")
    assert (caught.value.may_have_happened, caught.value.retry_after_s) == (False, 0.05)


async def test_the_share_of_a_process_that_died_is_free_again(store: Store, clock: Clock):
    async with store.writing() as tx:
        await take_share(tx, "dead", Share(4, 10.0), now=clock(), lasts_s=60)
        await tx.execute(update(apple_shares).values(until=clock() - timedelta(days=9999)))
        assert await others_shares(tx, "late", now=clock()) == []


async def test_a_client_asks_its_pace_before_each_request(clock: Clock):
    asked = []

    @asynccontextmanager
    async def pace(endpoint: str) -> AsyncIterator[None]:
        asked.append(endpoint)
        yield

    apple = ScriptedApple(clock)
    async with AsyncClient(server_token(), base_url=URL, http=apple, now=clock, pace=pace) as client:
        await client.account()
    assert asked == ["GET /session", "GET /account"]
