"""Logging in, out, and being logged in too late."""

from __future__ import annotations

from tests.web.conftest import RunningService
from tests.web.ui.conftest import PASSWORD, CookieOf, field_of, text_of


async def test_a_page_that_needs_somebody_leads_to_the_login_and_back(
    service: RunningService, cookie_of: CookieOf
) -> None:
    await cookie_of("admin")
    answer = await service.get("/people?new=user")
    assert (answer.status_code, answer.headers["location"]) == (303, "/login?next=%2Fpeople%3Fnew%3Duser")
    login = await service.get(answer.headers["location"])
    form = {"name": "Admin", "password": PASSWORD, "next": field_of(login.text, "next")}
    opened = await service.post("/login", data=form)
    assert (opened.status_code, opened.headers["location"]) == (303, "/people?new=user")
    assert {"HttpOnly", "SameSite=lax", "Path=/"} <= set(opened.headers["set-cookie"].split("; "))
    page = await service.get("/people")  # the client keeps the cookie
    assert page.status_code == 200


async def test_a_wrong_password_is_told_and_the_name_stays(service: RunningService, cookie_of: CookieOf) -> None:
    await cookie_of("admin")
    form = {"name": "admin", "password": "not the password", "next": "/devices"}
    answer = await service.post("/login", data=form)
    assert answer.status_code == 401
    assert "The name or the password is wrong." in text_of(answer.text)
    assert field_of(answer.text, "name") == "admin"
    assert field_of(answer.text, "next") == "/devices"
    assert "not the password" not in answer.text
    assert "set-cookie" not in answer.headers


async def test_too_many_tries_have_to_wait(service: RunningService, cookie_of: CookieOf) -> None:
    await cookie_of("admin")
    for _ in range(6):
        answer = await service.post("/login", data={"name": "admin", "password": "not the password"})
    assert answer.status_code == 429
    assert "too many failed logins" in text_of(answer.text).lower()


async def test_a_login_leads_to_no_other_site(service: RunningService, cookie_of: CookieOf) -> None:
    await cookie_of("admin")
    answer = await service.post("/login", data={"name": "admin", "password": PASSWORD, "next": "https://example.com/"})
    assert answer.headers["location"] == "/"


async def test_who_is_logged_in_is_not_asked_again(service: RunningService, cookie_of: CookieOf) -> None:
    answer = await service.get("/login?next=/devices", headers=await cookie_of("viewer"))
    assert (answer.status_code, answer.headers["location"]) == (303, "/devices")


async def test_logging_out_ends_the_session(service: RunningService, cookie_of: CookieOf) -> None:
    cookie = await cookie_of("admin")
    answer = await service.post("/logout", headers=cookie)
    assert (answer.status_code, answer.headers["location"]) == (303, "/login?done=logged_out")
    assert "adept_session" in answer.headers["set-cookie"]
    assert (await service.get("/people", headers=cookie)).status_code == 303
    login = await service.get(answer.headers["location"])
    assert "You are logged out." in text_of(login.text)


async def test_logging_out_twice_is_harmless(service: RunningService) -> None:
    assert (await service.post("/logout")).status_code == 303


async def test_what_was_typed_survives_the_end_of_the_session(service: RunningService, cookie_of: CookieOf) -> None:
    cookie = await cookie_of("admin")
    service.clock.advance(hours=13)
    typed = {"name": "backup", "role": "viewer", "days": "30"}
    late = await service.post("/keys", data=typed, headers={**cookie, "Referer": f"{service.url}/people?new=key"})
    assert late.status_code == 401
    assert "what you typed is kept" in text_of(late.text)
    assert field_of(late.text, "next") == "/people?new=key"

    form = {"name": "admin", "password": PASSWORD, "next": "/people", "kept": field_of(late.text, "kept")}
    wrong = await service.post("/login", data=form | {"password": "not the password"})
    assert field_of(wrong.text, "kept") == form["kept"]

    back = await service.post("/login", data=form)
    assert back.status_code == 200
    assert 'action="/keys"' in back.text
    assert {name: field_of(back.text, name) for name in typed} == typed
    assert (await service.post("/keys", data=typed)).status_code == 201


async def test_a_password_typed_too_late_is_not_written_into_the_login(
    service: RunningService, cookie_of: CookieOf
) -> None:
    await cookie_of("admin")
    form = {"name": "ann", "role": "viewer", "password": "a new password of hers"}
    late = await service.post("/people", data=form)
    assert late.status_code == 401
    assert "a new password" not in late.text
    back = await service.post(
        "/login", data={"name": "admin", "password": PASSWORD, "kept": field_of(late.text, "kept")}
    )
    assert "Passwords and files are not kept" in text_of(back.text)
    again = await service.post("/people", data={"name": "ann", "role": "viewer"})
    assert again.status_code == 422
    assert field_of(again.text, "name") == "ann"


async def test_a_file_sent_too_late_is_asked_for_again(service: RunningService, cookie_of: CookieOf) -> None:
    await cookie_of("admin")
    late = await service.post("/people", data={"name": "ann"}, files={"file": ("a.p7m", b"content")})
    back = await service.post(
        "/login", data={"name": "admin", "password": PASSWORD, "kept": field_of(late.text, "kept")}
    )
    assert "Passwords and files are not kept" in text_of(back.text)


async def test_a_part_of_a_page_leaves_it_to_the_page_to_tell(service: RunningService) -> None:
    answer = await service.get("/live/overview", headers={"HX-Request": "true"})
    assert answer.status_code == 401
    assert answer.text == ""


async def test_colours_are_kept_by_the_browser(service: RunningService, cookie_of: CookieOf) -> None:
    cookie = await cookie_of("viewer")
    chosen = await service.post(
        "/theme", data={"theme": "dark"}, headers={"Referer": f"{service.url}/people/viewer?x=1"}
    )
    assert (chosen.status_code, chosen.headers["location"]) == (303, "/people/viewer?x=1")
    page = await service.get("/people/viewer", headers={"Cookie": f"{cookie['Cookie']}; adept_theme=dark"})
    assert 'data-bs-theme="dark"' in page.text.split("<head>")[0]
    back = await service.post("/theme", data={"theme": "auto"})
    assert 'adept_theme=""' in back.headers["set-cookie"]
