"""Users over the API: looked after by administrators, and by themselves where it is their own."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack

import httpx2
import pytest

from adept.access.admission import Visitor
from adept.access.roles import Role
from adept.access.sessions import open_session
from adept.store.users import user_named
from tests.access.people import PASSWORD, user
from tests.web.conftest import NO_TLS, RunningService

USERS = "/api/v1/users"
NEW = "a password that is new"


@pytest.fixture
async def browsers() -> AsyncIterator[AsyncExitStack]:
    """Where the browsers of a test are closed."""
    async with AsyncExitStack() as stack:
        yield stack


async def sit_down(
    service: RunningService, browsers: AsyncExitStack, name: str, role: Role | None = None
) -> httpx2.AsyncClient:
    """A user's browser, logged in; with a role, the user is made first."""
    if role is not None:
        await user(service.store, name, role, now=service.clock())
    async with service.store.writing() as tx:
        row = await user_named(tx, name)
        opened = await open_session(tx, row, visitor=Visitor(address="127.0.0.1"), now=service.clock())
    client = httpx2.AsyncClient(
        base_url=service.url, timeout=30, verify=NO_TLS, cookies={"adept_session": opened.secret}
    )
    return await browsers.enter_async_context(client)


async def test_a_user_is_added_shown_and_listed(service: RunningService, browsers: AsyncExitStack) -> None:
    boss = await sit_down(service, browsers, "boss", Role.ADMIN)
    answer = await boss.post(USERS, json={"name": "Ann", "role": "operator", "password": PASSWORD})
    assert (answer.status_code, answer.headers["location"], answer.headers["etag"]) == (201, f"{USERS}/ann", '"v1"')
    ann = answer.json()
    assert (ann["name"], ann["role"], ann["disabled_at"], ann["last_login_at"]) == ("ann", "operator", None, None)
    assert (await boss.get(f"{USERS}/ANN")).json() == ann
    listed = (await boss.get(USERS)).json()
    assert ([item["name"] for item in listed["items"]], listed["next_cursor"]) == (["ann", "boss"], None)
    assert "argon2" not in (await boss.get(USERS)).text


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"name": "no name", "role": "viewer", "password": PASSWORD}, 422),
        ({"name": "ann", "role": "viewer", "password": "short"}, 422),
        ({"name": "ann", "role": "owner", "password": PASSWORD}, 422),
        ({"name": "ann", "role": "viewer", "password": PASSWORD, "admin": True}, 422),
        ({"name": "boss", "role": "viewer", "password": PASSWORD}, 409),
    ],
)
async def test_what_cant_be_a_user_adds_nobody_and_repeats_no_password(
    service: RunningService, browsers: AsyncExitStack, body: dict[str, object], status: int
) -> None:
    boss = await sit_down(service, browsers, "boss", Role.ADMIN)
    answer = await boss.post(USERS, json=body)
    assert answer.status_code == status
    assert str(body["password"]) not in answer.text
    assert len((await boss.get(USERS)).json()["items"]) == 1


async def test_an_edit_needs_the_etag_of_what_was_looked_at(service: RunningService, browsers: AsyncExitStack) -> None:
    boss = await sit_down(service, browsers, "boss", Role.ADMIN)
    await user(service.store, "ann", Role.VIEWER)
    etag = (await boss.get(f"{USERS}/ann")).headers["etag"]
    missing = await boss.put(f"{USERS}/ann", json={"role": "operator"})
    assert (missing.status_code, missing.json()["code"]) == (428, "precondition_required")
    wrong = await boss.put(f"{USERS}/ann", json={"role": "operator"}, headers={"If-Match": "yesterday"})
    assert wrong.status_code == 422
    edited = await boss.put(f"{USERS}/ann", json={"role": "operator"}, headers={"If-Match": etag})
    assert (edited.status_code, edited.json()["role"], edited.headers["etag"]) == (200, "operator", '"v2"')
    again = await boss.put(f"{USERS}/ann", json={"role": "operator"})
    assert (again.status_code, again.headers["etag"]) == (200, '"v2"')


async def test_the_second_of_two_editors_is_shown_the_change_of_the_first(
    service: RunningService, browsers: AsyncExitStack
) -> None:
    boss = await sit_down(service, browsers, "boss", Role.ADMIN)
    other = await sit_down(service, browsers, "other", Role.ADMIN)
    await user(service.store, "ann", Role.VIEWER)
    headers = {"If-Match": '"v1"'}
    await boss.put(f"{USERS}/ann", json={"role": "operator"}, headers=headers)
    answer = await other.put(f"{USERS}/ann", json={"disabled": True}, headers=headers)
    problem = answer.json()
    assert (answer.status_code, problem["code"]) == (409, "conflict")
    assert problem["current"] == (await boss.get(f"{USERS}/ann")).json()
    assert "by boss at" in problem["detail"]


