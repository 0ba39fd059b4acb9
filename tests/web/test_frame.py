"""What holds for every request."""

from __future__ import annotations

from tests.web.conftest import RunningService


async def test_the_service_says_that_it_lives(service: RunningService) -> None:
    answer = await service.get("/healthz")
    assert answer.status_code == 200
    assert answer.json() == {"status": "alive"}


async def test_an_unknown_path_is_a_problem(service: RunningService) -> None:
    answer = await service.get("/nowhere", role="viewer")
    assert answer.status_code == 404
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["code"] == "not_found"
