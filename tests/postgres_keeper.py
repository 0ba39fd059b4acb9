"""A throw-away PostgreSQL for the tests of one run: made, started, and ended with the run whatever becomes of it.

Runs as a process of its own: `python tests/postgres_keeper.py OWNER_PID`. Prints one line of JSON, {"port", "pid"} or
{"error"}, then waits until it is terminated or its owner, the pytest process, is gone; ends PostgreSQL by its pid and
removes the data. As root it runs PostgreSQL as an unprivileged user, since PostgreSQL refuses to run as root.
"""

from __future__ import annotations

import json
import os
import pwd
import select
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import Any

SUPERUSER = "adept"
STRANGER = "stranger"  # a user the server asks for a password
_PATIENCE_S = 60.0


class NoPostgres(Exception):
    """PostgreSQL can't be run here; the message is a sentence."""


def find_binaries() -> Path:
    """The directory of PostgreSQL's programs: the newest of Debian's, or the one on PATH."""
    debian = sorted(Path("/usr/lib/postgresql").glob("*/bin/postgres"), key=lambda path: int(path.parts[-3]))
    if debian:
        return debian[-1].parent
    on_path = shutil.which("postgres")
    if on_path is None:
        raise NoPostgres("the tests need PostgreSQL and found none; install it with: apt-get install postgresql")
    return Path(on_path).resolve().parent


def run_as() -> dict[str, Any]:
    """How subprocess is told to be an unprivileged user; nothing where we are one."""
    if os.geteuid() != 0:
        return {}
    for name in ("postgres", "nobody"):
        with suppress(KeyError):
            user = pwd.getpwnam(name)
            return {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}
    raise NoPostgres("the tests run as root and found neither the user postgres nor nobody to run PostgreSQL as")


def free_port() -> int:
    """A port of the loopback that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def make_cluster(binaries: Path, home: Path) -> Path:
    """An empty cluster in `home`; local users are trusted, but for the stranger."""
    data = home / "data"
    command = [
        str(binaries / "initdb"),
        "-D",
        str(data),
        "-U",
        SUPERUSER,
        "--no-sync",
        "--encoding=UTF8",
        "--locale=C.UTF-8",
    ]
    made = subprocess.run([*command, "--auth=trust"], cwd=home, capture_output=True, text=True, check=False, **run_as())
    if made.returncode != 0:
        raise NoPostgres(f"initdb failed: {made.stderr.strip()}")
    rules = f"host all {STRANGER} 127.0.0.1/32 scram-sha-256\nhost all all 127.0.0.1/32 trust\n"
    (data / "pg_hba.conf").write_text(rules)
    return data


def start(binaries: Path, data: Path, port: int) -> subprocess.Popen[bytes]:
    """PostgreSQL on the port, ready; careless of power cuts, since its data is thrown away."""
    settings = {
        "listen_addresses": "127.0.0.1",
        "port": port,
        "unix_socket_directories": "",
        "max_connections": 120,
        "fsync": "off",
        "full_page_writes": "off",
        "autovacuum_naptime": "10min",
        "log_min_messages": "panic",
    }
    options = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
    server = subprocess.Popen(
        [str(binaries / "postgres"), "-D", str(data), *options], cwd=data, stderr=subprocess.DEVNULL, **run_as()
    )
    for _ in range(int(_PATIENCE_S / 0.1)):
        asked = [str(binaries / "pg_isready"), "-q", "-h", "127.0.0.1", "-p", str(port)]
        if subprocess.run(asked, check=False).returncode == 0:
            return server
        with suppress(subprocess.TimeoutExpired):
            server.wait(timeout=0.1)
            raise NoPostgres(f"PostgreSQL ended at its start with status {server.returncode}")
    stop(server)
    raise NoPostgres(f"PostgreSQL was not ready within {_PATIENCE_S:.0f} s")


def stop(server: subprocess.Popen[bytes]) -> None:
    """End PostgreSQL at once, by its pid."""
    server.send_signal(signal.SIGQUIT)
    with suppress(subprocess.TimeoutExpired):
        server.wait(timeout=20)
    if server.poll() is None:
        server.kill()
        server.wait()


def hear_signals() -> int:
    """From now on a request to end is not acted upon but can be read from the file descriptor returned."""
    told, tell = os.pipe()
    os.set_blocking(tell, False)
    signal.set_wakeup_fd(tell, warn_on_full_buffer=False)
    for name in (signal.SIGTERM, signal.SIGINT):
        signal.signal(name, lambda *_: None)
    return told


def wait_for_the_end(told: int, owner: int) -> None:
    """Return when we are told to end or the owner is gone."""
    while owner_lives(owner) and not select.select([told], [], [], 1.0)[0]:
        pass


def owner_lives(owner: int) -> bool:
    """Whether the process is still there."""
    try:
        os.kill(owner, 0)
    except ProcessLookupError:
        return False
    return True


def report(found: dict[str, object]) -> None:
    """Tell whoever started us."""
    sys.stdout.write(json.dumps(found) + "\n")
    sys.stdout.flush()


def main() -> None:
    """Make, start, report, wait, stop, remove."""
    told = hear_signals()
    home = Path(tempfile.mkdtemp(prefix="adept-tests-postgresql-"))
    server = None
    try:
        if user := run_as():
            os.chown(home, user["user"], user["group"])
        binaries = find_binaries()
        data = make_cluster(binaries, home)
        port = free_port()
        server = start(binaries, data, port)
        report({"port": port, "pid": os.getpid()})
        wait_for_the_end(told, int(sys.argv[1]))
    except NoPostgres as error:
        report({"error": str(error)})
    finally:
        if server is not None:
            stop(server)
        shutil.rmtree(home, ignore_errors=True)


if __name__ == "__main__":
    main()
