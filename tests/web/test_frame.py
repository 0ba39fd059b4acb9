"""What holds for every request, whatever it asks for."""

from __future__ import annotations

import logging
import re
from typing import Any

import httpx2
import pytest
from fastapi import APIRouter

from adept.errors import (
    AdeptError,
    Busy,
    ConfigError,
    Conflict,
    Denied,
    Malformed,
    Misuse,
    NeedsPerson,
    NotFound,
    Refused,
    StoreError,
    TokenFileError,
    Unreachable,
)
from adept.web.app import create_app
from adept.web.problems import responses
from adept.web.service import Service
from tests.web.conftest import RunningService
from tests.web.serving import served

pytestmark = pytest.mark.parametrize("engine_name", ["sqlite"])  # nothing here depends on the engine

SECRET = "sesame-open"
PROBLEM = "application/problem+json"


async def test_an_unknown_path_of_the_api_is_a_problem_with_the_requests_id(service: RunningService) -> None:
    answer = await service.get("/api/v1/nowhere", role="viewer")
    assert answer.headers["content-type"] == PROBLEM
    assert answer.json() == {
        "type": "about:blank",
        "title": "Not Found",
        "status": 404,
        "detail": "there is nothing at this address",
        "code": "not_found",
        "way_out": None,
        "request_id": answer.headers["x-request-id"],
    }


async def test_a_method_that_an_address_lacks_is_a_problem_that_names_those_it_has(service: RunningService) -> None:
    answer = await service.delete("/healthz")
    assert (answer.status_code, answer.json()["code"]) == (405, "method_not_allowed")
    assert answer.headers["allow"] == "GET"


async def test_a_body_above_a_megabyte_is_refused_before_anything_is_done(service: RunningService) -> None:
    answer = await service.post("/api/v1/session", json={"name": "a", "password": "x" * 1024 * 1024})
    assert (answer.status_code, answer.json()["code"]) == (413, "too_large")
    assert answer.headers["content-type"] == PROBLEM


async def test_wrong_fields_are_told_one_by_one_without_what_was_sent(service: RunningService) -> None:
    answer = await service.post("/api/v1/session", json={"name": 7, "passwort": SECRET})
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_request")
    assert {error["field"] for error in answer.json()["errors"]} >= {"body.name", "body.password"}
    assert SECRET not in answer.text


@pytest.mark.parametrize("body", [b"{", b"\xff\xfe", b"[" * 100_000])
async def test_a_body_that_is_no_json_is_refused(service: RunningService, body: bytes) -> None:
    answer = await service.post("/api/v1/session", content=body, headers={"content-type": "application/json"})
    assert answer.status_code in (400, 422)
    assert answer.headers["content-type"] == PROBLEM


@pytest.mark.parametrize("path", ["/healthz", "/api/v1/nowhere", "/api/v1/docs", "/static/docs.js", "/"])
async def test_every_answer_tells_browsers_what_they_may_do_with_it(service: RunningService, path: str) -> None:
    answer = await service.get(path, headers={"host": "localhost"})
    policy = answer.headers["content-security-policy"]
    assert policy.startswith("default-src 'none'; script-src 'self'; style-src 'self'")
    assert "unsafe" not in policy
    assert "frame-ancestors 'none'" in policy
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["x-frame-options"] == "DENY"
    assert answer.headers["referrer-policy"] == "same-origin"
    assert answer.headers["cross-origin-opener-policy"] == "same-origin"
    assert answer.headers["cache-control"] == ("no-cache" if path.startswith("/static") else "no-store")
    assert "strict-transport-security" not in answer.headers  # it came over plain HTTP
    assert "server" not in answer.headers


async def test_static_files_are_sent_once_and_then_asked_about(service: RunningService) -> None:
    first = await service.get("/static/vendor/swagger-ui.css")
    again = await service.get("/static/vendor/swagger-ui.css", headers={"if-none-match": first.headers["etag"]})
    assert (first.status_code, again.status_code) == (200, 304)
    assert first.headers["content-type"].startswith("text/css")


@pytest.mark.parametrize(
    "path", ["/static/../app.py", "/static/%2e%2e/app.py", "/static/..%2fapp.py", "/static//etc/hosts"]
)
async def test_nothing_but_static_files_is_below_static(service: RunningService, path: str) -> None:
    assert (await service.get(path)).status_code == 404


async def test_a_usable_request_id_is_taken_over_and_another_replaced(service: RunningService) -> None:
    kept = await service.get("/healthz", headers={"x-request-id": "deploy-2026_11-22"})
    assert kept.headers["x-request-id"] == "deploy-2026_11-22"
    for offered in ("short", "x" * 65, "with blank", "<script>alert(1)"):
        answer = await service.get("/healthz", headers={"x-request-id": offered})
        assert re.fullmatch("[0-9a-f]{32}", answer.headers["x-request-id"])


