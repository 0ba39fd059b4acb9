"""Logging in and out over the API, and the first administrator."""

from __future__ import annotations

import base64
from collections.abc import AsyncIterator
from http.cookies import Morsel, SimpleCookie

import httpx2
import pytest

from adept.access.roles import Role
from adept.access.secrets import hash_of
from adept.access.setup import make_link
from tests.access.people import PASSWORD, user
from tests.web.conftest import NO_TLS, RunningService

SESSION = "/api/v1/session"


@pytest.fixture
async def browser(service: RunningService) -> AsyncIterator[httpx2.AsyncClient]:
    """A client that keeps cookies and has no key."""
    async with httpx2.AsyncClient(base_url=service.url, timeout=30, verify=NO_TLS) as client:
        yield client


async def log_in(browser: httpx2.AsyncClient, name: str = "ann", password: str = PASSWORD) -> httpx2.Response:
    """Log in over the API."""
    return await browser.post(SESSION, json={"name": name, "password": password})


def cookie_in(answer: httpx2.Response) -> Morsel[str]:
    """The one cookie that the answer sets."""
    ((_, cookie),) = SimpleCookie(answer.headers["set-cookie"]).items()
    return cookie


async def test_a_login_sets_a_cookie_that_scripts_and_other_sites_dont_get(
    service: RunningService, browser: httpx2.AsyncClient
) -> None:
    await user(service.store, role=Role.OPERATOR)
    answer = await log_in(browser)
    assert answer.status_code == 201
    who = answer.json()
    assert who | {"session_id": 0} == {
        "kind": "user",
        "name": "ann",
        "role": "operator",
        "may_read_secrets": False,
        "session_id": 0,
    }
    cookie = cookie_in(answer)
    assert (cookie.key, cookie["path"], cookie["httponly"], cookie["samesite"].lower()) == (
        "adept_session",
        "/",
        True,
        "lax",
    )
    assert (cookie["domain"], cookie["secure"]) == ("", "")  # over TLS it is secure
    assert cookie.value not in answer.text
    assert (await browser.get(SESSION)).json() == who


async def test_a_login_without_a_body_that_makes_sense_is_refused_without_repeating_it(
    service: RunningService, browser: httpx2.AsyncClient
) -> None:
    for body in ({}, {"name": "ann"}, {"name": "ann", "password": ["a secret"]}, ["a secret"], "a secret"):
        answer = await browser.post(SESSION, json=body)
        assert answer.status_code == 422
        assert "a secret" not in answer.text


async def test_a_wrong_password_is_told_with_401_and_too_many_with_429(
    service: RunningService, browser: httpx2.AsyncClient
) -> None:
    await user(service.store)
    answers = [await log_in(browser, password="wrong horse battery") for _ in range(6)]
    assert [answer.status_code for answer in answers] == [401] * 5 + [429]
    assert answers[0].json()["code"] == "wrong_login"
    assert answers[0].headers["www-authenticate"]
    assert (answers[5].json()["code"], answers[5].headers["retry-after"]) == ("login_throttled", "2")
    assert "set-cookie" not in answers[0].headers


async def test_a_login_gives_a_new_cookie_and_the_old_one_is_worth_nothing(
    service: RunningService, browser: httpx2.AsyncClient
) -> None:
    await user(service.store)
    first = cookie_in(await log_in(browser)).value
    second = cookie_in(await log_in(browser)).value
    assert first != second
    for secret, status in ((first, 401), (second, 200)):
        answer = await service.get(SESSION, headers={"Cookie": f"adept_session={secret}"})
        assert answer.status_code == status


async def test_a_logout_ends_the_session_and_takes_the_cookie(
    service: RunningService, browser: httpx2.AsyncClient
) -> None:
    await user(service.store)
    secret = cookie_in(await log_in(browser)).value
    answer = await browser.delete(SESSION)
    assert answer.status_code == 204
    assert (cookie_in(answer).value, cookie_in(answer)["max-age"]) == ("", "0")
    assert (await service.get(SESSION, headers={"Cookie": f"adept_session={secret}"})).status_code == 401
    assert (await browser.delete(SESSION)).status_code == 401


