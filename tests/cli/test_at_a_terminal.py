"""At a terminal: questions are asked, progress is shown, Ctrl-C leaves things in order; odd outputs are borne."""

from __future__ import annotations

import os
import signal
import socket
import sqlite3
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from adept.simulator.running import Running
from tests.cli.conftest import ADEPT, Ran, Run, process_environment
from tests.tokens import keypair

Spawn = Callable[..., subprocess.Popen[str]]


def at_terminal(environment: dict[str, str], *words: object, asked: str = "", typed: str = "") -> tuple[int, str]:
    """Run a command at a terminal of its own, and type when it asks; its exit code and what is on the screen."""
    terminal, inside = os.openpty()
    process = subprocess.Popen(
        [ADEPT, *map(str, words)],
        env=process_environment(environment) | {"TERM": "xterm", "COLUMNS": "100"},
        stdin=inside,
        stdout=inside,
        stderr=inside,
        start_new_session=True,
    )
    os.close(inside)
    screen = b""
    with process, os.fdopen(terminal, "r+b", buffering=0) as opened:
        try:
            while seen := opened.read(65536):
                screen += seen
                if asked and asked.encode() in screen:
                    opened.write(f"{typed}\n".encode())
                    asked = ""
        except OSError:  # Linux says so when the other end is closed
            pass
    return process.returncode, screen.decode().replace("\r\n", "\n")


def test_removing_asks_for_the_name(adept: Run, hq: str, environment: dict[str, str]) -> None:
    remove, question = ("accounts", "remove", hq), "Remove account hq with 0 devices? Type its name:"
    code, screen = at_terminal(environment, *remove, asked=question, typed="headquarters")
    assert code == 8
    assert question in screen
    assert adept("accounts", "show", hq).code == 0
    assert at_terminal(environment, *remove, asked=question, typed="HQ")[0] == 0
    assert adept("accounts", "show", hq).code == 2


def test_progress_is_shown_and_the_header_stands_out(environment: dict[str, str], hq: str, apple: Running) -> None:
    apple.simulator.buy(3)
    code, screen = at_terminal(environment, "accounts", "sync", hq)
    assert code == 0
    assert "Syncing hq" in screen
    code, screen = at_terminal(environment, "devices", "list")
    assert code == 0
    assert "\x1b[1mACCOUNT" in screen


def test_a_password_is_asked_for_and_not_shown(environment: dict[str, str], tmp_path: Path) -> None:
    key, cert, p12 = tmp_path / "k.pem", tmp_path / "c.pem", tmp_path / "x.p12"
    (tmp_path / "made.pem").write_bytes(keypair().private_key_pem + keypair().certificate_pem)
    made = ("pkcs12", "-export", "-in", tmp_path / "made.pem", "-out", p12, "-passout", "pass:sesame")
    subprocess.run(["openssl", *map(str, made)], check=True)
    words = ("token", "from-p12", p12, "--cert-out", cert, "--key-out", key, "--encrypt")
    code, screen = at_terminal(environment, *words, asked="Password of x.p12:", typed="sesame")
    assert code == 0, screen
    assert "sesame" not in screen
    assert b"ENCRYPTED" in key.read_bytes()


@pytest.mark.parametrize(
    ("how", "code", "told"), [(signal.SIGINT, 130, "interrupted"), (signal.SIGTERM, 143, "ended by SIGTERM")]
)
def test_a_pass_that_is_ended_from_outside_is_closed_and_the_account_is_free(
    adept: Run, hq: str, environment: dict[str, str], spawn: Spawn, how: signal.Signals, code: int, told: str
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        with sqlite3.connect(Path(environment["ADEPT_DATA_DIR"]) / "adept.sqlite3") as database:
            database.execute("UPDATE accounts SET base_url = ?", (f"http://127.0.0.1:{silent.getsockname()[1]}",))
        database.close()
        process = spawn("accounts", "sync", hq, "--json")
        connection, _ = silent.accept()
        with connection:
            process.send_signal(how)
            out, err = process.communicate(timeout=60)
    assert (process.returncode, out) == (code, "")
    assert told in Ran(code, out, err).error["message"]
    assert len(err.splitlines()) == 1
    [row] = adept("passes", "--json").json["items"]
    assert (row["state"], row["ended_at"] is not None) == ("failed", True)
    assert adept("accounts", "sync", hq, "--no-wait").code != 9


@pytest.mark.parametrize("words", [("bypass-code",), ("accounts", "--help"), ("--help",), ("--version",)])
def test_an_output_that_is_full_is_an_error(environment: dict[str, str], words: tuple[str, ...]) -> None:
    with open("/dev/full", "wb") as full:
        done = subprocess.run(
            [ADEPT, *words], env=process_environment(environment), stdout=full, stderr=subprocess.PIPE, check=False
        )
    assert done.returncode == 6
    assert done.stderr.decode() == "adept: error: reading or writing: No space left on device\n"


def test_characters_that_the_output_lacks_are_shown_as_codes(
    adept: Run, hq: str, apple: Running, environment: dict[str, str]
) -> None:
    apple.simulator.buy(serials=["C02AAAA00001"], fields={"description": "für 🍏"})
    adept("accounts", "sync", hq)
    variables = process_environment(environment) | {"PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0"}
    done = subprocess.run([ADEPT, "devices", "list"], env=variables, capture_output=True, check=False)
    assert done.returncode == 0
    assert b"f\\xfcr \\U0001f34f" in done.stdout
