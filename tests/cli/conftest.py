"""How these tests run commands: in this process where that is enough, as a process of its own where it isn't."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from adept.access.roles import Role
from adept.cli.main import main
from adept.settings import Settings
from adept.simulator.running import Running
from adept.store.database import open_store
from tests.cli.served import served
from tests.loggers import loggers_as_before

ADEPT = Path(sys.executable).with_name("adept.exe" if os.name == "nt" else "adept")


@dataclass(frozen=True)
class Ran:
    """What a command did."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """Standard output as the one JSON document that it is."""
        return json.loads(self.out)

    @property
    def error(self) -> Any:
        """The error as programs get it: the last line of standard error."""
        return json.loads(self.err.splitlines()[-1])


Run = Callable[..., Ran]


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    """The variables of adept; those of the machine don't count."""
    return {"ADEPT_DATA_DIR": str(tmp_path / "data")}


@pytest.fixture(scope="session")
def fresh_data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The directory that the first command makes: a key of its own and an empty database."""
    directory = tmp_path_factory.mktemp("fresh") / "data"

    async def make() -> None:
        place = Settings(data_dir=directory).where_to_store()
        async with open_store(place, secret_keys=None, data_dir=directory, migrate=True):
            pass

    asyncio.run(make())
    return directory


@pytest.fixture(params=["database", "service"])
def desk(
    request: pytest.FixtureRequest, environment: dict[str, str], tmp_path: Path, fresh_data: Path
) -> Iterator[str]:
    """Where commands work on stored data: a database of their own, or a running service. Before any other fixture."""
    shutil.copytree(fresh_data, tmp_path / "data")
    if request.param == "database":
        yield "database"
        return
    with served(tmp_path / "data") as service:
        environment |= {"ADEPT_SERVER": service.url, "ADEPT_API_KEY": service.keys[Role.ADMIN]}
        yield "service"


@pytest.fixture
def adept(
    environment: dict[str, str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Iterator[Run]:
    """Run a command in this process: words in, exit code and both outputs out."""
    for name in list(os.environ):
        if name.startswith("ADEPT_"):
            monkeypatch.delenv(name)

    def run(*words: object) -> Ran:
        for name, value in environment.items():
            monkeypatch.setenv(name, value)
        capsys.readouterr()
        code = main([str(word) for word in words])
        captured = capsys.readouterr()
        return Ran(code, captured.out, captured.err)

    with loggers_as_before():
        yield run


@pytest.fixture
def adept_process(environment: dict[str, str]) -> Run:
    """Run a command as users do: the real `adept`, in a process of its own."""

    def run(*words: object, stdin: str = "", timeout_s: float = 60) -> Ran:
        done = subprocess.run(
            [ADEPT, *map(str, words)],
            input=stdin,
            env=process_environment(environment),
            capture_output=True,
            text=True,
            encoding="utf-8",
            timeout=timeout_s,
            check=False,
        )
        return Ran(done.returncode, done.stdout, done.stderr)

    return run


@pytest.fixture
def spawn(environment: dict[str, str]) -> Iterator[Callable[..., subprocess.Popen[str]]]:
    """Start a command as a process and leave it running; whatever is left at the end of the test is killed."""
    running: list[subprocess.Popen[str]] = []

    def start(*words: object) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [ADEPT, *map(str, words)],
            env=process_environment(environment),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            encoding="utf-8",
        )
        running.append(process)
        return process

    yield start
    for process in running:
        process.kill()
        process.communicate()


@pytest.fixture
def apple(dep_simulator: Running, environment: dict[str, str], tmp_path: Path) -> Running:
    """A simulated Apple that the environment of the commands names, with its first server's token in a file."""
    token = tmp_path / "token.json"
    token.write_bytes(dep_simulator.token.to_json())
    environment |= {"ADEPT_URL": dep_simulator.url, "ADEPT_TOKEN": str(token)}
    return dep_simulator


@pytest.fixture
def hq(adept: Run, apple: Running, tmp_path: Path) -> str:
    """An account with a token for the simulated Apple's first server; nothing is synced yet."""
    assert adept("accounts", "add", "hq", "--token", tmp_path / "token.json").code == 0
    return "hq"


def process_environment(environment: dict[str, str]) -> dict[str, str]:
    """The variables for a process: the machine's without adept's, and the test's."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("ADEPT_")}
    return kept | environment | {"PYTHONUTF8": "1"}
