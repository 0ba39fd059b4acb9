"""What goes wrong is told to people in a page, and to programs as a problem."""

from __future__ import annotations

import pytest

from tests.web.conftest import RunningService
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
