"""A PostgreSQL of the benchmarks' own, with its usual care: unlike the tests' it flushes what it commits."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import psycopg

from tests.postgres_keeper import SUPERUSER, find_binaries, free_port, make_cluster, run_as, stop

SETTINGS = {"shared_buffers": "256MB", "max_wal_size": "4GB", "checkpoint_timeout": "30min"}


@contextmanager
def postgres() -> Iterator[Server]:
    """A server on a free port of the loopback, gone at the end with its data."""
    home = Path(tempfile.mkdtemp(prefix="adept-benchmarks-"))
    try:
        if user := run_as():
            os.chown(home, user["user"], user["group"])
        binaries = find_binaries()
        data = make_cluster(binaries, home)
        port = free_port()
        options = {"listen_addresses": "127.0.0.1", "port": port, "unix_socket_directories": "", **SETTINGS}
        command = [str(binaries / "postgres"), "-D", str(data)]
        command += [word for name, value in options.items() for word in ("-c", f"{name}={value}")]
        server = subprocess.Popen(command, cwd=data, stderr=subprocess.DEVNULL, **run_as())
        try:
            asked = [str(binaries / "pg_isready"), "-q", "-t", "60", "-h", "127.0.0.1", "-p", str(port)]
            while subprocess.run(asked, check=False).returncode != 0 and server.poll() is None:
                pass
            yield Server(port, server.pid)
        finally:
            stop(server)
    finally:
        shutil.rmtree(home, ignore_errors=True)


class Server:
    """A running server; makes databases, one for each run."""

    def __init__(self, port: int, pid: int) -> None:
        self.port = port
        self._pid = pid
        self._made = 0

    def new_database(self) -> str:
        """The URL of a new, empty database."""
        self._made += 1
        name = f"bench_{self._made}"
        with psycopg.connect(f"postgresql://{SUPERUSER}@127.0.0.1:{self.port}/postgres", autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {name} TEMPLATE template0")
        return f"postgresql://{SUPERUSER}@127.0.0.1:{self.port}/{name}"

    def cpu_s(self) -> float:
        """CPU seconds of all its processes, of those that have ended, too (Linux)."""
        ticks = 0
        living = Path(f"/proc/{self._pid}/task/{self._pid}/children").read_text().split()
        for pid in (str(self._pid), *living):
            with suppress(FileNotFoundError):
                fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
                ticks += sum(map(int, fields[11:15]))
        return ticks / os.sysconf("SC_CLK_TCK")

    def version(self) -> str:
        """What it says of itself."""
        with psycopg.connect(f"postgresql://{SUPERUSER}@127.0.0.1:{self.port}/postgres") as connection:
            row = connection.execute("SHOW server_version").fetchone()
        return str(row[0]) if row else "unknown"
