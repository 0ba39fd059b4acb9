"""What goes wrong is told to people in a page, and to programs as a problem."""

from __future__ import annotations

from collections.abc import Mapping

import httpx2
import pytest
from fastapi import APIRouter

from adept.errors import StoreError
from adept.web.access import PUBLIC
from adept.web.app import create_app
from adept.web.service import Service
from tests.web.conftest import RunningService
from tests.web.serving import served
from tests.web.ui.conftest import CookieOf, text_of


@pytest.mark.parametrize(
    ("method", "path", "status", "told"),
    [
        ("GET", "/nowhere", 404, "There is nothing here"),
        ("PUT", "/people", 405, "This address can't be opened like that"),
        ("GET", "/people/nobody", 404, "There is no user 'nobody'."),
        ("GET", "/people?revoked=perhaps", 422, "query.revoked"),
        ("POST", "/keys/nothing/revoke", 404, "There is no API key 'nothing'."),
    ],
)
async def test_an_error_is_a_page_with_the_navigation_and_the_requests_id(
    service: RunningService, cookie_of: CookieOf, method: str, path: str, status: int, told: str
) -> None:
    headers = {**await cookie_of("admin"), "Referer": f"{service.url}/people?new=key"}
    answer = await service.request(method, path, headers=headers)
    assert answer.status_code == status
    assert answer.headers["content-type"].startswith("text/html")
    assert told in text_of(answer.text)
    assert answer.headers["x-request-id"] in answer.text
    assert 'aria-label="Main"' in answer.text
    assert 'href="/people?new=key">Back<' in answer.text


async def test_nobody_is_told_that_a_page_is_not_there_without_the_navigation(service: RunningService) -> None:
    answer = await service.get("/nowhere")
    assert answer.status_code == 404
    assert "There is nothing here" in answer.text
    assert 'aria-label="Main"' not in answer.text


@pytest.mark.parametrize("path", ["/api/v1/nowhere", "/dep/nowhere", "/static/nowhere.css", "/api/v1/accounts"])
async def test_programs_are_told_problems(service: RunningService, path: str) -> None:
    answer = await service.get(path)
    assert answer.headers["content-type"] == "application/problem+json"


async def test_what_comes_from_the_address_is_shown_as_text(service: RunningService, cookie_of: CookieOf) -> None:
    answer = await service.get("/people/<script>alert(1)</script>", headers=await cookie_of("admin"))
    assert "<script>alert" not in answer.text


async def answer_to(service: RunningService, raised: Exception, cookie: Mapping[str, str]) -> httpx2.Response:
    """What a page answers that raises."""
    app = create_app(Service(service.store, service.settings, service.clock, lambda *_: None, lambda: None))  # type: ignore[arg-type]  # asks nobody
    router = APIRouter()

    @router.get("/fails", dependencies=[PUBLIC])
    async def fails() -> None:
        raise raised

    app.include_router(router)
    async with served(app) as port, httpx2.AsyncClient() as client:
        return await client.get(f"http://127.0.0.1:{port}/fails", headers=cookie)


async def test_a_database_that_fails_is_told_without_asking_it_who_asks(
    service: RunningService, cookie_of: CookieOf
) -> None:
    raised = StoreError("the database is locked", way_out="wait")
    answer = await answer_to(service, raised, await cookie_of("admin"))
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "5")
    assert "The database can't be used at the moment The database is locked. Wait." in text_of(answer.text)
    assert 'aria-label="Main"' not in answer.text


async def test_a_bug_is_told_as_one_and_tells_nothing_else(service: RunningService) -> None:
    answer = await answer_to(service, RuntimeError("a detail that is nobody's business"), {})
    assert answer.status_code == 500
    assert "Something went wrong in adept" in answer.text
    assert answer.headers["x-request-id"] in answer.text
    assert "a detail" not in answer.text
