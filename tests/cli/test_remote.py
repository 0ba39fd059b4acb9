"""Commands asked of a service that refuses, breaks off, or is none: words and exit codes as over a database."""

from __future__ import annotations

import json
import socket
import subprocess
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from adept import errors
from adept.cli.failures import describe
from adept.cli.told_errors import told_error
from tests.cli.conftest import Run

KEY = "adk_a-key-of-the-tests"
ACCOUNTS = json.dumps({"items": [], "next_cursor": None}).encode()


@dataclass
class Answers:
    """A service that answers whatever it is told to, and keeps what it was asked."""

    url: str = ""
    status: int = 200
    body: bytes = ACCOUNTS
    headers: dict[str, str] = field(default_factory=dict)
    length: int | None = None  # what it says the body's length is
    asked: list[tuple[str, str, str | None]] = field(default_factory=list)

    def problem(self, status: int, code: str, **members: Any) -> None:
        """Answer with a problem from now on."""
        told = {"type": "about:blank", "title": "…", "status": status, "detail": "no", "code": code, "way_out": None}
        self.status, self.body = status, json.dumps(told | members).encode()
        self.headers = {"Content-Type": "application/problem+json"}


@pytest.fixture
def answers(environment: dict[str, str]) -> Iterator[Answers]:
    """A server for the commands, which the environment names."""
    answers = Answers()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            answers.asked.append((self.command, self.path, self.headers["Authorization"]))
            self.send_response(answers.status)
            for name, value in answers.headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(answers.length or len(answers.body)))
            self.end_headers()
            self.wfile.write(answers.body)

        def log_message(self, *args: Any) -> None:
            """Tell nobody."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        answers.url = f"http://127.0.0.1:{server.server_port}"
        environment |= {"ADEPT_SERVER": answers.url, "ADEPT_API_KEY": KEY}
        yield answers
        server.shutdown()
        thread.join()


def test_the_key_is_shown_to_the_service_and_its_path_is_kept(
    adept: Run, answers: Answers, environment: dict[str, str]
) -> None:
    environment["ADEPT_SERVER"] = f"{answers.url}/mdm/"
    assert adept("accounts", "list").code == 0
    assert answers.asked == [("GET", "/mdm/api/v1/accounts", f"Bearer {KEY}")]


@pytest.mark.parametrize(
    ("status", "code", "exit_code"),
    [
        (401, "not_known", 3),
        (403, "denied", 3),
        (404, "not_found", 2),
        (409, "conflict", 2),
        (409, "needs_person", 8),
        (409, "busy", 9),
        (410, "cursor_expired", 2),
        (422, "misuse", 2),
        (422, "token_file", 7),
        (428, "precondition_required", 2),
        (429, "too_many_failures", 3),
        (500, "config", 6),
        (500, "bug", 1),
        (502, "T_C_NOT_SIGNED", 3),
        (502, "malformed", 5),
        (503, "store", 6),
        (504, "unreachable", 4),
    ],
)
def test_a_problem_is_the_error_that_it_was_there(
    adept: Run, answers: Answers, status: int, code: str, exit_code: int
) -> None:
    answers.problem(status, code, detail="it was so", way_out="do this")
    ran = adept("accounts", "list", "--json")
    assert (ran.code, ran.out) == (exit_code, "")
    assert ran.error == {"code": code, "message": "it was so", "way_out": "do this"}


def test_fields_at_fault_are_named(adept: Run, answers: Answers) -> None:
    at_fault = [{"field": "query.limit", "message": "too many"}]
    answers.problem(422, "invalid_request", detail="this can't be", errors=at_fault)
    ran = adept("passes", "--json")
    assert (ran.code, ran.error["message"]) == (2, "this can't be: query.limit: too many")


def test_a_bug_over_there_is_not_told_as_one_of_ours_here(adept: Run, answers: Answers) -> None:
    answers.problem(500, "bug")
    ran = adept("accounts", "list")
    assert (ran.code, ran.err) == (1, "adept: error: no\n")


@pytest.mark.parametrize(("status", "exit_code"), [(404, 6), (302, 6), (502, 4), (503, 4)])
def test_what_is_no_service_of_ours_is_told_as_that(adept: Run, answers: Answers, status: int, exit_code: int) -> None:
    answers.status, answers.body = status, b"<html>Welcome to nginx!</html>"
    answers.headers = {"Location": "http://127.0.0.1:1/elsewhere"}
    ran = adept("accounts", "list")
    assert ran.code == exit_code
    assert f"{status} to GET /accounts, but not as adept does" in ran.err
    assert len(answers.asked) == 1


@pytest.mark.parametrize("body", [b"", b"<html>", b"[]", b'{"items": [{"name": 1}]}'])
def test_an_answer_that_cant_be_read_is_malformed(adept: Run, answers: Answers, body: bytes) -> None:
    answers.body = body
    ran = adept("accounts", "list", "--json")
    assert (ran.code, ran.error["code"]) == (5, "malformed")
    assert "same version" in ran.error["way_out"]


def test_an_answer_that_breaks_off_is_unreachable(adept: Run, answers: Answers) -> None:
    answers.length = 10_000
    assert adept("accounts", "list", "--json").error["code"] == "unreachable"
    answers.body = b'{"account":"hq","serial_number":"C02AAAA00001"}\n'
    ran = adept("devices", "export", "--format", "ndjson", "--json")
    assert (ran.code, ran.error["code"]) == (4, "unreachable")


def test_a_service_that_is_not_there_is_told_with_its_url(adept: Run, environment: dict[str, str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as nobody:
        url = f"http://127.0.0.1:{nobody.getsockname()[1]}"
    environment["ADEPT_SERVER"] = url
    ran = adept("accounts", "list", "--json")
    assert (ran.code, ran.error["code"]) == (4, "unreachable")
    assert url in ran.error["message"]
    assert "adept serve" in ran.error["way_out"]


@pytest.mark.parametrize("url", ["http://adept.example.org", "adept.example.org", "ftp://127.0.0.1"])
def test_a_url_that_would_show_the_key_to_anybody_is_refused(adept: Run, environment: dict[str, str], url: str) -> None:
    environment |= {"ADEPT_SERVER": url, "ADEPT_API_KEY": KEY}
    ran = adept("accounts", "list", "--json")
    assert (ran.code, ran.error["code"]) == (6, "config")
    assert "ADEPT_SERVER" in ran.error["message"]
    assert KEY not in ran.err


def test_the_key_may_stand_in_a_file(adept: Run, answers: Answers, environment: dict[str, str], tmp_path: Any) -> None:
    del environment["ADEPT_API_KEY"]
    (tmp_path / "key").write_text(f"{KEY}\n")
    environment["ADEPT_API_KEY_FILE"] = str(tmp_path / "key")
    assert adept("accounts", "list").code == 0
    assert answers.asked[0][2] == f"Bearer {KEY}"


@pytest.mark.parametrize("name", ["", "..", "a/b", "?x", "hq/../audit"])
def test_a_name_leads_to_no_other_address(adept: Run, answers: Answers, name: str) -> None:
    assert adept("accounts", "show", "--", name).code == 2
    assert answers.asked == []


def change(cursor: int) -> dict[str, Any]:
    """An item of the feed."""
    return {"cursor": str(cursor), "account": "hq", "serial_number": f"C02AAAA0000{cursor}", "kind": "added"}


def test_a_follower_waits_for_a_service_that_goes_away(
    answers: Answers, spawn: Callable[..., subprocess.Popen[str]]
) -> None:
    answers.body = json.dumps({"items": [change(1)], "next_cursor": "1"}).encode()
    process = spawn("devices", "follow")
    assert process.stdout is not None
    assert process.stderr is not None
    assert json.loads(process.stdout.readline())["cursor"] == "1"
    answers.problem(503, "store", detail="the database is busy")
    assert process.stderr.readline() == "adept: the database is busy; trying again in 1 s\n"
    answers.status, answers.body = 200, json.dumps({"items": [change(2)], "next_cursor": "2"}).encode()
    cursors = iter(process.stdout.readline, "")  # the first comes again until the service fails: it knows no cursors
    assert next(json.loads(line)["cursor"] for line in cursors if '"cursor":"1"' not in line) == "2"
    assert {path for _, path, _ in answers.asked} >= {
        "/api/v1/changes?limit=1000",
        "/api/v1/changes?cursor=1&limit=1000",
    }


def test_a_follower_ends_where_the_service_no_longer_has_what_comes_next(adept: Run, answers: Answers) -> None:
    answers.problem(410, "cursor_expired", detail="changes before 900 are not kept", way_out="begin anew")
    ran = adept("devices", "follow", "--json")
    assert (ran.code, ran.out) == (2, "")
    assert ran.error == {
        "code": "cursor_expired",
        "message": "changes before 900 are not kept",
        "way_out": "begin anew",
    }


def test_commands_that_need_no_stored_data_ask_no_service(adept: Run, answers: Answers) -> None:
    assert adept("bypass-code").code == 0
    assert adept("db", "upgrade").code == 0
    assert answers.asked == []


EXAMPLES: list[errors.AdeptError] = [
    errors.Misuse("m"),
    errors.NotFound("m"),
    errors.Conflict("m"),
    errors.CursorExpired("m"),
    errors.ConfigError("m"),
    errors.StoreError("m"),
    errors.TokenFileError("m"),
    errors.NeedsPerson("m"),
    errors.Busy("m"),
    errors.Refused("m", code="FORBIDDEN", status=403, endpoint=""),
    errors.TokenRejected("m", code="FORBIDDEN", status=403, endpoint=""),
    errors.Malformed("m", endpoint="", field="$", found=""),
    errors.Unreachable("m", endpoint=""),
]


@pytest.mark.parametrize("error", EXAMPLES, ids=lambda error: type(error).__name__)
def test_what_another_process_told_by_its_code_alone_exits_as_it_would_here(error: errors.AdeptError) -> None:
    told = told_error(error.code, "m")
    assert (told.code, describe(told).exit_code) == (error.code, describe(error).exit_code)
