"""The first administrator, named on the page."""

from __future__ import annotations

from adept.access.setup import make_link
from tests.web.conftest import RunningService
from tests.web.ui.conftest import PASSWORD, CookieOf, error_of, field_of, text_of

FORM = {"name": "Ann", "password": PASSWORD, "password_again": PASSWORD}


async def link(service: RunningService) -> str:
    secret = await make_link(service.store, now=service.clock)
    assert secret is not None
    return f"{service.url}/setup#{secret}"


async def test_where_there_is_nobody_the_login_leads_to_the_set_up(service: RunningService) -> None:
    answer = await service.get("/login")
    assert (answer.status_code, answer.headers["location"]) == (303, "/setup")


async def test_the_holder_of_the_link_becomes_administrator_and_is_logged_in(service: RunningService) -> None:
    answer = await service.post("/setup", data={**FORM, "secret": await link(service)})
    assert (answer.status_code, answer.headers["location"]) == (303, "/")
    page = await service.get("/people")
    assert "ann (you) Admin Active" in text_of(page.text)


async def test_an_error_stands_at_its_field_and_loses_nothing(service: RunningService) -> None:
    secret = await link(service)
    bad = await service.post("/setup", data={**FORM, "secret": secret, "name": "not a name!"})
    assert bad.status_code == 422
    assert "can't be the name of a user" in error_of(bad.text, "name")
    assert field_of(bad.text, "name") == "not a name!"
    assert field_of(bad.text, "secret") == secret.partition("#")[2]
    assert PASSWORD not in bad.text

    short = await service.post("/setup", data={**FORM, "secret": secret, "password": "x", "password_again": "x"})
    assert "A password needs 12" in error_of(short.text, "password")

    differ = await service.post("/setup", data={**FORM, "secret": secret, "password_again": "x"})
    assert error_of(differ.text, "password_again") == "The two passwords are not the same."

    assert (await service.post("/setup", data={**FORM, "secret": secret})).status_code == 303


async def test_a_link_works_once_and_half_an_hour(service: RunningService) -> None:
    late = await link(service)
    service.clock.advance(minutes=31)
    answer = await service.post("/setup", data={**FORM, "secret": late})
    assert answer.status_code == 403
    assert "was used, has run out, or never was one" in text_of(answer.text)
    secret = await link(service)
    assert (await service.post("/setup", data={**FORM, "secret": secret})).status_code == 303
    assert (await service.post("/setup", data={**FORM, "name": "eve", "secret": secret})).status_code == 403


async def test_where_there_is_somebody_the_set_up_leads_to_the_login(
    service: RunningService, cookie_of: CookieOf
) -> None:
    await cookie_of("viewer")
    answer = await service.get("/setup")
    assert (answer.status_code, answer.headers["location"]) == (303, "/login")
