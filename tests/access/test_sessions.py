"""Sessions: opened by a login, and all the ways in which they end."""

from __future__ import annotations

from datetime import timedelta

import pytest

from adept.access.admission import Visitor
from adept.access.caller import Caller, caller_of, note_use
from adept.access.roles import Role
from adept.access.sessions import IDLE, LIFETIME, Opened, end_session, end_sessions, log_in, open_session
from adept.access.users import change_own_password, change_user, set_password
from adept.errors import Denied, NotFound
from adept.records.access import session_list
from adept.store.audit import audit_entries
from adept.store.database import Store
from adept.store.sessions import sessions_of
from adept.store.users import update_user, user_named
from tests.access.people import PASSWORD, SOMEBODY, Clock, user

HOME = Visitor(address="192.0.2.7", user_agent="Browser 1.0", request_id="request-1")
NEW = "a password that is new"


async def opened(store: Store, clock: Clock, name: str = "ann") -> Opened:
    """A session as a login opens it, without the work of a password."""
    async with store.writing() as tx:
        return await open_session(tx, await user_named(tx, name), visitor=HOME, now=clock())


async def caller(store: Store, session: Opened, clock: Clock) -> Caller | None:
    """Who comes with the session's cookie."""
    return await caller_of(
        store, cookie=session.secret, authorization=None, address="192.0.2.7", request_id="request-2", now=clock
    )


async def test_a_session_says_who_it_is_and_what_they_may_do(store: Store, clock: Clock) -> None:
    await user(store, role=Role.OPERATOR)
    session = await opened(store, clock)
    found = await caller(store, session, clock)
    assert found is not None
    assert (found.actor.kind, found.actor.name, found.actor.address, found.actor.request_id) == (
        "user",
        "ann",
        "192.0.2.7",
        "request-2",
    )
    assert (found.role, found.may_read_secrets, found.session_id) == (Role.OPERATOR, False, session.session.id)


async def test_a_login_opens_a_session_and_ends_the_one_that_came_with_it(store: Store, clock: Clock) -> None:
    await user(store)
    first = await opened(store, clock)
    second = await log_in(store, "ann", PASSWORD, visitor=HOME, old_cookie=first.secret, now=clock)
    assert first.secret != second.secret
    assert await caller(store, first, clock) is None
    assert await caller(store, second, clock) is not None


async def test_a_login_with_a_cookie_that_is_nobodys_is_a_login(store: Store, clock: Clock) -> None:
    await user(store)
    session = await log_in(store, "ann", PASSWORD, visitor=HOME, old_cookie="planted by a stranger", now=clock)
    assert session.secret != "planted by a stranger"


async def test_the_store_has_no_cookie_in_it(store: Store, clock: Clock) -> None:
    await user(store)
    session = await opened(store, clock)
    async with store.reading() as tx:
        (row,) = await sessions_of(tx, session.user.id, clock())
    assert session.secret.encode() not in row.secret_hash
    assert session.secret not in repr(session)


async def test_a_session_ends_when_nobody_uses_it(store: Store, clock: Clock) -> None:
    await user(store)
    session = await opened(store, clock)
    clock.advance(seconds=IDLE.total_seconds())
    assert await caller(store, session, clock) is None


async def test_a_session_in_use_goes_on_until_its_last_day(store: Store, clock: Clock) -> None:
    await user(store)
    session = await opened(store, clock)
    ends_at = clock() + LIFETIME
    while clock() + timedelta(hours=11) < ends_at:
        clock.advance(hours=11)
        found = await caller(store, session, clock)
        assert found is not None
        await note_use(store, found, now=clock)
    clock.time = ends_at
    assert await caller(store, session, clock) is None


async def test_what_ended_by_itself_is_swept_up_by_the_next_login(store: Store, clock: Clock) -> None:
    ann = await user(store)
    await opened(store, clock)
    clock.advance(hours=13)
    second = await opened(store, clock)
    async with store.reading() as tx:
        assert [row.id for row in await sessions_of(tx, ann.id, clock())] == [second.session.id]


async def test_a_session_can_be_ended_by_its_id_and_only_as_that_users(store: Store, clock: Clock) -> None:
    await user(store)
    await user(store, "bob")
    session = await opened(store, clock)
    with pytest.raises(NotFound):
        await end_session(store, "bob", session.session.id, by=SOMEBODY, now=clock)
    assert await caller(store, session, clock) is not None
    await end_session(store, "ann", session.session.id, by=SOMEBODY, now=clock)
    assert await caller(store, session, clock) is None
    with pytest.raises(NotFound):
        await end_session(store, "ann", session.session.id, by=SOMEBODY, now=clock)


