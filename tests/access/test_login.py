"""Logins: who gets in, who doesn't, and how guessing is slowed down without keeping people out."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest

from adept.access.login import Visitor, authenticate
from adept.access.sessions import log_in
from adept.access.users import change_user, set_password
from adept.errors import Denied
from adept.store.audit import audit_entries
from adept.store.database import Store, open_store
from tests.access.people import PASSWORD, SOMEBODY, Clock, user

HOME = Visitor(address="192.0.2.7", user_agent="Browser", request_id="request-1")
ELSEWHERE = Visitor(address="198.51.100.9")
WRONG = "wrong horse battery"


async def refusal(store: Store, name: str, password: str, clock: Clock, visitor: Visitor = ELSEWHERE) -> Denied:
    """How a login is refused."""
    with pytest.raises(Denied) as refused:
        await authenticate(store, name, password, visitor=visitor, now=clock)
    return refused.value


async def fail(store: Store, clock: Clock, times: int, *, name: str = "ann", visitor: Visitor = ELSEWHERE) -> None:
    """So many wrong logins, each after the wait that the one before brought."""
    for _ in range(times):
        answer = await refusal(store, name, WRONG, clock, visitor)
        assert answer.status == 401, answer
        clock.advance(minutes=16)


async def test_the_right_password_logs_in_whatever_the_case_of_the_name(store: Store, clock: Clock) -> None:
    await user(store)
    assert (await authenticate(store, " Ann ", PASSWORD, visitor=HOME, now=clock)).name == "ann"


async def test_a_wrong_password_an_unknown_name_and_a_disabled_user_are_told_alike(store: Store, clock: Clock) -> None:
    await user(store)
    await user(store, "bob")
    await change_user(store, "bob", disabled=True, version=None, by=SOMEBODY, now=clock)
    answers = [
        await refusal(store, "ann", WRONG, clock),
        await refusal(store, "nobody", PASSWORD, clock),
        await refusal(store, "no name at all!", PASSWORD, clock),
        await refusal(store, "bob", PASSWORD, clock),
    ]
    assert {(answer.status, answer.code, str(answer)) for answer in answers} == {
        (401, "wrong_login", "the name or the password is wrong")
    }


async def test_after_some_failures_a_login_has_to_wait_and_is_told_how_long(store: Store, clock: Clock) -> None:
    await user(store)
    for _ in range(5):
        assert (await refusal(store, "ann", WRONG, clock)).status == 401
    answer = await refusal(store, "ann", PASSWORD, clock)
    assert (answer.status, answer.code, answer.retry_after_s) == (429, "login_throttled", 2)
    clock.advance(seconds=2)
    assert await authenticate(store, "ann", PASSWORD, visitor=ELSEWHERE, now=clock)


async def test_a_login_that_has_to_wait_makes_the_wait_no_longer(store: Store, clock: Clock) -> None:
    await user(store)
    await fail(store, clock, 9)
    await refusal(store, "ann", WRONG, clock)
    waits = [(await refusal(store, "ann", WRONG, clock)).retry_after_s for _ in range(5)]
    assert waits == [64] * 5


async def test_the_wait_grows_to_a_quarter_of_an_hour_and_no_further(store: Store, clock: Clock) -> None:
    await user(store)
    waits = []
    for _ in range(20):
        if (answer := await refusal(store, "ann", WRONG, clock)).status == 429:
            waits.append(answer.retry_after_s)
            clock.advance(seconds=answer.retry_after_s or 0)
    assert waits[:3] == [2, 4, 8]
    assert max(waits) <= timedelta(minutes=15).total_seconds()


async def test_an_unknown_name_is_slowed_down_as_a_known_one(store: Store, clock: Clock) -> None:
    for _ in range(5):
        await refusal(store, "nobody", WRONG, clock)
    assert (await refusal(store, "nobody", WRONG, clock)).status == 429


async def test_one_address_that_tries_many_names_is_slowed_down(store: Store, clock: Clock) -> None:
    answers = [(await refusal(store, f"name{number}", WRONG, clock)).status for number in range(23)]
    assert answers == [401] * 21 + [429] * 2


async def test_many_tries_at_once_get_no_more_guesses_than_one_after_the_other(store: Store, clock: Clock) -> None:
    await user(store)
    tries = await asyncio.gather(*(refusal(store, "ann", WRONG, clock) for _ in range(12)))
    assert sorted(answer.status for answer in tries) == [401] * 5 + [429] * 7


async def test_a_restart_forgives_nothing(database_url: str, secret_key: str, clock: Clock) -> None:
    for expected in ([401] * 5, [429]):
        async with open_store(database_url, secret_keys=[secret_key], data_dir=None, migrate=False) as store:
            assert [(await refusal(store, "ann", WRONG, clock)).status for _ in expected] == expected


async def test_a_user_gets_in_from_home_however_many_others_guess_elsewhere(store: Store, clock: Clock) -> None:
    await user(store)
    await log_in(store, "ann", PASSWORD, visitor=HOME, now=clock)
    await fail(store, clock, 14)
    await refusal(store, "ann", WRONG, clock)
    assert (await refusal(store, "ann", PASSWORD, clock)).status == 429
    assert await authenticate(store, "ann", PASSWORD, visitor=HOME, now=clock)


async def test_a_user_gets_in_from_home_though_somebody_there_tries_other_names(store: Store, clock: Clock) -> None:
    await user(store)
    await log_in(store, "ann", PASSWORD, visitor=HOME, now=clock)
    for number in range(21):
        await refusal(store, f"name{number}", WRONG, clock, HOME)
    assert (await refusal(store, "name22", WRONG, clock, HOME)).status == 429
    assert await authenticate(store, "ann", PASSWORD, visitor=HOME, now=clock)


async def test_guessing_is_slowed_down_at_home_too(store: Store, clock: Clock) -> None:
    await user(store)
    await log_in(store, "ann", PASSWORD, visitor=HOME, now=clock)
    for _ in range(5):
        await refusal(store, "ann", WRONG, clock, HOME)
    assert (await refusal(store, "ann", PASSWORD, clock, HOME)).status == 429


async def test_home_is_the_network_of_an_ipv6_address(store: Store, clock: Clock) -> None:
    await user(store)
    await log_in(store, "ann", PASSWORD, visitor=Visitor(address="2001:db8:1:2::7"), now=clock)
    for _ in range(5):
        await refusal(store, "ann", WRONG, clock)
    assert (await refusal(store, "ann", WRONG, clock)).status == 429
    assert await authenticate(store, "ann", PASSWORD, visitor=Visitor(address="2001:db8:1:2:ffff::9"), now=clock)


async def test_a_good_login_forgives_itself_and_not_what_others_did_from_there(store: Store, clock: Clock) -> None:
    await user(store, "mallory")
    for _ in range(4):
        await refusal(store, "ann", WRONG, clock)
    await log_in(store, "mallory", PASSWORD, visitor=ELSEWHERE, now=clock)
    assert (await refusal(store, "ann", WRONG, clock)).status == 401
    assert (await refusal(store, "ann", WRONG, clock)).status == 429


async def test_failures_are_forgotten_after_a_day(store: Store, clock: Clock) -> None:
    await user(store)
    await fail(store, clock, 10)
    clock.advance(days=1, seconds=1)
    assert [(await refusal(store, "ann", WRONG, clock)).status for _ in range(5)] == [401] * 5


async def test_another_password_from_an_administrator_lets_in_at_once(store: Store, clock: Clock) -> None:
    await user(store)
    for _ in range(6):
        await refusal(store, "ann", WRONG, clock)
    await set_password(store, "ann", "a fresh start for ann", by=SOMEBODY, now=clock)
    assert await authenticate(store, "ann", "a fresh start for ann", visitor=ELSEWHERE, now=clock)


async def test_a_refused_login_is_audited_with_its_address_and_nothing_that_was_typed(
    store: Store, clock: Clock
) -> None:
    await user(store)
    await refusal(store, "ann", WRONG, clock, HOME)
    await refusal(store, PASSWORD, "typed into the wrong field", clock, HOME)
    async with store.reading() as tx:
        entries = await audit_entries(tx, limit=10, act="session")
    assert [(entry.act, entry.subject, entry.address, entry.after) for entry in entries] == [
        ("session.refused", "ann", "192.0.2.7", None)
    ]