async def test_a_cookie_can_not_be_forged_from_what_is_kept_or_by_changing_one(
    service: RunningService, browser: httpx2.AsyncClient
) -> None:
    await user(service.store)
    secret = cookie_in(await log_in(browser)).value
    kept = hash_of(secret)
    forged = [
        kept.hex(),
        base64.urlsafe_b64encode(kept).rstrip(b"=").decode(),
        secret[:-1],
        secret + "A",
        secret.swapcase(),
        f"{secret}; adept_session={secret[::-1]}",
        "1",
        "' OR '1'='1",
        "",
    ]
    for value in forged:
        answer = await service.get(SESSION, headers={"Cookie": f"adept_session={value}"})
        assert answer.status_code == 401, value
    named = await service.get(SESSION, headers={"Cookie": f"__Host-adept_session={secret}"})
    assert named.status_code == 401  # that is the cookie's name over TLS alone
    assert (await service.get(SESSION, headers={"Authorization": f"Bearer {secret}"})).status_code == 401


async def test_a_cookie_that_was_taken_down_is_worth_nothing_once_it_was_ended_in_any_way(
    service: RunningService, browser: httpx2.AsyncClient
) -> None:
    await user(service.store)

    async def replayed(secret: str) -> int:
        return (await service.get(SESSION, headers={"Cookie": f"adept_session={secret}"})).status_code

    first = cookie_in(await log_in(browser)).value
    assert await replayed(first) == 200
    assert (await service.delete("/api/v1/users/ann/sessions", role="admin")).status_code in (200, 204)
    assert await replayed(first) == 401
    browser.cookies.clear()
    second = cookie_in(await log_in(browser)).value
    assert (await replayed(first), await replayed(second)) == (401, 200)
    service.clock.advance(days=8)
    assert await replayed(second) == 401


async def test_a_key_says_who_it_is_and_has_no_session_to_end(service: RunningService) -> None:
    answer = await service.get(SESSION, role="viewer")
    assert answer.json() == {
        "kind": "key",
        "name": "viewer",
        "role": "viewer",
        "may_read_secrets": False,
        "session_id": None,
    }
    assert (await service.delete(SESSION, role="viewer")).status_code == 404


async def test_a_key_may_come_as_the_password_of_anybody(service: RunningService) -> None:
    key = await service.key("operator")
    answer = await service.get(SESSION, auth=("anybody", key))
    assert answer.json()["role"] == "operator"


async def test_a_session_ends_when_nobody_uses_it(service: RunningService, browser: httpx2.AsyncClient) -> None:
    await user(service.store, now=service.clock())
    await log_in(browser)
    service.clock.advance(hours=11)
    assert (await browser.get(SESSION)).status_code == 200
    service.clock.advance(hours=12)
    assert (await browser.get(SESSION)).status_code == 401


async def test_another_sites_page_cant_log_anybody_in_or_out(
    service: RunningService, browser: httpx2.AsyncClient
) -> None:
    await user(service.store)
    await log_in(browser)
    for headers in ({"Sec-Fetch-Site": "cross-site"}, {"Origin": "https://evil.example"}):
        assert (await browser.delete(SESSION, headers=headers)).status_code == 403
        body = {"name": "ann", "password": PASSWORD}
        assert (await browser.post(SESSION, json=body, headers=headers)).status_code == 403
    assert (await browser.get(SESSION)).status_code == 200


async def test_the_first_administrator_is_named_once_and_logged_in(
    service: RunningService, browser: httpx2.AsyncClient
) -> None:
    secret = await make_link(service.store, now=service.clock)
    body = {"secret": secret, "name": "ann", "password": PASSWORD}
    assert (await browser.post("/api/v1/setup", json=body | {"password": "short"})).status_code == 422
    answer = await browser.post("/api/v1/setup", json=body)
    assert (answer.status_code, answer.json()["role"]) == (201, "admin")
    assert (await browser.get("/api/v1/users")).status_code == 200
    again = await browser.post("/api/v1/setup", json=body | {"name": "mallory"})
    assert (again.status_code, again.json()["code"]) == (403, "setup_link")


async def test_what_is_no_link_names_nobody(service: RunningService, browser: httpx2.AsyncClient) -> None:
    body = {"secret": "A" * 43, "name": "mallory", "password": PASSWORD}
    assert (await browser.post("/api/v1/setup", json=body)).status_code == 403
    assert (await service.get("/api/v1/users", role="admin")).json()["items"] == []
