"""PgBouncer in transaction mode before the tests' PostgreSQL: stopped and started, a database that goes away."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
from contextlib import suppress
from pathlib import Path

from tests.postgres import Cluster
from tests.postgres_keeper import SUPERUSER, free_port, run_as

_PATIENCE_S = 60
_CONFIGURATION = """
[databases]
* = host=127.0.0.1 port={cluster} user={user}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {port}
unix_socket_dir =
auth_type = any
pool_mode = transaction
default_pool_size = 4
max_client_conn = 200
logfile = {folder}/log
ignore_startup_parameters = extra_float_digits
"""


class Pooler:
    """A PgBouncer of the test's own; few server sessions, so that a client rarely gets the same one twice."""

    def __init__(self, cluster: Cluster, folder: Path) -> None:
        self._cluster = cluster
        self._port = free_port()
        self._folder = folder
        folder.mkdir()
        file = folder / "pgbouncer.ini"
        file.write_text(
            _CONFIGURATION.format(cluster=cluster.port, user=SUPERUSER, port=self._port, folder=folder), "utf-8"
        )
        if user := run_as():
            os.chown(folder, user["user"], user["group"])
        self._process: subprocess.Popen[bytes] | None = None

    def url(self, direct: str) -> str:
        """The URL of a database of the cluster, by way of here."""
        return direct.replace(f":{self._cluster.port}/", f":{self._port}/")

    def start(self) -> None:
        """Take connections."""
        program = shutil.which("pgbouncer") or "/usr/sbin/pgbouncer"
        command = [program, "-q", str(self._folder / "pgbouncer.ini")]
        self._process = subprocess.Popen(command, cwd="/", stderr=subprocess.DEVNULL, **run_as())
        for _ in range(_PATIENCE_S * 10):
            with suppress(OSError), socket.create_connection(("127.0.0.1", self._port), timeout=1):
                return
            with suppress(subprocess.TimeoutExpired):
                self._process.wait(timeout=0.1)
                raise AssertionError((self._folder / "log").read_text())
        raise AssertionError("PgBouncer took no connections")

    def stop(self) -> None:
        """Be gone, with every connection."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None
