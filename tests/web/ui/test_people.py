"""Users and API keys on the page."""

from __future__ import annotations

import html
import json
import re
import shlex

import anyio
import pytest

from adept.records.access import key_list, one_user, session_list
from adept.store.audit import audit_entries
from tests.web.conftest import RunningService
from tests.web.ui.conftest import PASSWORD, CookieOf, error_of, field_of, text_of

NEW = {"name": "Ann@Example.com", "role": "operator", "password": PASSWORD}
KEY = {"name": "backup", "role": "viewer", "days": "30"}


async def test_an_administrator_adds_a_user_who_can_log_in(service: RunningService, cookie_of: CookieOf) -> None:
    admin = await cookie_of("admin")
    answer = await service.post("/people", data=NEW, headers=admin)
    assert (answer.status_code, answer.headers["location"]) == (303, "/people?done=user_added")
    page = await service.get(answer.headers["location"], headers=admin)
    assert "The user was added." in text_of(page.text)
    assert "ann@example.com Operator Active never" in text_of(page.text)
    assert (await service.post("/login", data=NEW)).status_code == 303
    async with service.store.reading() as tx:
        (entry,) = await audit_entries(tx, limit=10, act="user.added")
    assert (entry.actor, entry.subject) == ("admin", "ann@example.com")


@pytest.mark.parametrize(
    ("field", "value", "told"),
    [
        ("name", "admin", "There is already a user 'admin'. Choose another name."),
        ("name", "", "can't be the name of a user"),
        ("password", "short", "A password needs 12 to 1000 characters, this one has 5."),
        ("password", "aaaaaaaaaaaa", "at least 5 different characters"),
    ],
)
async def test_a_new_users_errors_stand_at_their_fields(
    service: RunningService, cookie_of: CookieOf, field: str, value: str, told: str
) -> None:
    answer = await service.post("/people", data={**NEW, field: value}, headers=await cookie_of("admin"))
    assert answer.status_code == (409 if value == "admin" else 422)
    assert told in error_of(answer.text, field)
    assert field_of(answer.text, "name") == (value if field == "name" else NEW["name"])
    assert '<option value="operator" selected>' in answer.text
    assert f'value="{value}"' not in answer.text or field == "name"


async def test_a_user_gets_another_role(service: RunningService, cookie_of: CookieOf) -> None:
    admin, ben = await cookie_of("admin"), await cookie_of("viewer", "ben")
    page = await service.get("/people/ben", headers=admin)
    form = {"role": "admin", "version": field_of(page.text, "version")}
    answer = await service.post("/people/ben/role", data=form, headers=admin)
    assert answer.headers["location"] == "/people/ben?done=role_changed"
    assert (await service.get("/people", headers=ben)).status_code == 200


async def test_an_edit_of_what_changed_meanwhile_shows_the_other_change(
    service: RunningService, cookie_of: CookieOf
) -> None:
    admin = await cookie_of("admin")
    await cookie_of("viewer", "ben")
    version = field_of((await service.get("/people/ben", headers=admin)).text, "version")
    await service.post("/people/ben/role", data={"role": "operator", "version": version}, headers=admin)
    answer = await service.post("/people/ben/role", data={"role": "admin", "version": version}, headers=admin)
    assert answer.status_code == 409
    assert "The user ben was changed meanwhile, by admin" in text_of(answer.text)
    assert "Role Operator" in text_of(answer.text)
    assert '<option value="admin" selected>' in answer.text
    assert field_of(answer.text, "version") != version


async def test_a_disabled_user_is_out_at_once_and_can_be_let_in_again(
    service: RunningService, cookie_of: CookieOf
) -> None:
    admin, ben = await cookie_of("admin"), await cookie_of("viewer", "ben")
    version = field_of((await service.get("/people/ben", headers=admin)).text, "version")
    await service.post("/people/ben/disable", data={"version": version}, headers=admin)
    assert (await service.get("/people/ben", headers=ben)).headers["location"].startswith("/login")
    assert (await service.post("/login", data={"name": "ben", "password": PASSWORD})).status_code == 401
    page = await service.get("/people/ben", headers=admin)
    assert "State Disabled" in text_of(page.text)
    again = await service.post("/people/ben/enable", data={"version": field_of(page.text, "version")}, headers=admin)
    assert again.headers["location"] == "/people/ben?done=user_enabled"
    assert (await service.post("/login", data={"name": "ben", "password": PASSWORD})).status_code == 303


async def test_the_last_administrator_stays_one(service: RunningService, cookie_of: CookieOf) -> None:
    admin = await cookie_of("admin")
    version = (await one_user(service.store, "admin")).version
    for act, form in (("role", {"role": "viewer"}), ("disable", {})):
        answer = await service.post(f"/people/admin/{act}", data={**form, "version": version}, headers=admin)
        assert answer.status_code == 409
        assert "Admin is the last administrator." in text_of(answer.text)


async def test_ones_own_password_needs_the_old_one_and_ends_the_other_sessions(
    service: RunningService, cookie_of: CookieOf
) -> None:
    here, elsewhere = await cookie_of("viewer"), await cookie_of("viewer")
    form = {"password": "a quite different one", "password_again": "a quite different one"}
    wrong = await service.post(
        "/people/viewer/password", data={**form, "old_password": "not the old one"}, headers=here
    )
    assert wrong.status_code == 403
    assert error_of(wrong.text, "old_password") == "The old password is wrong."
    differ = await service.post(
        "/people/viewer/password", data={**form, "old_password": PASSWORD, "password_again": "x"}, headers=here
    )
    assert error_of(differ.text, "password_again")
    done = await service.post("/people/viewer/password", data={**form, "old_password": PASSWORD}, headers=here)
    assert done.headers["location"] == "/people/viewer?done=password_changed"
    assert (await service.get("/people/viewer", headers=here)).status_code == 200
    assert (await service.get("/people/viewer", headers=elsewhere)).status_code == 303
    assert (await service.post("/login", data={"name": "viewer", **form})).status_code == 303


