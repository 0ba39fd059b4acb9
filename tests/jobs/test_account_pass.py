"""A pass as a job: who may run it, who follows it, and what is left when it is interrupted."""

from __future__ import annotations

import asyncio

import pytest

from adept.errors import Busy, Misuse
from adept.jobs.account_pass import follow
from adept.store import leases
from adept.store.passes import StoredPass
from adept.sync.outcome import PassState
from tests.sync.apple import FETCH, SYNC, device, page

A, B = device("A1"), device("B2")


async def test_an_account_that_is_being_walked_is_busy_and_can_be_followed_to_the_end(desk):
    followed = []

    async def meanwhile():
        with pytest.raises(Busy, match="another process is at it"):
            await desk.walk()
        followed.append(asyncio.create_task(follow(desk.store, "hq")))
        return page(A, cursor="s0")

    desk.apple.say(FETCH, meanwhile)
    desk.apple.say(SYNC, page(cursor="s0"))
    outcome = await desk.sync()
    row = await asyncio.wait_for(followed[0], 20)
    assert row is not None
    assert (row.id, row.state, row.added) == (outcome.pass_id, "done", 1)


async def test_following_tells_each_state_of_the_pass(desk):
    desk.apple.say(FETCH, page(A, cursor="s0"))
    desk.apple.say(SYNC, page(cursor="s0"))
    await desk.sync()
    seen: list[StoredPass] = []
    await follow(desk.store, "hq", on_pass=seen.append)
    assert [row.state for row in seen] == ["done"]


async def test_following_an_account_that_was_never_walked_ends_at_once(desk):
    assert await follow(desk.store, "hq") is None


async def test_an_unknown_account_is_a_misuse_that_names_the_known_ones(desk):
    with pytest.raises(Misuse, match="known are hq"):
        await desk.walk(name="nobody")


async def test_an_interrupted_pass_closes_its_row_frees_the_account_and_loses_nothing(desk):
    reached = asyncio.Event()

    async def for_ever():
        reached.set()
        await asyncio.Event().wait()

    desk.apple.say(FETCH, page(A, cursor="f1", more=True), for_ever)
    task = asyncio.create_task(desk.walk())
    await asyncio.wait_for(reached.wait(), 20)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    last = (await desk.passes())[-1]
    assert (last.state, last.error) == ("failed", "interrupted before the end; the next pass goes on from here")
    assert (await desk.account()).lease_until is None
    assert await desk.live() == {"A1"}  # the page that was being stored was finished
    desk.apple.say(FETCH, page(B, cursor="s0"))
    desk.apple.say(SYNC, page(cursor="s0"))
    await desk.sync()
    assert await desk.live() == {"A1", "B2"}
    assert await desk.told() == [("added", "A1"), ("added", "B2")]


async def test_the_next_page_is_asked_for_while_one_is_stored_and_committed_after_it(desk):
    committed_when_asked = []

    async def second():
        committed_when_asked.append(await desk.told())
        return page(B, cursor="s0")

    desk.apple.say(FETCH, page(A, cursor="f1", more=True), second)
    desk.apple.say(SYNC, page(cursor="s0"))
    await desk.sync()
    assert committed_when_asked == [[]]
    assert await desk.told() == [("added", "A1"), ("added", "B2")]


async def test_a_page_that_was_prefetched_by_a_walker_that_lost_its_lease_is_dropped(desk):
    async def second():
        async with desk.store.writing() as tx:
            await leases.bump(tx, (await desk.account()).id)
        return page(B, cursor="s0")

    desk.apple.say(FETCH, page(A, cursor="f1", more=True), second)
    outcome = await desk.walk()
    assert outcome.state is PassState.LOST
    assert "B2" not in await desk.rows()

    async def by_cursor():
        first = desk.apple.cursors_sent(FETCH)[-1] is None
        return page(A, cursor="f1", more=True) if first else page(B, cursor="s0")

    desk.apple.say(FETCH, by_cursor, by_cursor)
    desk.apple.say(SYNC, page(cursor="s0"))
    await desk.sync()
    assert [row.state for row in await desk.passes()] == ["lost", "done"]
    assert await desk.live() == {"A1", "B2"}
