"""Logins: who gets in, and who is told what."""

from __future__ import annotations

import asyncio

import pytest

from adept.access.admission import Visitor
from adept.access.login import authenticate
from adept.access.users import change_user
from adept.errors import Denied
from adept.store.audit import audit_entries
from adept.store.database import Store
from tests.access.people import PASSWORD, SOMEBODY, Clock, user

HOME = Visitor(address="192.0.2.7", user_agent="Browser", request_id="request-1")
WRONG = "wrong horse battery"


async def refusal(store: Store, name: str, password: str, clock: Clock) -> Denied:
    """How a login is refused."""
    with pytest.raises(Denied) as refused:
        await authenticate(store, name, password, visitor=HOME, now=clock)
    return refused.value


async def test_the_right_password_logs_in_whatever_the_case_of_the_name(store: Store, clock: Clock) -> None:
    await user(store)
    assert (await authenticate(store, " Ann ", PASSWORD, visitor=HOME, now=clock)).name == "ann"


async def test_a_wrong_password_an_unknown_name_and_a_disabled_user_are_told_alike(store: Store, clock: Clock) -> None:
    await user(store)
    await user(store, "bob")
    await change_user(store, "bob", disabled=True, version=None, by=SOMEBODY, now=clock)
    tries = [("ann", WRONG), ("nobody", PASSWORD), ("no name at all!", PASSWORD), ("bob", PASSWORD)]
    answers = [await refusal(store, name, password, clock) for name, password in tries]
    assert {(answer.status, answer.code, str(answer)) for answer in answers} == {
        (401, "wrong_login", "the name or the password is wrong")
    }


async def test_a_password_is_not_looked_at_while_its_name_has_to_wait(store: Store, clock: Clock) -> None:
    await user(store)
    tries = await asyncio.gather(*(refusal(store, "ann", WRONG, clock) for _ in range(8)))
    assert sorted(answer.status for answer in tries) == [401] * 5 + [429] * 3
    assert (await refusal(store, "ann", PASSWORD, clock)).code == "login_throttled"
    clock.advance(seconds=2)
    assert await authenticate(store, "ann", PASSWORD, visitor=HOME, now=clock)


async def test_a_refused_login_is_audited_with_its_address_and_nothing_that_was_typed(
    store: Store, clock: Clock
) -> None:
    await user(store)
    await refusal(store, "ann", WRONG, clock)
    await refusal(store, PASSWORD, "typed into the wrong field", clock)
    async with store.reading() as tx:
        entries = await audit_entries(tx, limit=10, act="session")
    assert [(entry.act, entry.subject, entry.address, entry.request_id, entry.after) for entry in entries] == [
        ("session.refused", "ann", "192.0.2.7", "request-1", None)
    ]
