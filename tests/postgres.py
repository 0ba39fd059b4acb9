"""PostgreSQL as the tests see it: one for all workers of a run, started when the first test wants it.

See `postgres_keeper.py` for who runs it and how it ends. Each test has a database of its own, a copy of a template.
"""

from __future__ import annotations

import asyncio
import fcntl
import json
import os
import select
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

import psycopg
from psycopg import sql

from adept.store.database import open_store
from tests.postgres_keeper import SUPERUSER

TEMPLATE = "adept_template"
_KEEPER = Path(__file__).with_name("postgres_keeper.py")


@dataclass(frozen=True)
class Cluster:
    """A running PostgreSQL on a port of the loopback."""

    port: int

    def url(self, database: str, *, user: str = SUPERUSER) -> str:
        """The URL of a database, as adept takes it."""
        return f"postgresql://{user}@127.0.0.1:{self.port}/{database}"

    @contextmanager
    def database(
        self, template: str | None = None, *, language: str | None = None, encoding: str | None = None
    ) -> Iterator[str]:
        """The URL of a fresh database, empty or a copy of a template; dropped afterwards.

        With a language an empty one that sorts words as that language does; with an encoding one that holds them so.
        """
        name = f"t_{uuid4().hex}"
        made = sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(
            sql.Identifier(name), sql.Identifier(template or "template0")
        )
        if language is not None:
            made += sql.SQL(" LOCALE_PROVIDER icu ICU_LOCALE {}").format(sql.Literal(language))
        if encoding is not None:
            made += sql.SQL(" LOCALE 'C' ENCODING {}").format(sql.Literal(encoding))
        self.run(made)
        try:
            yield self.url(name)
        finally:
            self.run(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))

    def run(self, statement: sql.Composed | sql.SQL) -> None:
        """Run one statement as the superuser, outside any transaction."""
        with psycopg.connect(self.url("postgres"), autocommit=True) as connection:
            connection.execute(statement)


def cluster_of_run(shared: Path, *, owner: int, secret_key: str) -> Cluster:
    """The run's cluster, started and given its template by whichever worker comes first.

    `shared` is a directory all workers of the run know; `owner` the pid of the process the cluster must not outlive.
    """
    with (shared / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        report = shared / "postgresql.json"
        if not report.exists():
            report.write_text(_start_keeper(owner))
        found = json.loads(report.read_text())
        if "error" in found:
            raise RuntimeError(found["error"])
        cluster = Cluster(found["port"])
        if not (shared / "template").exists():
            _make_template(cluster, secret_key)
            (shared / "template").touch()
        return cluster


def _start_keeper(owner: int) -> str:
    """Start the keeper, which outlives this worker, and return what it reports."""
    keeper = subprocess.Popen(
        [sys.executable, _KEEPER, str(owner)],
        stdout=subprocess.PIPE,
        stdin=subprocess.DEVNULL,
        start_new_session=True,
        text=True,
    )
    assert keeper.stdout is not None
    report = keeper.stdout.readline()
    keeper.stdout.close()
    keeper.returncode = 0  # not ours to wait for
    return report


def _make_template(cluster: Cluster, secret_key: str) -> None:
    """A migrated database to copy, sealed with the tests' key."""

    async def migrate() -> None:
        async with open_store(cluster.url(TEMPLATE), secret_keys=[secret_key], data_dir=None, migrate=True):
            pass

    cluster.run(sql.SQL("CREATE DATABASE {} TEMPLATE template0").format(sql.Identifier(TEMPLATE)))
    asyncio.run(migrate())


def stop_cluster(shared: Path) -> None:
    """End the run's cluster if one was started, and wait until it is gone."""
    report = shared / "postgresql.json"
    if not report.exists():
        return
    pid = json.loads(report.read_text()).get("pid")
    if pid is None:
        return
    with suppress(ProcessLookupError):
        pidfd = os.pidfd_open(pid)
        try:
            signal.pidfd_send_signal(pidfd, signal.SIGTERM)
            select.select([pidfd], [], [], 30)
        finally:
            os.close(pidfd)
