"""The session that all who use a server token share, between stores as between processes."""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import UTC, datetime

import pytest
from sqlalchemy import select, update

from adept.accounts.registry import add
from adept.accounts.shared_session import ALIVE_FOR, share_session
from adept.accounts.tokens import ActiveToken, active_token
from adept.client.async_client import AsyncClient
from adept.protocol.server_token import ServerToken
from adept.simulator.running import Running, serve
from adept.simulator.simulator import Simulator
from adept.store.accounts import account_named
from adept.store.audit import ADEPT
from adept.store.database import Store, open_store
from adept.store.sealing import new_key, read_keys
from adept.store.tables import apple_sessions
from adept.store.tokens import set_token_state


def now() -> datetime:
    return datetime.now(UTC)


def connect(token: ServerToken, base_url: str) -> AsyncClient:
    return AsyncClient(token, base_url=base_url)


@dataclass
class Users:
    """Clients of one account's token, on two stores, as two processes have them."""

    apple: Running
    stores: tuple[Store, Store]
    token: ActiveToken
    before: int
    clients: AsyncExitStack

    async def client(self, which: int = 0, *, base_url: str | None = None) -> AsyncClient:
        client = connect(self.token.secret, base_url or self.apple.url)
        share_session(client, self.stores[which], self.token.id)
        return await self.clients.enter_async_context(client)

    def asked(self) -> Counter[tuple[str, int | None]]:
        """What Apple was asked since the account was added, and how it answered."""
        return Counter((entry.path, entry.status) for entry in self.apple.simulator.requests(self.before))

    async def version(self) -> int | None:
        async with self.stores[0].reading() as tx:
            found: int | None = (await tx.execute(select(apple_sessions.c.version))).scalar_one_or_none()
        return found


@pytest.fixture
def simulator() -> Simulator:
    return Simulator(devices=3, seed=1)


@pytest.fixture
async def users(store: Store, database_url: str, secret_key: str, simulator: Simulator) -> AsyncIterator[Users]:
    with serve(simulator) as apple:
        async with (
            open_store(database_url, secret_keys=[secret_key], data_dir=None, migrate=False) as other,
            AsyncExitStack() as clients,
        ):
            await add(store, "hq", base_url=apple.url, by=ADEPT, now=now, connect=connect, token=apple.token)
            async with store.reading() as tx:
                account = await account_named(tx, "hq")
            token = await active_token(store, account.id)
            assert token is not None
            before = max(entry.number for entry in simulator.requests())
            yield Users(apple, (store, other), token, before, clients)


async def test_the_second_user_goes_on_in_the_first_ones_session(users: Users):
    await (await users.client(0)).account()
    await (await users.client(1)).account()
    assert users.asked() == {("/session", 200): 1, ("/account", 200): 2}


async def test_a_session_that_one_opened_anew_is_the_others_as_well(users: Users):
    one, two = await users.client(0), await users.client(1)
    await one.account()
    await two.account()
    users.apple.simulator.end_sessions()
    await one.account()
    await two.account()  # refused once, and goes on in the one that was opened meanwhile
    assert users.asked() == {("/session", 200): 2, ("/account", 200): 4, ("/account", 401): 2}
    assert await users.version() == 2


async def test_a_kept_session_that_is_dead_costs_one_refusal(users: Users):
    await (await users.client(0)).account()
    users.apple.simulator.end_sessions()
    await (await users.client(1)).account()
    assert users.asked() == {("/session", 200): 2, ("/account", 200): 2, ("/account", 401): 1}


async def test_where_what_was_taken_over_is_dead_as_well_one_is_opened_after_all(users: Users):
    one, two = await users.client(0), await users.client(1)
    await one.account()
    await two.account()
    users.apple.simulator.end_sessions()
    await one.account()
    users.apple.simulator.end_sessions()
    await two.account()
    assert users.asked()[("/account", 200)] == 4
    assert await users.version() == 3


async def test_a_session_that_was_not_used_for_long_is_not_tried(users: Users):
    await (await users.client(0)).account()
    async with users.stores[0].writing() as tx:
        await tx.execute(update(apple_sessions).values(saved_at=now() - 2 * ALIVE_FOR))
    await (await users.client(1)).account()
    assert users.asked() == {("/session", 200): 2, ("/account", 200): 2}
    assert await users.version() == 2


async def test_nothing_is_written_while_nothing_changes(users: Users):
    client = await users.client()
    for _ in range(5):
        await client.account()
    assert await users.version() == 1


@pytest.mark.parametrize("simulator", [Simulator(devices=3, seed=1, rotate_sessions_every=1)])
async def test_a_token_that_rolls_on_is_kept_each_time(users: Users, simulator: Simulator):
    client = await users.client()
    for _ in range(3):
        await client.account()
    assert await users.version() == 4  # opened, then rolled thrice
    await (await users.client(1)).account()
    assert users.asked()[("/session", 200)] == 1


async def test_of_two_who_open_one_at_once_the_later_takes_over_the_first_ones(users: Users):
    one, two = await users.client(0), await users.client(1)
    await one.session.catch_up(now=now())
    await two.session.catch_up(now=now())  # neither finds any
    await one.account()
    await two.account()
    assert two.session.held.token == one.session.held.token
    assert await users.version() == 1


async def test_the_session_is_sealed_and_goes_with_its_token(users: Users):
    client = await users.client()
    await client.account()
    async with users.stores[0].writing() as tx:
        sealed: bytes = (await tx.execute(select(apple_sessions.c.sealed))).scalar_one()
        assert client.session.held.token is not None
        assert client.session.held.token.encode() not in sealed
        await set_token_state(tx, users.token.id, "retired", now())
    assert await users.version() is None


async def test_another_service_never_sees_it(users: Users):
    await (await users.client()).account()
    elsewhere = await users.client(1, base_url="http://localhost:1")
    await elsewhere.session.catch_up(now=now())
    assert elsewhere.session.held.token is None


async def test_a_key_that_opens_it_no_more_costs_a_session(users: Users):
    await (await users.client(0)).account()
    users.stores[1].sealer._keys = tuple(read_keys([new_key()]))
    await (await users.client(1)).account()
    assert users.asked() == {("/session", 200): 2, ("/account", 200): 2}
