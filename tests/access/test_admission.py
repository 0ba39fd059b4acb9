"""How guessing is slowed down without keeping people out."""

from __future__ import annotations

import asyncio

import pytest

from adept.access.admission import Visitor, admit, take_back
from adept.access.sessions import open_session
from adept.access.users import set_password
from adept.errors import Denied
from adept.store.database import Store, open_store
from adept.store.login_failures import forget_old_failures
from adept.store.users import user_named
from tests.access.people import SOMEBODY, Clock, user

HOME = Visitor(address="192.0.2.7")
ELSEWHERE = Visitor(address="198.51.100.9")


async def wait(store: Store, clock: Clock, name: str = "ann", visitor: Visitor = ELSEWHERE) -> float:
    """Try a password that turns out wrong; the seconds that one has to wait first, 0 where it was looked at."""
    try:
        await admit(store, name, visitor=visitor, at=clock())
    except Denied as refused:
        return _told(refused)
    return 0


def _told(refused: Denied) -> float:
    assert (refused.status, refused.code) == (429, "login_throttled")
    assert refused.retry_after_s is not None
    return refused.retry_after_s


async def succeed(store: Store, clock: Clock, name: str = "ann", visitor: Visitor = ELSEWHERE) -> None:
    """Log in with the right password."""
    admission = await admit(store, name, visitor=visitor, at=clock())
    async with store.writing() as tx:
        await take_back(tx, admission, at=clock())
        await open_session(tx, await user_named(tx, name), visitor=visitor, now=clock())


async def test_after_some_failures_one_has_to_wait_and_is_told_how_long(store: Store, clock: Clock) -> None:
    assert [await wait(store, clock) for _ in range(7)] == [0, 0, 0, 0, 0, 2, 2]
    clock.advance(seconds=2)
    assert [await wait(store, clock) for _ in range(3)] == [0, 4, 4]


async def test_a_wait_runs_out_though_somebody_tries_all_the_time(store: Store, clock: Clock) -> None:
    for _ in range(5):
        await wait(store, clock)
    for left in (2, 1.5, 1):
        assert await wait(store, clock) == left
        clock.advance(seconds=0.5)


async def test_an_unknown_name_is_slowed_down_as_a_known_one(store: Store, clock: Clock) -> None:
    await user(store)
    tries = [(await wait(store, clock, "ann"), await wait(store, clock, "nobody", HOME)) for _ in range(7)]
    assert all(known == unknown for known, unknown in tries)


async def test_one_address_that_tries_many_names_is_slowed_down(store: Store, clock: Clock) -> None:
    assert [await wait(store, clock, f"name{number}") for number in range(23)] == [0] * 21 + [2] * 2


async def test_an_address_that_tries_what_is_no_name_is_slowed_down(store: Store, clock: Clock) -> None:
    assert [await wait(store, clock, f"no name! {number}") for number in range(22)] == [0] * 21 + [2]


async def test_many_tries_at_once_get_no_more_guesses_than_one_after_the_other(store: Store, clock: Clock) -> None:
    tries = await asyncio.gather(*(wait(store, clock) for _ in range(12)))
    assert sorted(tries) == [0] * 5 + [2] * 7


async def test_a_restart_forgives_nothing(database_url: str, secret_key: str, clock: Clock) -> None:
    for expected in ([0] * 5, [2]):
        async with open_store(database_url, secret_keys=[secret_key], data_dir=None, migrate=False) as store:
            assert [await wait(store, clock) for _ in expected] == expected


async def test_a_user_gets_in_from_home_however_many_guess_elsewhere(store: Store, clock: Clock) -> None:
    await user(store)
    await succeed(store, clock, visitor=HOME)
    for number in range(60):
        await wait(store, clock, visitor=Visitor(address=f"203.0.113.{number}"))
    assert await wait(store, clock, visitor=ELSEWHERE) > 0
    await succeed(store, clock, visitor=HOME)


async def test_a_user_gets_in_from_home_though_somebody_there_tries_other_names(store: Store, clock: Clock) -> None:
    await user(store)
    await succeed(store, clock, visitor=HOME)
    for number in range(22):
        await wait(store, clock, f"name{number}", HOME)
    assert await wait(store, clock, "another", HOME) > 0
    await succeed(store, clock, visitor=HOME)


async def test_guessing_is_slowed_down_at_home_too(store: Store, clock: Clock) -> None:
    await user(store)
    await succeed(store, clock, visitor=HOME)
    assert [await wait(store, clock, visitor=HOME) for _ in range(6)] == [0] * 5 + [2]


async def test_home_is_the_network_of_an_ipv6_address(store: Store, clock: Clock) -> None:
    await user(store)
    await succeed(store, clock, visitor=Visitor(address="2001:db8:1:2::7"))
    for _ in range(6):
        await wait(store, clock)
    await succeed(store, clock, visitor=Visitor(address="2001:db8:1:2:ffff::9"))


async def test_home_is_home_for_three_months(store: Store, clock: Clock) -> None:
    await user(store)
    await succeed(store, clock, visitor=HOME)
    clock.advance(days=91)
    for _ in range(5):
        await wait(store, clock, visitor=ELSEWHERE)
    assert await wait(store, clock, visitor=HOME) > 0


async def test_a_good_login_forgives_itself_and_not_what_was_tried_at_other_names(store: Store, clock: Clock) -> None:
    await user(store, "mallory")
    for _ in range(4):
        await wait(store, clock, "ann")
    await succeed(store, clock, "mallory")
    assert [await wait(store, clock, "ann") for _ in range(2)] == [0, 2]


async def test_good_logins_never_add_up_to_a_wait(store: Store, clock: Clock) -> None:
    await user(store)
    for _ in range(30):
        await succeed(store, clock)


async def test_failures_are_forgotten_after_a_day(store: Store, clock: Clock) -> None:
    for _ in range(5):
        await wait(store, clock)
    clock.advance(days=1, seconds=1)
    assert [await wait(store, clock) for _ in range(6)] == [0] * 5 + [2]


async def test_counters_that_begin_anew_anyway_are_swept_up(store: Store, clock: Clock) -> None:
    await wait(store, clock)
    async with store.writing() as tx:
        await forget_old_failures(tx, clock())
    assert [await wait(store, clock) for _ in range(6)] == [0] * 4 + [2, 2]
    clock.advance(seconds=1)
    async with store.writing() as tx:
        await forget_old_failures(tx, clock())
    assert await wait(store, clock) == 0


async def test_another_password_lets_in_at_once(store: Store, clock: Clock) -> None:
    await user(store)
    await user(store, "ann.other")
    for name in ("ann", "ann.other"):
        for _ in range(5):
            await wait(store, clock, name, Visitor(address=f"203.0.113.{len(name)}"))
    await set_password(store, "ann", "a fresh start for ann", by=SOMEBODY, now=clock)
    assert [await wait(store, clock, "ann"), await wait(store, clock, "ann.other")] == [0, 2]


async def test_a_name_is_the_same_name_in_any_case(store: Store, clock: Clock) -> None:
    for name in ("ann", "ANN", " Ann", "aNN", "anN"):
        await wait(store, clock, name)
    assert await wait(store, clock, "Ann ") == 2


@pytest.mark.parametrize("name", ["\x00", "ann\x00", "\ud800", "x" * 10_000, "", "' OR 1=1 --"])
async def test_a_name_that_nobody_can_have_is_only_a_failure(store: Store, clock: Clock, name: str) -> None:
    await user(store)
    assert (await admit(store, name, visitor=ELSEWHERE, at=clock())).user is None
