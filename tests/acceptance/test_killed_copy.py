"""`adept db copy` killed in the middle: the half copy serves nobody, and the same command completes it."""

from __future__ import annotations

import asyncio
import json
import signal
import subprocess
import time
from pathlib import Path
from shutil import copy

import psycopg

from adept.store.database import open_store
from tests.cli.conftest import ADEPT, process_environment
from tests.postgres import Cluster
from tests.store.full_database import every_row, fill

DEVICES = 20_000


def run(environment: dict[str, str], *words: str) -> subprocess.CompletedProcess[str]:
    command, variables = [str(ADEPT), *words], process_environment(environment)
    return subprocess.run(command, env=variables, capture_output=True, text=True, timeout=170, check=False)


def test_a_killed_copy_is_completed_by_the_same_command(
    sqlite_template: Path, postgresql: Cluster, secret_key: str, tmp_path: Path
) -> None:
    file = Path(copy(sqlite_template, tmp_path / "adept.sqlite3"))
    source = f"sqlite:///{file}"

    async def filled() -> dict[str, list[tuple[object, ...]]]:
        async with open_store(source, secret_keys=[secret_key], data_dir=None, migrate=False) as store:
            await fill(store, devices=DEVICES)
            async with store.reading() as tx:
                return await every_row(tx)

    async def found(url: str) -> dict[str, list[tuple[object, ...]]]:
        opened = open_store(url, secret_keys=[secret_key], data_dir=None, migrate=False)
        async with opened as store, store.reading() as tx:
            return await every_row(tx)

    wanted = asyncio.run(filled())
    keys = {"ADEPT_SECRET_KEYS": secret_key, "ADEPT_DATA_DIR": str(tmp_path)}
    with postgresql.database() as target:
        (tmp_path / "target.url").write_text(f"{target}\n")
        copying = {**keys, "ADEPT_DATABASE_URL": source, "ADEPT_COPY_TO_URL_FILE": str(tmp_path / "target.url")}
        killed = subprocess.Popen([str(ADEPT), "db", "copy"], env=process_environment(copying))
        with psycopg.connect(target, autocommit=True) as connection:
            deadline = time.monotonic() + 60
            while not reached(connection):
                assert time.monotonic() < deadline
                assert killed.poll() is None
        killed.send_signal(signal.SIGKILL)
        killed.wait()

        refused = run({**keys, "ADEPT_DATABASE_URL": target}, "accounts", "list", "--json")
        assert refused.returncode == 6
        assert "half a copy" in json.loads(refused.stderr)["message"]
        whole = run(copying, "db", "copy", "--json")
        assert whole.returncode == 0, whole.stderr
        said = json.loads(whole.stdout)
        assert said["resumed"]
        assert said["tables"]["devices"]["rows"] == DEVICES + 1
        assert asyncio.run(found(target)) == wanted == asyncio.run(found(source))
        again = run(copying, "db", "copy", "--json")
        assert (again.returncode, json.loads(again.stderr)["code"]) == (2, "conflict")


def reached(connection: psycopg.Connection[tuple[object, ...]]) -> bool:
    """Whether there are devices in the target, which has its tables only some time after the start."""
    try:
        return connection.execute("SELECT 1 FROM devices LIMIT 1").fetchone() is not None
    except psycopg.errors.UndefinedTable:
        return False
