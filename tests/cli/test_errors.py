"""Errors: one sentence with a way out, the right exit code, one form for people and one for programs."""

from __future__ import annotations

import signal
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from adept.cli.failures import Terminated, describe
from adept.errors import (
    AdeptError,
    Busy,
    ConfigError,
    Malformed,
    Misuse,
    NeedsPerson,
    Refused,
    StoreError,
    TokenFileError,
    TokenRejected,
    Unreachable,
)
from adept.simulator.running import Running
from tests.cli.conftest import Ran, Run, process_environment

EVERY_KIND = [
    (Misuse("m"), 2),
    (Refused("m", code="X", status=400, endpoint="GET /x"), 3),
    (TokenRejected("m", code="X", status=401, endpoint="GET /session"), 3),
    (Unreachable("m", endpoint="GET /x"), 4),
    (Malformed("m", endpoint="GET /x", field="$", found=""), 5),
    (StoreError("m"), 6),
    (ConfigError("m"), 6),
    (TokenFileError("m"), 7),
    (NeedsPerson("m"), 8),
    (Busy("m"), 9),
    (AdeptError("m"), 1),
    (KeyboardInterrupt(), 130),
    (Terminated(), 143),
    (RuntimeError("m"), 1),
]


@pytest.mark.parametrize(("error", "code"), EVERY_KIND, ids=lambda value: type(value).__name__)
def test_every_kind_of_error_has_its_exit_code(error: BaseException, code: int) -> None:
    assert describe(error).exit_code == code


def test_an_error_is_one_line_for_people_with_the_way_out_at_its_end() -> None:
    failure = describe(StoreError("the disk is full", way_out="free some space"))
    assert failure.as_text() == "adept: error: the disk is full; free some space"
    assert failure.as_json() == '{"code": "store", "message": "the disk is full", "way_out": "free some space"}'


def test_a_missing_extra_is_one_sentence_that_names_it() -> None:
    failure = describe(ModuleNotFoundError("No module named 'sqlalchemy.ext'", name="sqlalchemy.ext"))
    assert failure.exit_code == 6
    assert "[store]" in failure.message
    assert failure.way_out == "pip install 'adept-mdm[store]'"


def test_a_module_that_is_no_extra_is_our_bug() -> None:
    assert describe(ModuleNotFoundError("No module named 'adept.nothing'", name="adept.nothing")).is_ours


# Each exit code, by a real command.


def test_0_done(adept: Run) -> None:
    assert adept("bypass-code").code == 0


def test_2_usage(adept: Run) -> None:
    ran = adept("apple", "profle", "--json")
    assert ran.code == 2
    assert ran.error["code"] == "misuse"
    assert 'Did you mean "profile"?' in ran.error["message"]
    assert ran.error["way_out"] == "see adept apple --help"
    assert adept("apple", "account", "--tokn", "x").err.startswith("adept: error: Unknown option: --tokn.")


def test_3_refused(adept: Run, apple: Running) -> None:
    apple.simulator.sign_terms(signed=False)
    ran = adept("apple", "account", "--json")
    assert (ran.code, ran.error["code"]) == (3, "T_C_NOT_SIGNED")
    assert "terms" in ran.error["message"]
    assert "administrator" in ran.error["way_out"]


def test_3_token_rejected(adept: Run, apple: Running) -> None:
    apple.simulator.revoke_token()
    assert adept("apple", "account").code == 3


def test_4_unreachable(adept: Run, apple: Running, environment: dict[str, str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        environment["ADEPT_URL"] = f"http://127.0.0.1:{server.getsockname()[1]}"
    ran = adept("apple", "account", "--json")
    assert (ran.code, ran.error["code"]) == (4, "unreachable")


def test_5_malformed(adept: Run, apple: Running) -> None:
    apple.simulator.fault("get_account", "success_html")
    ran = adept("apple", "account", "--json")
    assert (ran.code, ran.error["code"]) == (5, "malformed")


def test_6_store(adept: Run) -> None:
    ran = adept("devices", "list", "--json")
    assert (ran.code, ran.error["code"], ran.error["way_out"]) == (6, "store", "run: adept db upgrade")


def test_6_settings(adept: Run, environment: dict[str, str]) -> None:
    environment["ADEPT_URL"] = "http://mdm.example.org"
    ran = adept("accounts", "add", "hq", "--json")
    assert (ran.code, ran.error["code"]) == (6, "config")
    assert ran.error["message"].startswith("ADEPT_URL")


def test_7_token_file(adept: Run, tmp_path: Path) -> None:
    ran = adept("apple", "account", "--token", tmp_path / "missing", "--json")
    assert (ran.code, ran.error["code"]) == (7, "token_file")


def test_8_needs_a_person(adept: Run) -> None:
    adept("accounts", "add", "hq")
    ran = adept("accounts", "sync", "hq", "--json")
    assert (ran.code, ran.error["code"]) == (8, "needs_person")
    assert "upload-token" in ran.error["way_out"]


def test_9_busy(adept: Run) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        ran = adept("simulator", "--port", server.getsockname()[1], "--json")
    assert (ran.code, ran.error["code"]) == (9, "busy")
    assert "in use" in ran.error["message"]


def test_130_interrupted(
    apple: Running, environment: dict[str, str], spawn: Callable[..., subprocess.Popen[str]]
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        process = spawn("apple", "account", "--url", f"http://127.0.0.1:{silent.getsockname()[1]}", "--json")
        connection, _ = silent.accept()
        with connection:
            process.send_signal(signal.SIGINT)
            out, err = process.communicate(timeout=30)
    assert (process.returncode, out) == (130, "")
    assert Ran(130, out, err).error["code"] == "interrupted"


BROKEN = """
import sys
from adept.cli.app import app
from adept.cli.main import main

@app.command
def broken():
    raise RuntimeError("a line of ours")

sys.exit(main(["broken", *sys.argv[1:]]))
"""


@pytest.mark.parametrize(
    ("words", "variables", "is_shown"),
    [([], {}, False), (["--debug"], {}, True), ([], {"ADEPT_DEBUG": "1"}, True), ([], {"ADEPT_DEBUG": "0"}, False)],
)
def test_1_a_bug_of_ours_is_called_so_and_has_a_traceback_only_on_demand(
    words: list[str], variables: dict[str, str], *, is_shown: bool
) -> None:
    done = subprocess.run(
        [sys.executable, "-c", BROKEN, *words],
        env=process_environment(variables),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert "this is a bug in adept" in done.stderr
    assert "a line of ours" in done.stderr
    assert ("Traceback" in done.stderr) is is_shown
    assert is_shown or len(done.stderr.splitlines()) == 1


def test_debug_shows_the_traceback_of_a_foreseen_error_too(adept: Run) -> None:
    assert "Traceback" in adept("apple", "account", "--debug").err
    assert "Traceback" not in adept("apple", "account").err


def test_after_two_dashes_words_are_no_options(adept: Run, apple: Running) -> None:
    ran = adept("apple", "details", "--", "--json")
    assert ran.code == 0
    assert "NOT_FOUND  --JSON" in ran.out