async def test_an_administrator_sets_somebodys_password(service: RunningService, cookie_of: CookieOf) -> None:
    admin, ben = await cookie_of("admin"), await cookie_of("viewer", "ben")
    form = {"password": "a quite different one", "password_again": "a quite different one"}
    done = await service.post("/people/ben/password", data=form, headers=admin)
    assert done.headers["location"] == "/people/ben?done=password_set"
    assert (await service.get("/people/ben", headers=ben)).status_code == 303
    assert (await service.post("/login", data={"name": "ben", **form})).status_code == 303


async def test_others_pages_are_the_administrators(service: RunningService, cookie_of: CookieOf) -> None:
    operator = await cookie_of("operator")
    await cookie_of("viewer", "ben")
    for method, path in (
        ("GET", "/people/ben"),
        ("POST", "/people/ben/password"),
        ("POST", "/people/ben/sessions/end"),
        ("GET", "/people"),
        ("GET", "/people/nobody"),
    ):
        answer = await service.request(method, path, headers=operator)
        assert answer.status_code == 403, path
        assert "Ask an administrator" in text_of(answer.text)
    mine = await service.get("/people/operator", headers=operator)
    assert mine.status_code == 200
    assert 'href="/people"' not in mine.text, "nobody is shown the way to what they may not see"


async def test_sessions_are_listed_and_ended(service: RunningService, cookie_of: CookieOf) -> None:
    here, elsewhere = await cookie_of("viewer"), await cookie_of("viewer")
    newest, _ = sorted(
        await session_list(service.store, "viewer", now=service.clock()), key=lambda session: -session.id
    )
    page = await service.get("/people/viewer", headers=here)
    assert text_of(page.text).count("this one") == 1
    ended = await service.post(f"/people/viewer/sessions/{newest.id}/end", headers=here)
    assert ended.headers["location"] == "/people/viewer?done=session_ended"
    assert (await service.get("/people/viewer", headers=elsewhere)).status_code == 303
    again = await service.post(f"/people/viewer/sessions/{newest.id}/end", headers=here)
    assert again.status_code == 404
    assert "It may have ended by itself." in text_of(again.text)
    everywhere = await service.post("/people/viewer/sessions/end", headers=here)
    assert everywhere.headers["location"] == "/login?done=logged_out"
    assert (await service.get("/people/viewer", headers=here)).status_code == 303


async def test_a_key_is_shown_once_with_a_curl_line_that_works(service: RunningService, cookie_of: CookieOf) -> None:
    admin = await cookie_of("admin")
    made = await service.post("/keys", data=KEY, headers=admin)
    assert made.status_code == 201
    line = re.search(r'<code id="curl">([^<]*)<', made.text)
    assert line is not None
    answer = await anyio.run_process([*shlex.split(html.unescape(line[1])), "-sS", "--fail"])
    assert json.loads(answer.stdout) == {"items": [], "next_cursor": None}
    key = re.search(r'<code id="key">([^<]*)<', made.text)
    assert key is not None
    assert key[1] not in (await service.get("/people", headers=admin)).text


async def test_sending_the_form_of_a_key_twice_makes_one(service: RunningService, cookie_of: CookieOf) -> None:
    admin = await cookie_of("admin")
    await service.post("/keys", data=KEY, headers=admin)
    again = await service.post("/keys", data=KEY, headers=admin)
    assert again.status_code == 409
    assert error_of(again.text, "name").startswith("There is already an API key 'backup'.")
    assert '<option value="30" selected>' in again.text
    assert [key.name for key in await key_list(service.store)] == ["backup"]


async def test_a_revoked_key_is_worth_nothing_and_still_told_about(
    service: RunningService, cookie_of: CookieOf
) -> None:
    admin = await cookie_of("admin")
    made = await service.post("/keys", data=KEY, headers=admin)
    key = re.search(r'<code id="key">([^<]*)<', made.text)
    assert key is not None
    revoked = await service.post("/keys/backup/revoke", headers=admin)
    assert revoked.headers["location"] == "/people?done=key_revoked"
    answer = await service.get("/api/v1/accounts", headers={"Authorization": f"Bearer {key[1]}"})
    assert answer.status_code == 401
    assert "backup" not in text_of((await service.get("/people", headers=admin)).text)
    assert "backup Viewer" in text_of((await service.get("/people?revoked=true", headers=admin)).text)


async def test_a_key_may_be_made_that_never_ends_and_reads_secrets(
    service: RunningService, cookie_of: CookieOf
) -> None:
    form = {"name": "forever", "role": "admin", "days": "0", "secrets": "yes"}
    await service.post("/keys", data=form, headers=await cookie_of("admin"))
    (key,) = await key_list(service.store)
    assert (key.expires_at, key.may_read_secrets, key.created_by) == (None, True, "admin")


async def test_a_browser_that_shows_a_key_is_no_person(service: RunningService) -> None:
    page = await service.get("/people", role="admin")
    assert page.status_code == 200
    assert "Nobody can log in here" in text_of(page.text)
    assert 'action="/logout"' not in page.text
