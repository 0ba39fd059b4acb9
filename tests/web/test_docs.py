"""The API's description: what it says of every route, and the page that shows it."""

from __future__ import annotations

from typing import Any

import pytest

from tests.web.conftest import RunningService

pytestmark = pytest.mark.parametrize("engine_name", ["sqlite"])  # nothing here depends on the engine


async def description(service: RunningService) -> dict[str, Any]:
    answer = await service.get("/api/v1/openapi.json")
    assert answer.status_code == 200
    found: dict[str, Any] = answer.json()
    return found


def operations(document: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    """Every operation with its name: method and path."""
    return [
        (f"{method.upper()} {path}", operation)
        for path, item in document["paths"].items()
        for method, operation in item.items()
    ]


async def test_the_description_is_openapi_3_1_of_this_adept(service: RunningService) -> None:
    document = await description(service)
    assert document["openapi"].startswith("3.1")
    assert document["info"]["title"] == "adept"
    assert {"key", "key_as_password", "session"} == set(document["components"]["securitySchemes"])


async def test_every_operation_has_words_and_a_known_tag(service: RunningService) -> None:
    document = await description(service)
    tags = {tag["name"] for tag in document["tags"]}
    for name, operation in operations(document):
        assert operation["summary"], name
        assert operation["description"], name
        assert set(operation["tags"]) <= tags, name


async def test_every_operation_says_who_may_call_it_and_how_nobody_is_answered(service: RunningService) -> None:
    for name, operation in operations(await description(service)):
        statuses = set(operation["responses"])
        if "security" in operation:
            assert "Needs the role **" in operation["description"], name
            assert {"401", "403"} <= statuses, name
        assert {"400", "421", "500", "503"} <= statuses, name


async def test_every_error_is_described_as_a_problem(service: RunningService) -> None:
    document = await description(service)
    assert {"type", "title", "status", "detail", "code"} <= set(
        document["components"]["schemas"]["Problem"]["properties"]
    )
    for name, operation in operations(document):
        for status, answer in operation["responses"].items():
            if status >= "4":
                assert set(answer["content"]) == {"application/problem+json"}, f"{name} {status}"
                assert answer["description"], f"{name} {status}"


async def test_every_reference_leads_somewhere(service: RunningService) -> None:
    document = await description(service)

    def check(value: Any) -> None:
        if isinstance(value, dict):
            if isinstance(reference := value.get("$ref"), str):
                place = document
                for step in reference.removeprefix("#/").split("/"):
                    place = place[step]
            for inner in value.values():
                check(inner)
        elif isinstance(value, list):
            for inner in value:
                check(inner)

    check(document)


async def test_the_page_loads_nothing_but_files_of_ours_and_has_no_inline_script(service: RunningService) -> None:
    page = await service.get("/api/v1/docs")
    assert page.headers["content-type"].startswith("text/html")
    assert "://" not in page.text
    for path in (
        "/static/vendor/swagger-ui.css",
        "/static/vendor/swagger-ui-bundle.js",
        "/static/docs.js",
        "/static/docs.css",
    ):
        assert path in page.text
        assert (await service.get(path)).status_code == 200
    assert "<script>" not in page.text
    assert "style=" not in page.text
