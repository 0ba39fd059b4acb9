"""`adept simulator` and `adept demo`, as processes."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import threading
from collections.abc import Callable
from contextlib import suppress
from http.client import HTTPException
from pathlib import Path
from urllib.request import ProxyHandler, Request, build_opener

import pytest

from adept.protocol.server_token import ServerToken
from tests.cli.conftest import Run
from tests.tokens import TOKEN

Spawn = Callable[..., subprocess.Popen[str]]
READY = re.compile(r"ready service=(http://127\.0\.0\.1:\d+) control=(http://127\.0\.0\.1:\d+)\n")


def ready(process: subprocess.Popen[str]) -> tuple[str, str]:
    """The service's and the portal's address, once the simulator listens."""
    assert process.stdout is not None
    line = process.stdout.readline()
    found = READY.fullmatch(line)
    assert found is not None, line or process.communicate()
    return found[1], found[2]


def get(url: str | Request) -> bytes:
    with build_opener(ProxyHandler({})).open(url, timeout=10) as answer:
        content: bytes = answer.read()
        return content


def post(url: str, document: object) -> bytes:
    return get(Request(url, json.dumps(document).encode(), method="POST"))


def test_the_ready_line_names_both_ports_and_the_files_are_there_by_then(spawn: Spawn, tmp_path: Path) -> None:
    process = spawn(
        "simulator", "--devices", 7, "--seed", 3, "--write-token", tmp_path / "t.json", "--ready-file", tmp_path / "r"
    )
    service, control = ready(process)
    assert (tmp_path / "r").read_text() == f"ready service={service} control={control}\n"
    token = ServerToken.from_file(tmp_path / "t.json")
    assert ServerToken.from_json(get(f"{service}/token")) == token
    assert os.name != "posix" or (tmp_path / "t.json").stat().st_mode & 0o777 == 0o600
    [server] = json.loads(get(f"{control}/state"))["servers"]
    assert server["devices"] == 7


@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM"])
def test_it_stops_cleanly_when_told_to(spawn: Spawn, name: str) -> None:
    process = spawn("simulator")
    ready(process)
    process.send_signal(getattr(signal, name))
    out, err = process.communicate(timeout=30)
    assert (process.returncode, out, err) == (0, "", "")


def test_exactly_the_credentials_given_are_accepted(spawn: Spawn, tmp_path: Path) -> None:
    (tmp_path / "given.json").write_bytes(TOKEN.to_json())
    service, _ = ready(spawn("simulator", "--token", tmp_path / "given.json"))
    assert ServerToken.from_json(get(f"{service}/token")) == TOKEN


def test_a_token_file_of_somebody_else_is_not_overwritten(adept_process: Run, spawn: Spawn, tmp_path: Path) -> None:
    file = tmp_path / "token.json"
    file.write_bytes(TOKEN.to_json())
    ran = adept_process("simulator", "--write-token", file)
    assert (ran.code, ran.out) == (2, "")
    assert file.read_bytes() == TOKEN.to_json()
    own = tmp_path / "own.json"
    for _ in range(2):
        process = spawn("simulator", "--write-token", own)
        ready(process)
        process.kill()


def test_what_was_done_to_a_simulator_outlives_a_kill_at_any_moment(spawn: Spawn, tmp_path: Path) -> None:
    told: set[str] = set()
    for _ in range(3):
        process = spawn("simulator", "--devices", 5, "--state", tmp_path / "apple.state")
        _, control = ready(process)
        there = {device["serial_number"] for device in json.loads(get(f"{control}/devices"))["devices"]}
        assert there >= told
        assert len(there - told) <= 5 + 1  # those of the start, or one that was being bought when it was killed
        told = there
        killer = threading.Timer(0.3, process.kill)
        killer.start()
        with suppress(OSError, HTTPException):
            while True:
                told |= set(json.loads(post(f"{control}/devices", {"count": 1}))["serials"])
        killer.join()
    assert len(told) > 5 + 3


def test_a_state_file_in_use_exits_9_and_one_of_another_start_6(
    adept_process: Run, spawn: Spawn, tmp_path: Path
) -> None:
    file = tmp_path / "apple.state"
    process = spawn("simulator", "--devices", 5, "--state", file)
    ready(process)
    ran = adept_process("simulator", "--devices", 5, "--state", file)
    assert (ran.code, ran.out) == (9, "")
    assert "another simulator has the state file" in ran.err
    process.terminate()
    assert process.wait(30) == 0
    ran = adept_process("simulator", "--state", file)
    assert (ran.code, ran.out) == (6, "")
    assert "devices 5 there, devices 0 here" in ran.err


@pytest.mark.parametrize("option", ["--port", "--control-port"])
def test_a_port_in_use_exits_9_with_a_sentence(adept_process: Run, spawn: Spawn, option: str) -> None:
    service, _ = ready(spawn("simulator"))
    ran = adept_process("simulator", option, service.rpartition(":")[2])
    assert (ran.code, ran.out) == (9, "")
    assert "in use" in ran.err


def test_a_configuration_with_an_unknown_word_stops_the_start(adept_process: Run, tmp_path: Path) -> None:
    file = tmp_path / "depsim.json"
    file.write_text(json.dumps({"get_account_responses": ["sucess"]}))
    ran = adept_process("simulator", "--config", file, "--json")
    assert ran.code == 6
    assert "sucess" in ran.error["message"]


def test_the_demonstration_tells_its_story_and_ends_with_ok(adept_process: Run, tmp_path: Path) -> None:
    ran = adept_process("demo", "--once", "--devices", 60, timeout_s=120)
    assert (ran.code, ran.err) == (0, "")
    lines = ran.out.splitlines()
    assert lines[-1] == "demo: ok"
    assert [line for line in lines if re.match(r"\d\. ", line)] == [
        "1. A server token from Apple's portal",
        "2. The first fetch",
        "3. Meanwhile, at Apple",
        "4. A sync catches up",
        "5. The proof",
    ]
    assert "60 added, 0 modified, 0 deleted" in ran.out
    assert "5 added, 2 modified, 7 deleted" in ran.out
    assert "All 58 devices are stored exactly as Apple has them now." in ran.out
    assert not (tmp_path / "data").exists()  # it has a store of its own


def test_a_fleet_too_small_for_the_story_is_our_callers_mistake(adept: Run) -> None:
    assert adept("demo", "--devices", 3).code == 2
