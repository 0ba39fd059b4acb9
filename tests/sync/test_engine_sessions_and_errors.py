"""A pass against what Apple can say of sessions, tokens and permission: bounded requests, and a word of health."""

from __future__ import annotations

import httpx2
import pytest

from adept.accounts.switch import NewToken
from adept.accounts.tokens import offer_token
from adept.errors import NeedsPerson, Refused, TokenRejected, Unreachable
from adept.store.audit import ADEPT
from adept.sync.outcome import PassState
from tests.sync.apple import ACCOUNT, FETCH, SYNC, device, op, page, refusal, server_token

A, B, C = device("A1"), device("B2"), device("C3")
SESSION = "/session"


async def first_fetch(desk, *devices):
    desk.apple.say(FETCH, page(*devices, cursor="s0"))
    desk.apple.say(SYNC, page(cursor="s0"))
    await desk.sync()
    desk.clock.advance(minutes=10)  # the next pass opens a session of its own
    desk.apple.asked.clear()
    desk.apple.sessions = 0


async def test_a_401_in_mid_walk_renews_the_session_once_and_the_walk_goes_on(desk):
    desk.apple.say(FETCH, page(A, cursor="f1", more=True), refusal("UNAUTHORIZED", 401), page(B, cursor="s0"))
    desk.apple.say(SYNC, page(cursor="s0"))
    await desk.sync()
    assert await desk.live() == {"A1", "B2"}
    assert desk.apple.cursors_sent(FETCH) == [None, "f1", "f1"]


async def test_a_second_401_stops_the_pass(desk):
    await first_fetch(desk, A)
    desk.apple.say(SYNC, refusal("UNAUTHORIZED", 401), refusal("UNAUTHORIZED", 401))
    outcome = await desk.walk()
    assert isinstance(outcome.error, Refused)
    assert (len(desk.apple.asked), desk.apple.sessions) == (2, 2)


@pytest.mark.parametrize(
    ("code", "health", "requests", "sessions"),
    [
        ("FORBIDDEN", "forbidden", 2, 2),
        ("T_C_NOT_SIGNED", "terms_not_signed", 1, 1),
        ("ACCESS_DENIED", "forbidden", 1, 1),
        ("APPLE_SEED_FOR_IT_TURNED_OFF", "forbidden", 1, 1),
    ],
)
async def test_every_403_ends_in_a_bounded_number_of_requests_and_in_its_word(desk, code, health, requests, sessions):
    await first_fetch(desk, A)
    desk.apple.say(SYNC, *[refusal(code, 403)] * 20)
    outcome = await desk.walk()
    assert isinstance(outcome.error, Refused)
    assert outcome.error.code == code
    assert (len(desk.apple.asked), desk.apple.sessions) == (requests, sessions)
    account = await desk.account()
    assert account.health == health
    assert code in (account.health_reason or "")


async def test_unsigned_terms_heal_by_themselves_after_signing(desk):
    await first_fetch(desk, A)
    desk.apple.say(SESSION, refusal("T_C_NOT_SIGNED", 403))
    await desk.walk()
    since = (await desk.account()).health_since
    assert (await desk.account()).health == "terms_not_signed"
    desk.clock.advance(hours=1)
    desk.apple.say(SYNC, page(op("B2", "added", 1), cursor="s1"))
    await desk.sync()
    account = await desk.account()
    assert (account.health, account.failures) == ("ok", 0)
    assert account.health_since > since
    assert await desk.live() == {"A1", "B2"}


async def test_unsigned_terms_of_one_organisation_are_the_trouble_of_its_account_alone(desk):
    from adept.accounts.registry import add

    await first_fetch(desk, A)
    desk.apple.identity = {"server_name": "Lab", "server_uuid": "CD" * 16, "org_name": "Labs Inc."}
    await add(
        desk.store,
        "lab",
        base_url="https://apple.example",
        by=ADEPT,
        now=desk.clock,
        connect=desk.apple.connect,
        token=server_token("lab"),
    )
    desk.apple.say(SESSION, refusal("T_C_NOT_SIGNED", 403))
    outcome = await desk.walk(name="lab")
    assert (await desk.account("lab")).health == "terms_not_signed"
    assert "terms" in str(outcome.error)
    assert "the organisation is Labs Inc." in ((await desk.account("lab")).health_reason or "")
    assert (await desk.account("hq")).health == "ok"


@pytest.mark.parametrize("status", [400, 401, 403])
async def test_a_token_that_apple_rejects_is_rejected_after_one_request(desk, status):
    await first_fetch(desk, A)
    desk.apple.say(SESSION, *[refusal("token_rejected" if status != 400 else "", status)] * 9)
    outcome = await desk.walk()
    assert isinstance(outcome.error, TokenRejected)
    assert (desk.apple.sessions, desk.apple.asked) == (1, [])
    assert (await desk.account()).health == "rejected"


async def test_a_token_renewed_in_mid_pass_takes_over_and_the_account_is_not_marked_rejected(desk):
    await first_fetch(desk, A)

    async def renewed_meanwhile():
        new = NewToken(server_token("renewed"))
        await offer_token(desk.store, await desk.account(), new, connect=desk.apple.connect, by=ADEPT, now=desk.clock)
        desk.apple.say(SESSION, refusal("token_rejected", 401))
        return refusal("UNAUTHORIZED", 401)

    desk.apple.say(SYNC, renewed_meanwhile, page(op("B2", "added", 1), cursor="s1"))
    await desk.sync()
    assert await desk.live() == {"A1", "B2"}
    assert (await desk.account()).health == "ok"


