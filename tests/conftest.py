"""Fixtures for every test: the two engines, and stores on them.

`store` runs a test once on SQLite and once on PostgreSQL. PostgreSQL is started by the first test that wants it, once
for all workers of the run; where it is missing such a test fails and says so.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings

from adept.store.database import Store, open_store
from tests.postgres import TEMPLATE, Cluster, cluster_of_run, stop_cluster

SECRET_KEY = "dGVzdHMgdGVzdHMgdGVzdHMgdGVzdHMgdGVzdHMgMzI="
_SHARED = pytest.StashKey[Path]()
_OWNER = pytest.StashKey[int]()

# How long an example takes says more of the machine than of the code; a failure prints how to repeat it.
settings.register_profile("adept", deadline=None, print_blob=True, max_examples=60)
settings.load_profile("adept")


def pytest_configure(config: pytest.Config) -> None:
    """Agree with the workers on a directory for what the run shares; let Ctrl-C reach the processes of tests.

    What is started in the background of a script inherits that SIGINT is ignored, and hands it on to its children.
    """
    signal.signal(signal.SIGINT, signal.default_int_handler)
    given = getattr(config, "workerinput", None)
    config.stash[_SHARED] = Path(given["adept_shared"] if given else tempfile.mkdtemp(prefix="adept-tests-"))
    config.stash[_OWNER] = given["adept_owner"] if given else os.getpid()


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    """Tell a worker of xdist what the run shares."""
    node.workerinput["adept_shared"] = str(node.config.stash[_SHARED])
    node.workerinput["adept_owner"] = node.config.stash[_OWNER]


def pytest_unconfigure(config: pytest.Config) -> None:
    """End what the run shares, once its workers are gone."""
    if getattr(config, "workerinput", None) is None:
        stop_cluster(config.stash[_SHARED])
        shutil.rmtree(config.stash[_SHARED], ignore_errors=True)


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    """Async tests and fixtures run on asyncio, as adept does."""
    return "asyncio"


@pytest.fixture(scope="session")
def secret_key() -> str:
    """The sealing key of every store of the tests."""
    return SECRET_KEY


@pytest.fixture(scope="session")
def postgresql(request: pytest.FixtureRequest) -> Cluster:
    """The run's PostgreSQL."""
    stash = request.config.stash
    return cluster_of_run(stash[_SHARED], owner=stash[_OWNER], secret_key=SECRET_KEY)


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A migrated SQLite file to copy, sealed with the tests' key."""
    file = tmp_path_factory.mktemp("template") / "adept.sqlite3"

    async def migrate() -> None:
        async with open_store(f"sqlite:///{file}", secret_keys=[SECRET_KEY], data_dir=None, migrate=True):
            pass

    asyncio.run(migrate())
    return file


@pytest.fixture(params=["sqlite", "postgresql"])
def engine_name(request: pytest.FixtureRequest) -> str:
    """Both engines, one after the other."""
    name: str = request.param
    return name


@pytest.fixture
def empty_database_url(engine_name: str, request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The URL of a database in which adept has never been."""
    if engine_name == "sqlite":
        yield f"sqlite:///{tmp_path / 'adept.sqlite3'}"
        return
    cluster: Cluster = request.getfixturevalue("postgresql")
    with cluster.database() as url:
        yield url


@pytest.fixture
def database_url(engine_name: str, request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The URL of a database of the test's own, migrated, sealed with `secret_key`, without an account."""
    if engine_name == "sqlite":
        template: Path = request.getfixturevalue("sqlite_template")
        file = shutil.copy(template, tmp_path / "adept.sqlite3")
        yield f"sqlite:///{file}"
        return
    cluster: Cluster = request.getfixturevalue("postgresql")
    with cluster.database(TEMPLATE) as url:
        yield url


@pytest.fixture
async def store(database_url: str, secret_key: str) -> AsyncIterator[Store]:
    """An open store of the test's own; the test runs on both engines."""
    async with open_store(database_url, secret_keys=[secret_key], data_dir=None, migrate=False) as opened:
        yield opened
