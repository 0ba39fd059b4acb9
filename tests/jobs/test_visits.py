"""Visits to accounts that are due: what is asked of Apple, and how each account stands afterwards."""

from __future__ import annotations

import logging

import httpx2
import pytest

from adept.accounts.registry import change, pause, remove, resume
from adept.accounts.switch import NewToken
from adept.accounts.tokens import offer_token
from adept.errors import StoreError
from adept.jobs.requests import request_pass
from adept.jobs.schedule import Work
from adept.store import leases
from adept.store.accounts import update_account
from adept.store.audit import ADEPT
from adept.store.passes import pass_by_id
from adept.store.tokens import tokens_of
from adept.sync.outcome import PassKind
from tests.sync.apple import ACCOUNT, FETCH, SYNC, device, page, refusal, server_token

A = device("A1")
SESSION = "/session"
TERMS = refusal("T_C_NOT_SIGNED", 403)
REJECTED = refusal("token_rejected", 401)
OPENED = httpx2.Response(200, json={"auth_session_token": "session"})
FORBIDDEN = refusal("FORBIDDEN", 403)


@pytest.fixture
async def synced(desk):
    """The account after its first pass, at T0."""
    desk.apple.say(FETCH, page(A, cursor="s0"))
    desk.apple.say(SYNC, page(cursor="s0"))
    await desk.sync()
    return desk


async def offer(desk, name: str = "renewed", *, account: str = "hq"):
    new = NewToken(server_token(name))
    return await offer_token(
        desk.store, await desk.account(account), new, connect=desk.apple.connect, by=ADEPT, now=desk.clock
    )


async def token_states(desk, name: str = "hq") -> list[str]:
    async with desk.store.reading() as tx:
        return [token.state for token in await tokens_of(tx, (await desk.account(name)).id)]


async def test_an_account_is_synced_after_its_interval_and_not_before(synced, rounds):
    assert await rounds.visit() is None
    assert await rounds.wait_until_due() == 1800
    synced.apple.say(SYNC, page(cursor="s1"))
    visited = await rounds.visit()
    assert (visited.work, visited.error) == (Work.SYNC, None)
    assert await rounds.visit() is None


async def test_a_changed_interval_counts_from_the_last_pass(synced, rounds):
    await change(synced.store, "hq", version=None, interval_s=600, by=ADEPT, now=synced.clock)
    assert await rounds.wait_until_due() == 600


async def test_a_paused_account_is_left_alone_until_it_is_resumed(synced, rounds):
    await pause(synced.store, "hq", by=ADEPT, now=synced.clock)
    synced.clock.advance(days=30)
    assert await rounds.due() == []
    await resume(synced.store, "hq", by=ADEPT, now=synced.clock)
    assert [account.name for account in await rounds.due()] == ["hq"]


async def test_an_account_that_is_paused_in_mid_pass_stays_paused_however_the_pass_ends(synced, rounds):
    async def paused_meanwhile():
        await pause(synced.store, "hq", by=ADEPT, now=synced.clock)
        return refusal("", 500)

    await rounds.wait_until_due()
    synced.apple.say(SYNC, paused_meanwhile)
    await rounds.visit()
    assert (await synced.account()).health == "paused"


async def test_once_a_week_everything_is_fetched_after_a_sync(synced, rounds):
    for _ in range(6):
        synced.clock.advance(days=1)
        synced.apple.say(SYNC, page(cursor="s1"))
        assert (await rounds.visit()).work is Work.SYNC
    synced.clock.advance(days=1)
    synced.apple.say(SYNC, page(cursor="s2"), page(cursor="s3"))
    synced.apple.say(FETCH, page(A, cursor="s3"))
    assert [path for path in await rounds.asked_by_visit() if path != ACCOUNT] == [SYNC, FETCH, SYNC]
    assert (await synced.passes())[-1].kind == "full"
    synced.clock.advance(days=1)
    synced.apple.say(SYNC, page(cursor="s4"))
    assert (await rounds.visit()).work is Work.SYNC


