"""How the log's lines look, and what never stands in them."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from io import StringIO

import pytest

from adept.setting_values import LogFormat, LogLevel
from adept.web.logs import configure_logs
from adept.web.request_id import begin_request
from tests.loggers import loggers_as_before


@pytest.fixture(autouse=True)
def _loggers_as_before() -> Iterator[None]:
    with loggers_as_before():
        yield


def test_a_line_is_an_object_with_what_happened_when_and_for_which_request() -> None:
    stream = StringIO()
    configure_logs(LogLevel.INFO, LogFormat.JSON, stream)
    begin_request("request-0001")
    logging.getLogger("adept.sync").info("page applied", extra={"account": "hq", "devices": 100})
    line = json.loads(stream.getvalue())
    assert line.pop("timestamp").endswith("Z")
    assert line == {
        "event": "page applied",
        "level": "info",
        "logger": "adept.sync",
        "account": "hq",
        "devices": 100,
        "request_id": "request-0001",
    }


def test_a_line_for_people_is_text() -> None:
    stream = StringIO()
    configure_logs(LogLevel.INFO, LogFormat.TEXT, stream)
    logging.getLogger("adept.sync").info("page applied", extra={"account": "hq"})
    assert "page applied" in stream.getvalue()
    assert "account=hq" in stream.getvalue()
    assert "\x1b" not in stream.getvalue()  # no colours where there is no terminal


def test_levels_are_of_adepts_own_lines_and_others_are_heard_from_warnings_on() -> None:
    stream = StringIO()
    configure_logs(LogLevel.DEBUG, LogFormat.JSON, stream)
    logging.getLogger("adept.client").debug("asked")
    logging.getLogger("httpcore2").debug("connected")
    logging.getLogger("httpcore2").warning("odd")
    configure_logs(LogLevel.ERROR, LogFormat.JSON, stream)
    logging.getLogger("adept.client").warning("not told")
    assert [json.loads(line)["event"] for line in stream.getvalue().splitlines()] == ["asked", "odd"]


@pytest.mark.parametrize("form", LogFormat)
def test_a_traceback_shows_code_but_never_the_values_of_variables(form: LogFormat) -> None:
    stream = StringIO()
    configure_logs(LogLevel.INFO, form, stream)

    def fail(password: str) -> None:
        held = password.upper()
        raise ValueError(f"no password of {len(held)} characters")

    secret = "".join(reversed("emases-nepo"))  # so that the traceback's own lines don't have it
    try:
        fail(secret)
    except ValueError:
        logging.getLogger("adept.web").exception("request failed")
    told = stream.getvalue()
    assert "no password of 11 characters" in told
    assert "held = password.upper()" not in told  # only the line that raised
    assert secret not in told.lower()


def test_a_newline_in_what_is_logged_makes_no_second_line() -> None:
    stream = StringIO()
    configure_logs(LogLevel.INFO, LogFormat.JSON, stream)
    logging.getLogger("adept.web").info("request answered", extra={"path": '/a\n{"event":"forged"}'})
    assert len(stream.getvalue().splitlines()) == 1
    text = StringIO()
    configure_logs(LogLevel.INFO, LogFormat.TEXT, text)
    logging.getLogger("adept.web").info("request answered", extra={"path": "/a\nforged"})
    assert len(text.getvalue().splitlines()) == 1


def test_the_server_is_not_heard_about_answers_that_were_cut_off() -> None:
    stream = StringIO()
    configure_logs(LogLevel.INFO, LogFormat.JSON, stream)
    server = logging.getLogger("uvicorn.error")
    server.error("ASGI callable returned without completing response.")
    server.error("Cancel %s running task(s), timeout graceful shutdown exceeded", 1)
    server.error("something else")
    assert [json.loads(line)["event"] for line in stream.getvalue().splitlines()] == ["something else"]
