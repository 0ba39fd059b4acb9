"""Passes that somebody asks for."""

from __future__ import annotations

import pytest

from adept.accounts.registry import add, pause
from adept.errors import NeedsPerson, NotFound
from adept.jobs.account_pass import run_pass
from adept.jobs.requests import request_pass
from adept.store import leases
from adept.store.audit import ADEPT, Actor, audit_entries
from adept.store.passes import pass_by_id
from adept.sync.outcome import PassKind
from tests.sync.apple import FETCH, SYNC, device, page, refusal

ANN = Actor("user", "ann", address="192.0.2.7", request_id="req-1")
A = device("A1")


async def ask(desk, kind: PassKind = PassKind.SYNC, name: str = "hq"):
    return await request_pass(desk.store, name, kind, by=ANN, now=desk.clock)


async def synced_once(desk) -> None:
    desk.apple.say(FETCH, page(A, cursor="s0"))
    desk.apple.say(SYNC, page(cursor="s0"))
    await desk.sync()


async def row(desk, pass_id: int):
    async with desk.store.reading() as tx:
        return await pass_by_id(tx, pass_id)


async def requests_audited(desk) -> list[tuple[str, str, str | None]]:
    async with desk.store.reading() as tx:
        entries = await audit_entries(tx, act="account.pass_requested", limit=100)
    return [(entry.actor, entry.subject, entry.after) for entry in entries]


async def test_a_requested_pass_waits_with_an_id_of_its_own_and_is_due_at_once(desk, rounds):
    await synced_once(desk)
    assert await rounds.due() == []
    asked = await ask(desk)
    assert (asked.state, asked.kind, asked.requested_by, asked.pages) == ("queued", "sync", "ann", 0)
    assert [account.name for account in await rounds.due()] == ["hq"]
    assert await requests_audited(desk) == [("ann", "hq", f'{{"kind":"sync","pass":{asked.id}}}')]


async def test_the_walk_that_begins_next_takes_the_waiting_pass_for_its_own(desk, rounds):
    await synced_once(desk)
    asked = await ask(desk)
    desk.clock.advance(seconds=5)
    desk.apple.say(SYNC, page(cursor="s1"))
    visited = await rounds.visit()
    assert visited is not None
    assert visited.outcome.pass_id == asked.id
    ended = await row(desk, asked.id)
    assert (ended.state, ended.requested_by, ended.started_at) == ("done", "ann", desk.clock())
    assert await rounds.due() == []


async def test_a_command_that_syncs_beside_the_service_takes_it_as_well(desk):
    await synced_once(desk)
    asked = await ask(desk, PassKind.FULL)
    desk.apple.say(SYNC, page(cursor="s1"), page(cursor="s2"))
    desk.apple.say(FETCH, page(A, cursor="s2"))
    outcome = await desk.walk()
    assert (outcome.pass_id, outcome.kind) == (asked.id, PassKind.FULL)


async def test_asking_again_returns_the_pass_that_waits_and_makes_it_full_where_that_is_wanted(desk):
    first = await ask(desk)
    assert await ask(desk) == first
    full = await ask(desk, PassKind.FULL)
    assert (full.id, full.kind, full.state) == (first.id, "full", "queued")
    assert await ask(desk) == full
    assert len(await requests_audited(desk)) == 2


async def test_asking_for_a_sync_while_one_runs_returns_it_and_asking_for_a_full_pass_queues_one(desk, rounds):
    answers = []

    async def meanwhile():
        answers.append(await ask(desk))
        answers.append(await ask(desk, PassKind.FULL))
        return page(A, cursor="s0")

    desk.apple.say(FETCH, meanwhile)
    desk.apple.say(SYNC, page(cursor="s0"))
    outcome = await desk.sync()
    running, queued = answers
    assert (running.id, running.state) == (outcome.pass_id, "running")
    assert (queued.id > running.id, queued.state, queued.kind) == (True, "queued", "full")
    assert [account.name for account in await rounds.due()] == ["hq"]  # at once, not after the interval
    desk.apple.say(SYNC, page(cursor="s1"), page(cursor="s2"))
    desk.apple.say(FETCH, page(A, cursor="s2"))
    visited = await rounds.visit()
    assert (visited.outcome.pass_id, visited.outcome.kind) == (queued.id, PassKind.FULL)


async def test_a_pass_whose_walker_died_is_not_taken_for_a_running_one(desk):
    found = []

    async def dies():
        account = await desk.account()
        async with desk.store.writing() as tx:
            await leases.release(tx, account.id, account.lease_epoch)
        found.append(await ask(desk))
        return page(A, cursor="s0")

    desk.apple.say(FETCH, dies)
    await desk.walk()
    assert found[0].state == "queued"


async def test_a_requested_pass_is_tried_also_while_the_breaker_is_open(desk, rounds):
    await synced_once(desk)
    for _ in range(2):
        asked = await ask(desk)
        desk.apple.say(SYNC, refusal("T_C_NOT_SIGNED", 403))
        visited = await rounds.visit()
        assert visited.outcome.pass_id == asked.id
        assert (await row(desk, asked.id)).error_code == "T_C_NOT_SIGNED"
    account = await desk.account()
    assert (account.health, account.failures) == ("terms_not_signed", 2)
    assert (account.next_sync_at - desk.clock()).total_seconds() == 300


async def test_a_request_made_during_a_pass_that_apple_throttles_waits_until_apple_allows(desk, rounds):
    await synced_once(desk)

    async def throttled():
        await ask(desk, PassKind.FULL)
        return refusal("TOO_MANY_REQUESTS", 429, **{"Retry-After": "120"})

    desk.clock.advance(minutes=30)
    desk.apple.say(SYNC, throttled)
    await rounds.visit()
    assert await rounds.due() == []
    assert await rounds.wait_until_due() == 120


async def test_a_pass_can_be_asked_for_neither_of_a_paused_account_nor_of_one_without_a_token(desk):
    await pause(desk.store, "hq", by=ADEPT, now=desk.clock)
    with pytest.raises(NeedsPerson, match="paused"):
        await ask(desk)
    await add(desk.store, "bare", base_url="https://x", by=ADEPT, now=desk.clock, connect=desk.apple.connect)
    with pytest.raises(NeedsPerson, match="no server token"):
        await ask(desk, name="bare")
    with pytest.raises(NotFound):
        await ask(desk, name="nobody")
    assert await requests_audited(desk) == []


async def test_a_pass_that_a_command_runs_for_somebody_is_audited_and_bears_the_name(desk):
    desk.apple.say(FETCH, page(A, cursor="s0"))
    desk.apple.say(SYNC, page(cursor="s0"))
    outcome = await run_pass(desk.store, "hq", connect=desk.apple.connect, now=desk.clock, holder="test", by=ANN)
    assert (await row(desk, outcome.pass_id)).requested_by == "ann"
    assert await requests_audited(desk) == [("ann", "hq", f'{{"kind":"sync","pass":{outcome.pass_id}}}')]