async def test_pages_are_as_large_as_a_person_wants_them(desk, rounds):
    await change(desk.store, "hq", version=None, page_size=50, by=ADEPT, now=desk.clock)
    desk.apple.say(FETCH, page(A, cursor="s0"))
    desk.apple.say(SYNC, page(cursor="s0"))
    await rounds.visit()
    assert {body["limit"] for path, body in desk.apple.asked if path in (FETCH, SYNC)} == {50}


async def test_while_terms_are_unsigned_apple_is_asked_for_the_account_alone_every_five_minutes(synced, rounds):
    await rounds.wait_until_due()
    synced.apple.say(SYNC, TERMS)
    assert (await rounds.visit()).work is Work.SYNC
    for _ in range(20):
        assert await rounds.wait_until_due() == 300
        synced.apple.say(ACCOUNT, TERMS)
        assert await rounds.asked_by_visit() == [ACCOUNT]
    account = await synced.account()
    assert (account.health, account.failures) == ("terms_not_signed", 21)


async def test_once_the_terms_are_signed_the_next_probe_closes_the_breaker_and_the_pass_follows_at_once(synced, rounds):
    await rounds.wait_until_due()
    synced.apple.say(SYNC, TERMS)
    await rounds.visit()
    await rounds.wait_until_due()
    seen = []

    async def looked_at():
        seen.append((await synced.account()).health)
        return page(cursor="s1")

    synced.apple.say(SYNC, looked_at)
    assert await rounds.asked_by_visit() == [ACCOUNT, SYNC]
    assert seen == ["ok"]
    account = await synced.account()
    assert (account.health, account.failures) == ("ok", 0)
    assert await rounds.wait_until_due() == 1800


async def test_after_five_failures_apple_is_asked_for_the_account_alone_less_and_less_often(synced, rounds):
    waits = [await rounds.wait_until_due()]
    for _ in range(5):
        synced.apple.say(SYNC, httpx2.ConnectError("no route"))
        assert await rounds.asked_by_visit() == [SYNC]
        waits.append(await rounds.wait_until_due())
    for _ in range(8):
        synced.apple.say(ACCOUNT, httpx2.ConnectError("no route"))
        assert await rounds.asked_by_visit() == [ACCOUNT]
        waits.append(await rounds.wait_until_due())
    assert waits[1:6] == [60, 120, 240, 480, 960]
    assert waits[-1] == 6 * 3600
    synced.apple.say(SYNC, page(cursor="s1"))
    assert await rounds.asked_by_visit() == [ACCOUNT, SYNC]
    assert ((await synced.account()).health, (await synced.account()).failures) == ("ok", 0)


async def test_a_rejected_token_is_asked_about_up_to_once_a_day(synced, rounds):
    waits = []
    for _ in range(13):
        waits.append(await rounds.wait_until_due())
        synced.apple.say(SESSION, REJECTED)
        await rounds.visit()
        assert (await synced.account()).health == "rejected"
    assert waits[:4] == [1800, 60, 120, 240]
    assert waits[-1] == 24 * 3600
    assert synced.apple.sessions == 15  # the set-up's two, and one for each visit


async def test_a_new_token_closes_the_breaker(synced, rounds):
    await rounds.wait_until_due()
    synced.apple.say(SESSION, REJECTED)
    await rounds.visit()
    assert (await synced.account()).health == "rejected"
    await offer(synced)
    synced.apple.say(SYNC, page(cursor="s1"))
    visited = await rounds.visit()
    assert (visited.work, visited.error) == (Work.SYNC, None)


