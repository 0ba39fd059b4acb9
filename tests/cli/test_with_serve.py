"""Commands beside a real `adept serve`: over its API, and over the database that it has open."""

from __future__ import annotations

import asyncio
import signal
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from adept.access.keys import create_key
from adept.access.roles import Role
from adept.cli.storage import utc_now
from adept.simulator.running import Running
from adept.store.audit import ADEPT
from adept.store.database import open_store
from tests.cli.conftest import Run

Spawn = Callable[..., subprocess.Popen[str]]


@dataclass(frozen=True)
class Serving:
    """A service, and the variables with which commands ask it."""

    process: subprocess.Popen[str]
    variables: dict[str, str]


async def make_key(data: Path) -> str:
    """An administrator's key, in the database there."""
    url = f"sqlite:///{data / 'adept.sqlite3'}"
    async with open_store(url, secret_keys=None, data_dir=data, migrate=False) as store:
        _, key = await create_key(store, "tests", role=Role.ADMIN, by=ADEPT, now=utc_now)
    return key


@pytest.fixture
def serving(adept: Run, apple: Running, spawn: Spawn, environment: dict[str, str]) -> Serving:
    """A service in a process of its own. The environment doesn't name it yet."""
    assert adept("db", "upgrade").code == 0
    key = asyncio.run(make_key(Path(environment["ADEPT_DATA_DIR"])))
    environment["ADEPT_ALLOW_PRIVATE_ADDRESSES"] = "1"
    process = spawn("serve", "--port", 0)
    assert process.stdout is not None
    word, found, url = process.stdout.readline().strip().partition(" url=")
    assert (word, found) == ("ready", " url=")
    return Serving(process, {"ADEPT_SERVER": url, "ADEPT_API_KEY": key})


def test_what_is_done_over_the_service_is_there_beside_it_and_the_other_way_round(
    adept: Run, apple: Running, serving: Serving, environment: dict[str, str], tmp_path: Path
) -> None:
    apple.simulator.buy(7)
    environment |= serving.variables
    assert adept("accounts", "add", "hq", "--token", tmp_path / "token.json").code == 0
    ran = adept("accounts", "sync", "hq", "--json")
    assert (ran.code, ran.json["state"]) == (0, "done"), ran.err
    there = adept("accounts", "list", "--json").json

    environment |= dict.fromkeys(serving.variables, "")
    assert adept("accounts", "list", "--json").json == there
    assert there["items"][0]["devices"] == 7
    assert adept("accounts", "pause", "hq").code == 0

    environment |= serving.variables
    assert adept("accounts", "sync", "hq").code == 8
    serving.process.send_signal(signal.SIGTERM)
    assert serving.process.wait(20) == 0
    gone = adept("accounts", "list", "--json")
    assert (gone.code, gone.error["code"]) == (4, "unreachable")
    assert "adept serve" in gone.error["way_out"]
