"""What stands in an address, a name or a header stays that: no path, header or second line of the log comes of it."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from io import StringIO
from urllib.parse import quote

import pytest

from adept.setting_values import LogFormat, LogLevel
from adept.web.logs import configure_logs
from tests.loggers import loggers_as_before
from tests.web.conftest import RunningService
from tests.web.serving import line_to
from tests.web.test_roles import Route, asked, routes

__all__ = ["routes"]

HEADER = "x\r\nX-Injected: yes\r\n\r\n<script>"
NASTY = ["../../../../etc/passwd", HEADER, '";filename="a.sh', "'; DROP TABLE accounts; --", "%2e%2e%2f", "é" * 300]


@pytest.fixture
def engine_name() -> str:
    """SQLite alone: nothing here is the engine's."""
    return "sqlite"


@pytest.mark.parametrize("nasty", NASTY[:3])
async def test_no_part_of_an_address_becomes_a_header_or_another_path(
    service: RunningService, routes: list[Route], nasty: str
) -> None:
    """Every route that has a name, a serial number or an id in its path, asked by an administrator."""
    wrong = []
    for route in routes:
        if "{" not in route.path:
            continue
        parts = [quote(nasty, safe="") if part.startswith("{") else part for part in route.path.split("/")]
        answer = await asked(service, route, role="admin", address="/".join(parts))
        is_empty_stream = answer.status_code == 200 and answer.headers["content-type"].startswith("text/event-stream")
        is_refused = answer.status_code in (303, 404, 409, 422)
        if not (is_refused or is_empty_stream) or "x-injected" in answer.headers:
            wrong.append((route.name, answer.status_code, dict(answer.headers)))
    assert wrong == []


@pytest.mark.parametrize("nasty", NASTY)
async def test_nobody_and_nothing_gets_such_a_name(service: RunningService, nasty: str) -> None:
    made = [
        await service.post("/api/v1/accounts", role="admin", json={"name": nasty}),
        await service.post("/api/v1/keys", role="admin", json={"name": nasty, "role": "viewer"}),
        await service.post(
            "/api/v1/users", role="admin", json={"name": nasty, "role": "viewer", "password": "a fine long password"}
        ),
    ]
    assert [answer.status_code for answer in made] == [422] * 3
    assert all("x-injected" not in answer.headers for answer in made)


@pytest.mark.parametrize(
    ("path", "parameter"),
    [
        ("/api/v1/devices", "cursor"),
        ("/api/v1/devices", "search"),
        ("/api/v1/changes", "cursor"),
        ("/api/v1/passes", "cursor"),
        ("/api/v1/audit", "cursor"),
    ],
)
async def test_an_oversized_cursor_or_search_is_refused_unread(
    service: RunningService, path: str, parameter: str
) -> None:
    answer = await service.get(path, role="admin", params={parameter: "9" * 5000})
    assert answer.status_code == 422
    assert "9" * 200 not in answer.text


@pytest.fixture
def log() -> Iterator[StringIO]:
    with loggers_as_before():
        stream = StringIO()
        configure_logs(LogLevel.INFO, LogFormat.TEXT, stream)
        yield stream


async def test_a_request_writes_one_line_into_the_log_whatever_it_holds(service: RunningService, log: StringIO) -> None:
    port = int(service.url.rpartition(":")[2])
    async with line_to(port) as line:
        await line.send(
            b"GET /a%0d%0a%1b%5B2Jforged%E2%80%A8level=info HTTP/1.1\r\n",
            b"Host: localhost\r\nX-Request-Id: x\x1b[2J\r\nUser-Agent: \x1b]0;t\x07\r\n\r\n",
        )
        status, _ = await line.answer()
    assert status in (400, 404)
    told = log.getvalue()
    assert len(told.splitlines()) <= 1
    assert all(character.isprintable() for character in told.rstrip("\n"))


@pytest.mark.parametrize("form", LogFormat)
def test_what_moves_a_terminal_or_ends_a_line_is_written_out(form: LogFormat) -> None:
    with loggers_as_before():
        stream = StringIO()
        configure_logs(LogLevel.INFO, form, stream)
        for odd in ("\n", "\r", "\x1b[2J", "\x85", "\x9b2J", "\u2028", "\u202e"):
            logging.getLogger("adept.web").info("answered", extra={"path": f"/a{odd}forged"})
            logging.getLogger("elsewhere").warning("odd%sforged", odd)
        logging.getLogger("adept.web").info("answered", extra={"name_of": "Zürich 🍏"})
    lines = stream.getvalue().splitlines()
    assert len(lines) == 15
    assert all(line.isprintable() for line in lines)
    assert "Zürich 🍏" in lines[-1]
    if form is LogFormat.JSON:
        assert json.loads(lines[0])["path"] == "/a\\nforged"
