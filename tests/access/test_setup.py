"""The first administrator: named by who holds the link, once."""

from __future__ import annotations

import asyncio

import pytest

from adept.access.admission import Visitor
from adept.access.caller import caller_of
from adept.access.roles import Role
from adept.access.sessions import Opened
from adept.access.setup import make_link, set_up
from adept.errors import Denied, Misuse
from adept.records.access import user_list
from adept.store.audit import audit_entries
from adept.store.database import Store
from tests.access.people import PASSWORD, Clock, user

HERE = Visitor(address="127.0.0.1", request_id="request-1")


async def link(store: Store, clock: Clock) -> str:
    """A link's secret."""
    secret = await make_link(store, now=clock)
    assert secret is not None
    return secret


async def first(store: Store, clock: Clock, secret: str, *, name: str = "ann", password: str = PASSWORD) -> Opened:
    """Name the first administrator."""
    return await set_up(store, secret=secret, name=name, password=password, visitor=HERE, now=clock)


async def test_the_link_makes_an_administrator_and_logs_them_in(store: Store, clock: Clock) -> None:
    opened = await first(store, clock, await link(store, clock))
    assert (opened.user.name, opened.user.role) == ("ann", "admin")
    caller = await caller_of(store, cookie=opened.secret, authorization=None, address=None, request_id=None, now=clock)
    assert caller is not None
    assert caller.role is Role.ADMIN
    async with store.reading() as tx:
        acts = [entry.act for entry in await audit_entries(tx, limit=9)]
    assert acts == ["session.opened", "setup.done", "user.added"]


async def test_the_link_works_once(store: Store, clock: Clock) -> None:
    secret = await link(store, clock)
    await first(store, clock, secret)
    with pytest.raises(Denied) as refused:
        await first(store, clock, secret, name="mallory")
    assert (refused.value.status, refused.value.code) == (403, "setup_link")
    assert [record.name for record in await user_list(store)] == ["ann"]


async def test_of_two_who_use_it_at_once_one_becomes_administrator(store: Store, clock: Clock) -> None:
    secret = await link(store, clock)
    results = await asyncio.gather(
        first(store, clock, secret), first(store, clock, secret, name="bob"), return_exceptions=True
    )
    assert sorted(type(result).__name__ for result in results) == ["Denied", "Opened"]
    assert len(await user_list(store)) == 1


async def test_the_link_is_good_for_half_an_hour(store: Store, clock: Clock) -> None:
    secret = await link(store, clock)
    clock.advance(minutes=30)
    with pytest.raises(Denied):
        await first(store, clock, secret)


async def test_a_newer_link_replaces_the_older_one(store: Store, clock: Clock) -> None:
    older, newer = await link(store, clock), await link(store, clock)
    with pytest.raises(Denied):
        await first(store, clock, older)
    assert await first(store, clock, newer)


async def test_no_other_secret_will_do(store: Store, clock: Clock) -> None:
    for secret in ("", "A" * 43, "\ud800"):
        with pytest.raises(Denied):
            await first(store, clock, secret)
    await link(store, clock)
    with pytest.raises(Denied):
        await first(store, clock, "A" * 43)


async def test_there_is_no_link_where_there_are_users(store: Store, clock: Clock) -> None:
    secret = await link(store, clock)
    await user(store)
    assert await make_link(store, now=clock) is None
    with pytest.raises(Denied):
        await first(store, clock, secret, name="mallory")


async def test_a_name_or_password_that_wont_do_leaves_the_link_good(store: Store, clock: Clock) -> None:
    secret = await link(store, clock)
    with pytest.raises(Misuse):
        await first(store, clock, secret, name="no name")
    with pytest.raises(Misuse):
        await first(store, clock, secret, password="short")
    assert await first(store, clock, secret)