async def test_all_sessions_of_a_user_can_be_ended_at_once(store: Store, clock: Clock) -> None:
    await user(store)
    await user(store, "bob")
    of_ann = [await opened(store, clock) for _ in range(3)]
    of_bob = await opened(store, clock, "bob")
    assert await end_sessions(store, "Ann", by=SOMEBODY, now=clock) == 3
    assert [await caller(store, session, clock) for session in of_ann] == [None] * 3
    assert await caller(store, of_bob, clock) is not None


async def test_a_disabled_users_sessions_end_and_dont_come_back(store: Store, clock: Clock) -> None:
    await user(store)
    await user(store, "bob")
    session = await opened(store, clock, "bob")
    await change_user(store, "bob", disabled=True, version=None, by=SOMEBODY, now=clock)
    assert await caller(store, session, clock) is None
    await change_user(store, "bob", disabled=False, version=None, by=SOMEBODY, now=clock)
    assert await caller(store, session, clock) is None


async def test_a_new_role_counts_from_the_next_request_on(store: Store, clock: Clock) -> None:
    await user(store)
    await user(store, "bob")
    session = await opened(store, clock, "bob")
    await change_user(store, "bob", role=Role.VIEWER, version=None, by=SOMEBODY, now=clock)
    found = await caller(store, session, clock)
    assert found is not None
    assert (found.role, found.may_read_secrets) == (Role.VIEWER, False)


async def test_another_password_ends_all_sessions(store: Store, clock: Clock) -> None:
    await user(store)
    session = await opened(store, clock)
    await set_password(store, "ann", NEW, by=SOMEBODY, now=clock)
    assert await caller(store, session, clock) is None
    assert await log_in(store, "ann", NEW, visitor=HOME, now=clock)
    with pytest.raises(Denied):
        await log_in(store, "ann", PASSWORD, visitor=HOME, now=clock)


async def test_who_changes_their_own_password_stays_logged_in_where_they_sit(store: Store, clock: Clock) -> None:
    await user(store)
    here, there = await opened(store, clock), await opened(store, clock)
    await change_own_password(
        store, "ann", old=PASSWORD, new=NEW, session_id=here.session.id, visitor=HOME, by=SOMEBODY, now=clock
    )
    assert await caller(store, here, clock) is not None
    assert await caller(store, there, clock) is None


async def test_a_password_hashed_with_older_parameters_is_hashed_anew_at_the_login(store: Store, clock: Clock) -> None:
    ann = await user(store)
    older = "$argon2id$v=19$m=8192,t=1,p=1$MTIzNDU2Nzg5MDEyMzQ1Ng$3pWnykkcCTnreRRtK9bbBvU3lAJr9I/cO+XH47cMltA"
    async with store.writing() as tx:
        await update_user(tx, ann.id, password_hash=older)
    await log_in(store, "ann", PASSWORD, visitor=HOME, now=clock)
    async with store.reading() as tx:
        newer = (await user_named(tx, "ann")).password_hash
    assert newer.startswith("$argon2id$v=19$m=65536,t=3,p=1$")
    assert await log_in(store, "ann", PASSWORD, visitor=HOME, now=clock)


async def test_a_list_of_sessions_shows_where_and_until_when_and_no_secret(store: Store, clock: Clock) -> None:
    await user(store)
    session = await opened(store, clock)
    clock.advance(minutes=5)
    (record,) = await session_list(store, "ann", now=clock())
    assert (record.address, record.user_agent, record.id) == ("192.0.2.7", "Browser 1.0", session.session.id)
    assert record.expires_at == record.last_used_at + IDLE
    assert "secret" not in record.model_dump_json()
    clock.advance(hours=12)
    assert await session_list(store, "ann", now=clock()) == []


async def test_opening_and_ending_are_audited(store: Store, clock: Clock) -> None:
    await user(store)
    session = await log_in(store, "ann", PASSWORD, visitor=HOME, now=clock)
    await end_session(store, "ann", session.session.id, by=SOMEBODY, now=clock)
    async with store.reading() as tx:
        entries = await audit_entries(tx, limit=10, act="session")
    assert [(entry.act, entry.actor_kind, entry.actor, entry.subject) for entry in entries] == [
        ("session.ended", "cli", "tests", "ann"),
        ("session.opened", "user", "ann", "ann"),
    ]