async def test_a_token_that_runs_out_during_a_walk_is_expired_and_the_pages_before_stay(desk):
    async def a_year_later():
        desk.clock.advance(days=366)
        return page(B, cursor="f2", more=True)

    desk.apple.say(FETCH, page(A, cursor="f1", more=True), a_year_later)
    outcome = await desk.walk()
    assert isinstance(outcome.error, TokenRejected)
    assert (await desk.account()).health == "expired"
    assert await desk.live() == {"A1", "B2"}


async def test_a_token_under_30_days_is_expiring(desk):
    await first_fetch(desk, A)
    desk.clock.advance(days=340)
    desk.apple.say(FETCH, page(A, cursor="s1"))
    desk.apple.say(SYNC, page(cursor="s1"))
    await desk.sync()
    assert (await desk.account()).health == "expiring"


async def test_a_session_that_rolls_with_every_answer_is_followed(desk):
    def rolling(number, answer):
        return httpx2.Response(200, json=answer, headers={"X-ADM-Auth-Session": f"rolled{number}"})

    desk.apple.say(FETCH, rolling(1, page(A, cursor="f1", more=True)), rolling(2, page(B, cursor="s0")))
    desk.apple.say(SYNC, rolling(3, page(cursor="s0")))
    await desk.sync()
    assert await desk.live() == {"A1", "B2"}


async def test_a_short_wait_is_waited_in_place_and_counted(desk):
    await first_fetch(desk, A)
    desk.apple.say(SYNC, refusal("TOO_MANY_REQUESTS", 429, **{"Retry-After": "20"}), page(cursor="s1"))
    await desk.sync()
    assert (await desk.passes())[-1].waited_s == 20


async def test_waits_of_more_than_60_seconds_in_all_end_the_pass_as_throttled_until_apple_allows(desk):
    await first_fetch(desk, A)
    wait = refusal("TOO_MANY_REQUESTS", 429, **{"Retry-After": "40"})
    desk.apple.say(SYNC, wait, page(op("B2", "added", 1), cursor="s1", more=True), wait)
    outcome = await desk.walk()
    assert outcome.state is PassState.THROTTLED
    account = await desk.account()
    assert account.health == "throttled"
    assert (account.next_sync_at - desk.clock()).total_seconds() >= 40
    assert await desk.live() == {"A1", "B2"}


@pytest.mark.parametrize("form", ["7200", "Sat, 21 Nov 2026 11:10:00 GMT"])
async def test_a_long_wait_in_either_form_is_when_the_account_is_due_again(desk, form):
    await first_fetch(desk, A)
    desk.apple.say(SYNC, refusal("", 503, **{"Retry-After": form}))
    outcome = await desk.walk()
    assert isinstance(outcome.error, Unreachable)
    assert outcome.state is PassState.THROTTLED
    assert ((await desk.account()).next_sync_at - desk.clock()).total_seconds() == 7200


@pytest.mark.parametrize("code", ["USER_AGENT_INVALID", "USER_AGENT_MISSING", "MALFORMED_REQUEST_BODY"])
async def test_a_refusal_of_the_request_itself_is_told_and_not_repeated(desk, code):
    await first_fetch(desk, A)
    desk.apple.say(SYNC, refusal(code))
    outcome = await desk.walk()
    assert outcome.error is not None
    assert outcome.error.code == code
    assert len(desk.apple.asked) == 1
    assert (await desk.passes())[-1].error_code == code


@pytest.mark.parametrize("error", [httpx2.ConnectError("refused"), httpx2.ReadTimeout("slow"), httpx2.ReadError("cut")])
async def test_a_network_that_fails_makes_the_account_unreachable_and_loses_nothing(desk, error):
    await first_fetch(desk, A)
    desk.apple.say(SYNC, error)
    outcome = await desk.walk()
    assert isinstance(outcome.error, Unreachable)
    assert (await desk.account()).health == "unreachable"
    assert (await desk.account()).cursor == "s0"


async def test_failures_back_off_further_and_further_up_to_six_hours(desk):
    await first_fetch(desk, A)
    waits = []
    for _ in range(12):
        desk.apple.say(SYNC, refusal("", 500))
        await desk.walk()
        waits.append(((await desk.account()).next_sync_at - desk.clock()).total_seconds())
    assert waits[:3] == [60, 120, 240]
    assert waits[-1] == 6 * 3600


async def test_a_paused_account_and_one_without_a_token_are_for_a_person(desk):
    from adept.accounts.registry import add, pause, resume

    await pause(desk.store, "hq", by=ADEPT, now=desk.clock)
    with pytest.raises(NeedsPerson, match="paused"):
        await desk.walk()
    assert (await desk.account()).health == "paused"
    await resume(desk.store, "hq", by=ADEPT, now=desk.clock)
    assert (await desk.account()).health == "ok"
    await add(
        desk.store, "bare", base_url="https://apple.example", by=ADEPT, now=desk.clock, connect=desk.apple.connect
    )
    with pytest.raises(NeedsPerson, match="no server token"):
        await desk.walk(name="bare")


async def test_the_identity_is_not_lost_when_apple_does_not_tell_it(desk):
    await first_fetch(desk, A)
    desk.clock.advance(days=2)
    desk.apple.say(SYNC, page(cursor="s0"))
    desk.apple.say(ACCOUNT, refusal("", 500))
    await desk.sync()
    assert (await desk.account()).server_uuid == "ab" * 16