async def test_devices_that_are_forbidden_keep_their_word_though_the_account_may_be_asked_for(synced, rounds):
    await rounds.wait_until_due()
    synced.apple.say(SYNC, FORBIDDEN, FORBIDDEN)  # each is tried again with a new session
    await rounds.visit()
    since = (await synced.account()).health_since
    waits = []
    for _ in range(3):
        waits.append(await rounds.wait_until_due())
        synced.apple.say(SYNC, FORBIDDEN, FORBIDDEN)
        assert await rounds.asked_by_visit() == [ACCOUNT, SYNC, SYNC]
    assert waits == [60, 120, 240]  # later and later: a good probe is no good pass
    account = await synced.account()
    assert (account.health, account.health_since) == ("forbidden", since)


async def test_an_account_that_is_seldom_synced_is_asked_about_once_a_day(synced, rounds):
    await change(synced.store, "hq", version=None, interval_s=4 * 86_400, by=ADEPT, now=synced.clock)
    for _ in range(3):
        assert await rounds.wait_until_due() == 86_400
        assert await rounds.asked_by_visit() == [ACCOUNT]
    assert (await synced.account()).health == "ok"


async def test_such_a_probe_notices_a_token_that_ended_and_one_that_works_again(synced, rounds):
    await change(synced.store, "hq", version=None, interval_s=4 * 86_400, by=ADEPT, now=synced.clock)
    await rounds.wait_until_due()
    synced.apple.say(ACCOUNT, httpx2.ConnectError("no route"))
    await rounds.visit()
    assert (await synced.account()).health == "unreachable"
    assert await rounds.wait_until_due() == 60
    assert await rounds.asked_by_visit() == [ACCOUNT]
    account = await synced.account()
    assert (account.health, account.failures) == ("ok", 0)
    assert (account.next_sync_at - synced.clock()).days == 2  # the pass has its time as before


async def test_a_candidate_is_promoted_by_itself_once_the_terms_are_signed_and_the_devices_follow(desk, rounds):
    await rounds.add("lab")
    desk.apple.say(ACCOUNT, TERMS)
    offered = await offer(desk, "lab2", account="lab")
    assert not offered.is_active
    desk.apple.say(FETCH, page(A, cursor="s0"))
    desk.apple.say(SYNC, page(cursor="s0"))
    desk.apple.say(ACCOUNT, TERMS)
    assert (await rounds.visit("lab")).error is None  # the old token works on while the new one waits
    for _ in range(3):
        assert await rounds.wait_until_due("lab") == 300
        desk.apple.say(ACCOUNT, TERMS)
        assert await rounds.asked_by_visit("lab") == [ACCOUNT, ACCOUNT]  # the candidate, then the active one
    await rounds.wait_until_due("lab")
    desk.apple.say(SYNC, page(cursor="s1"))
    await rounds.visit("lab")
    assert await token_states(desk, "lab") == ["active", "retired"]


async def test_where_the_old_token_is_dead_and_the_new_one_waits_for_the_terms_the_terms_are_what_is_told(
    synced, rounds
):
    synced.apple.say(ACCOUNT, TERMS)
    await offer(synced)
    for _ in range(3):
        assert await rounds.wait_until_due() == 300
        synced.apple.say(SESSION, OPENED, REJECTED)  # the candidate's, the active one's
        synced.apple.say(ACCOUNT, TERMS)
        await rounds.visit()
        assert (await synced.account()).health == "terms_not_signed"
    await rounds.wait_until_due()
    synced.apple.say(SYNC, page(cursor="s1"))
    await rounds.visit()
    assert (await synced.account()).health == "ok"
    assert await token_states(synced) == ["active", "retired"]


async def test_an_account_whose_only_token_waits_is_probed_until_apple_takes_it(desk, rounds):
    desk.apple.say(ACCOUNT, TERMS)
    await rounds.add("new")
    assert (await desk.account("new")).health == "terms_not_signed"
    for _ in range(3):
        desk.apple.say(ACCOUNT, TERMS)
        assert (await rounds.visit("new")).work is Work.PROBE
        assert await rounds.wait_until_due("new") == 300
    desk.apple.say(FETCH, page(A, cursor="s0"))
    desk.apple.say(SYNC, page(cursor="s0"))
    await rounds.visit("new")
    assert await desk.live("new") == {"A1"}
    assert (await desk.account("new")).health == "ok"