async def test_a_disabled_user_is_out_at_once(service: RunningService, browsers: AsyncExitStack) -> None:
    boss = await sit_down(service, browsers, "boss", Role.ADMIN)
    ann = await sit_down(service, browsers, "ann", Role.OPERATOR)
    assert (await ann.get("/api/v1/accounts")).status_code == 200
    await boss.put(f"{USERS}/ann", json={"disabled": True}, headers={"If-Match": '"v1"'})
    assert (await ann.get("/api/v1/accounts")).status_code == 401
    assert (await ann.post("/api/v1/session", json={"name": "ann", "password": PASSWORD})).status_code == 401


async def test_the_last_administrator_stays_one(service: RunningService, browsers: AsyncExitStack) -> None:
    boss = await sit_down(service, browsers, "boss", Role.ADMIN)
    answer = await boss.put(f"{USERS}/boss", json={"role": "viewer"}, headers={"If-Match": '"v1"'})
    assert (answer.status_code, answer.json()["way_out"]) == (409, "make somebody else an administrator first")


async def test_ones_own_password_takes_the_old_one_and_ends_ones_other_sessions(
    service: RunningService, browsers: AsyncExitStack
) -> None:
    here = await sit_down(service, browsers, "ann", Role.ADMIN)
    there = await sit_down(service, browsers, "ann")
    path = f"{USERS}/ann/password"
    for body in ({"password": NEW}, {"password": NEW, "old_password": "not the old one"}):
        answer = await here.put(path, json=body)
        assert (answer.status_code, answer.json()["code"]) == (403, "wrong_password")
    assert (await here.put(path, json={"password": NEW, "old_password": PASSWORD})).status_code == 200
    assert (await here.get("/api/v1/session")).status_code == 200
    assert (await there.get("/api/v1/session")).status_code == 401
    assert (await there.post("/api/v1/session", json={"name": "ann", "password": NEW})).status_code == 201


async def test_an_administrator_gives_others_a_password_and_others_dont(
    service: RunningService, browsers: AsyncExitStack
) -> None:
    boss = await sit_down(service, browsers, "boss", Role.ADMIN)
    bob = await sit_down(service, browsers, "bob", Role.OPERATOR)
    await user(service.store, "ann", Role.VIEWER)
    assert (await bob.put(f"{USERS}/ann/password", json={"password": NEW})).status_code == 403
    answer = await boss.put(f"{USERS}/ann/password", json={"password": NEW})
    assert (answer.status_code, answer.headers["etag"]) == (200, '"v2"')
    assert NEW not in answer.text
    assert (await boss.put(f"{USERS}/nobody/password", json={"password": NEW})).status_code == 404


async def test_sessions_are_seen_and_ended_by_whose_they_are_and_by_administrators(
    service: RunningService, browsers: AsyncExitStack
) -> None:
    boss = await sit_down(service, browsers, "boss", Role.ADMIN)
    ann = await sit_down(service, browsers, "ann", Role.VIEWER)
    bob = await sit_down(service, browsers, "bob", Role.OPERATOR)
    sessions = f"{USERS}/ann/sessions"
    assert (await bob.get(sessions)).status_code == 403
    (seen,) = (await ann.get(sessions)).json()["items"]
    assert (await boss.get(sessions)).json()["items"][0]["id"] == seen["id"]
    assert (await bob.delete(f"{sessions}/{seen['id']}")).status_code == 403
    assert (await bob.delete(sessions)).status_code == 403
    assert (await bob.delete(f"{USERS}/bob/sessions/{seen['id']}")).status_code == 404
    assert (await ann.delete(f"{sessions}/{seen['id']}")).status_code == 204
    assert (await ann.get(sessions)).status_code == 401
    again = await sit_down(service, browsers, "ann")
    assert (await boss.delete(sessions)).json() == {"user": "ann", "sessions": 1}
    assert (await again.get(sessions)).status_code == 401


async def test_a_key_of_the_same_name_is_not_the_user(service: RunningService) -> None:
    await user(service.store, "viewer", Role.VIEWER)
    assert (await service.get(f"{USERS}/viewer/sessions", role="viewer")).status_code == 403


async def test_a_key_that_may_not_read_secrets_makes_nobody_who_may(service: RunningService) -> None:
    await user(service.store, "boss", Role.ADMIN)
    await user(service.store, "ann", Role.VIEWER)
    new = {"name": "eve", "role": "admin", "password": PASSWORD}
    headers = {"If-Match": '"v1"'}
    tries = [
        await service.post(USERS, role="admin", json=new),
        await service.put(f"{USERS}/ann", role="admin", json={"role": "admin"}, headers=headers),
        await service.put(f"{USERS}/boss/password", role="admin", json={"password": NEW}),
    ]
    assert [(answer.status_code, answer.json()["code"]) for answer in tries] == [(403, "may_not_give")] * 3
    made = await service.post(USERS, role="admin", may_read_secrets=True, json=new)
    assert made.status_code == 201