async def test_a_request_of_another_sites_page_is_refused_and_one_of_another_host_misdirected(
    service: RunningService,
) -> None:
    crossing = await service.post("/api/v1/session", headers={"sec-fetch-site": "cross-site"})
    assert (crossing.status_code, crossing.json()["code"]) == (403, "cross_site")
    elsewhere = await service.get("/api/v1/nowhere", headers={"host": "evil.example"})
    assert (elsewhere.status_code, elsewhere.json()["code"]) == (421, "host_not_allowed")


async def test_each_request_is_one_line_in_the_log_without_what_was_searched_for(
    service: RunningService, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "adept.web")
    answer = await service.get("/api/v1/nowhere?search=somebody", role="viewer")
    (line,) = [vars(record) for record in caplog.records if record.name == "adept.web"]
    assert line["message"] == "request answered"
    assert (line["method"], line["path"], line["status"]) == ("GET", "/api/v1/nowhere", 404)
    assert line["address"] == "127.0.0.1"
    assert line["took_s"] >= 0
    assert "somebody" not in str(line)
    assert answer.headers["x-request-id"]


ERRORS: list[tuple[AdeptError, int, str]] = [
    (NotFound("there is no account 'hq'"), 404, "not_found"),
    (Conflict("somebody was faster"), 409, "conflict"),
    (Misuse("that can't be"), 422, "misuse"),
    (TokenFileError("that is a certificate"), 422, "token_file"),
    (NeedsPerson("somebody must look"), 409, "needs_person"),
    (Busy("somebody is at it"), 409, "busy"),
    (Denied("not you", code="role_needed"), 403, "role_needed"),
    (Denied("who?", code="not_known", status=401), 401, "not_known"),
    (Refused("no", code="T_C_NOT_SIGNED", status=403, endpoint="GET /account"), 502, "T_C_NOT_SIGNED"),
    (Malformed("HTML", endpoint="GET /account", field="$", found="<"), 502, "malformed"),
    (Unreachable("nobody there", endpoint="GET /account"), 504, "unreachable"),
    (StoreError("locked"), 503, "store"),
    (ConfigError("no key"), 500, "config"),
]


def failing(raised: Exception) -> APIRouter:
    """A route that raises."""
    router = APIRouter()

    @router.get("/api/v1/fails", responses=responses())
    async def fails() -> str:
        secret = SECRET
        if secret:
            raise raised
        return secret

    return router


async def answer_to(service: RunningService, raised: Exception) -> httpx2.Response:
    app = create_app(Service(service.store, service.settings, service.clock, lambda *_: None, lambda: None))  # type: ignore[arg-type]  # asks nobody
    app.include_router(failing(raised))
    async with served(app) as port, httpx2.AsyncClient() as client:
        return await client.get(f"http://127.0.0.1:{port}/api/v1/fails")


@pytest.mark.parametrize(("raised", "status", "code"), ERRORS, ids=lambda value: getattr(value, "code", None))
async def test_each_of_our_errors_has_its_status_and_code(
    service: RunningService, raised: AdeptError, status: int, code: str
) -> None:
    raised.way_out = "do this"
    answer = await answer_to(service, raised)
    told = answer.json()
    assert (answer.status_code, told["status"], told["code"]) == (status, status, code)
    assert (told["detail"], told["way_out"]) == (raised.message, "do this")
    assert answer.headers["content-type"] == PROBLEM


@pytest.mark.parametrize(
    ("raised", "told", "header"),
    [
        (Denied("wait", code="throttled", status=429, retry_after_s=7.2), 7.2, "8"),
        (StoreError("locked"), 5, "5"),
        (Refused("slow down", code="HTTP_429", status=429, endpoint="GET /account", retry_after_s=30), 30, "30"),
    ],
    ids=["denied", "store", "refused"],
)
async def test_how_long_to_wait_stands_in_the_problem_and_in_its_header(
    service: RunningService, raised: AdeptError, told: float, header: str
) -> None:
    answer = await answer_to(service, raised)
    assert (answer.json()["retry_after_s"], answer.headers["retry-after"]) == (told, header)


async def test_a_conflict_shows_what_is_there_now(service: RunningService) -> None:
    answer = await answer_to(service, Conflict("changed meanwhile", current={"interval_s": 600}))
    assert answer.json()["current"] == {"interval_s": 600}


async def test_a_bug_is_logged_with_its_traceback_and_told_to_nobody_else(
    service: RunningService, caplog: pytest.LogCaptureFixture
) -> None:
    answer = await answer_to(service, ZeroDivisionError(SECRET))
    told: dict[str, Any] = answer.json()
    assert (answer.status_code, told["code"]) == (500, "bug")
    assert told["request_id"] == answer.headers["x-request-id"]
    assert SECRET not in answer.text
    (logged,) = [record for record in caplog.records if record.exc_info and record.name == "adept.web"]
    assert logged.message == "request failed"
    assert "x-frame-options" in answer.headers