async def test_a_pass_that_was_asked_for_fails_where_the_only_token_still_waits(desk, rounds):
    desk.apple.say(ACCOUNT, TERMS, TERMS)
    await rounds.add("new")
    asked = await request_pass(desk.store, "new", PassKind.SYNC, by=ADEPT, now=desk.clock)
    await rounds.visit("new")
    async with desk.store.reading() as tx:
        row = await pass_by_id(tx, asked.id)
    assert row is not None
    assert (row.state, row.error_code) == ("failed", "T_C_NOT_SIGNED")


async def test_a_fault_of_adepts_own_costs_its_account_a_pass_and_is_not_repeated_at_once(synced, rounds, caplog):
    await rounds.wait_until_due()  # Apple's script has come to its end: an AssertionError
    with caplog.at_level(logging.ERROR, "adept.jobs"):
        visited = await rounds.visit()
    assert "AssertionError" in visited.error.message
    assert caplog.records[0].exc_info is not None
    last = (await synced.passes())[-1]
    assert (last.state, last.error_code) == ("failed", "error")
    account = await synced.account()
    assert (account.lease_until, account.failures, account.health) == (None, 1, "ok")
    assert "AssertionError" in account.health_reason
    assert await rounds.wait_until_due() == 60
    synced.apple.say(SYNC, page(cursor="s1"))
    assert (await rounds.visit()).error is None
    assert (await synced.account()).health_reason is None


async def test_a_database_that_fails_during_a_visit_is_told_by_who_runs_the_visits(synced, rounds, caplog):
    async def full():
        raise StoreError("the disk is full")

    synced.apple.say(SYNC, full)
    await rounds.wait_until_due()
    with caplog.at_level(logging.ERROR, "adept.jobs"), pytest.raises(StoreError, match="the disk is full"):
        await rounds.visit()
    assert caplog.records == []  # no fault of adept's own: no traceback
    account = await synced.account()
    assert (account.lease_until, account.failures, account.health) == (None, 1, "ok")


async def test_an_account_that_another_process_walks_is_left_to_it(synced, rounds):
    await rounds.wait_until_due()
    due = await rounds.due()
    async with synced.store.writing() as tx:
        await leases.claim(tx, due[0].id, now=synced.clock(), holder="another", lease_s=30)
    assert await rounds.visitor.visit(due[0]) is None


async def test_an_account_that_another_process_has_just_walked_is_left_alone(synced, rounds):
    await rounds.wait_until_due()
    due = await rounds.due()
    synced.apple.say(SYNC, page(cursor="s1"))
    await synced.sync()
    before = len(synced.apple.asked)
    assert await rounds.visitor.visit(due[0]) is None
    assert len(synced.apple.asked) == before


async def test_an_account_that_is_removed_between_the_look_and_the_visit_is_no_trouble(synced, rounds):
    await rounds.wait_until_due()
    due = await rounds.due()
    await remove(synced.store, "hq", by=ADEPT, now=synced.clock)
    assert await rounds.visitor.visit(due[0]) is None


async def test_an_account_that_is_removed_during_its_probe_or_its_pass_is_no_trouble(synced, rounds):
    await rounds.wait_until_due()

    async def removed():
        await remove(synced.store, "hq", by=ADEPT, now=synced.clock)
        return page(device("B2"), cursor="s1")

    synced.apple.say(SYNC, removed)
    visited = await rounds.visit()
    assert visited.outcome.state == "lost"
    await rounds.add("lab")
    async with synced.store.writing() as tx:
        await update_account(tx, (await synced.account("lab")).id, health="rejected")

    async def removed_as_well():
        await remove(synced.store, "lab", by=ADEPT, now=synced.clock)
        return {"server_name": "HQ"}

    synced.apple.say(ACCOUNT, removed_as_well)
    assert await rounds.visit("lab") is None
