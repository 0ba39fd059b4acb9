"""Passwords and their hashes."""

from __future__ import annotations

import asyncio

import pytest

from adept.access import passwords
from adept.errors import Denied, Misuse
from tests.access.people import PASSWORD, password_hash


@pytest.mark.parametrize("password", ["twelve chars", "x y z w v u t", "пароль из слов", "0123" * 249 + "5678"])
def test_a_long_password_of_any_characters_will_do(password: str) -> None:
    passwords.check_password(password)


@pytest.mark.parametrize("password", ["", "eleven char", "x" * 12, "abababababab", "0123456789" * 101])
def test_a_short_an_endless_or_a_monotonous_password_wont_do(password: str) -> None:
    with pytest.raises(Misuse) as refused:
        passwords.check_password(password)
    assert not password or password not in str(refused.value)


async def test_a_hash_is_argon2id_with_a_salt_of_its_own() -> None:
    first, second = await asyncio.gather(passwords.hash_password(PASSWORD), passwords.hash_password(PASSWORD))
    assert first != second
    assert first.startswith("$argon2id$v=19$m=65536,t=3,p=1$")
    assert await passwords.matches(PASSWORD, first)
    assert not await passwords.matches(PASSWORD + " ", first)


async def test_it_does_not_matter_how_a_keyboard_composes_a_character() -> None:
    assert await passwords.matches("cafe\u0301 au lait", await passwords.hash_password("caf\u00e9 au lait"))


async def test_the_hash_for_unknown_names_costs_what_a_users_costs_and_has_no_password() -> None:
    def parameters(phc: str) -> str:
        return phc.rpartition("$")[0].rpartition("$")[0]

    assert parameters(passwords.STAND_IN) == parameters(password_hash())
    assert not passwords.is_outdated(passwords.STAND_IN)
    assert not await passwords.matches(PASSWORD, passwords.STAND_IN)


async def test_what_comes_when_too_many_wait_is_sent_away_and_the_others_are_answered() -> None:
    turns = passwords._Turns(at_once=2, waiting=1)
    asked = [turns.run(lambda: "done") for _ in range(5)]
    answers = await asyncio.gather(*asked, return_exceptions=True)
    assert answers[:3] == ["done"] * 3
    assert [answer.status for answer in answers[3:] if isinstance(answer, Denied)] == [429, 429]
    assert await turns.run(lambda: "done") == "done"
