"""`adept serve` and `adept worker` as processes of their own, as operators run them."""

from __future__ import annotations

import signal
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.cli.conftest import ADEPT, process_environment

STOP_S = 25  # it promises 10, on a machine that is not busy; Apple, which hangs, is waited for a minute


@dataclass
class ServiceProcess:
    """A running service: where it answers, and what it has printed so far."""

    url: str
    metrics_url: str | None
    process: subprocess.Popen[str]
    log_file: Path

    @property
    def log(self) -> str:
        """All that it wrote to standard error."""
        return self.log_file.read_text()

    @property
    def set_up_secret(self) -> str:
        """What stands behind the # of the set-up link."""
        return self.log.partition("/setup#")[2].split()[0]

    def stop(self) -> int:
        """Ask it to end, wait until it has, and return its exit code."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(STOP_S)


@contextmanager
def serving(
    environment: Mapping[str, str], *options: str, log_file: Path, under: Sequence[str] = ()
) -> Iterator[ServiceProcess]:
    """Run `adept serve` on a free port while the block runs; `under` is a command that is to start it."""
    with _running([*under, str(ADEPT), "serve", "--port", "0", *options], environment, log_file) as process:
        told = _ready(process, log_file)
        yield ServiceProcess(told["url"], told.get("metrics"), process, log_file)


@dataclass
class WorkerProcess:
    """A running worker, and the name that it writes into rows."""

    holder: str
    process: subprocess.Popen[str]

    def kill(self) -> None:
        """End it as a power cut would."""
        self.process.kill()
        self.process.wait()

    def stop(self) -> int:
        """Ask it to end, wait until it has, and return its exit code."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(STOP_S)


@contextmanager
def working(environment: Mapping[str, str], *options: str, log_file: Path) -> Iterator[WorkerProcess]:
    """Run `adept worker` while the block runs."""
    with _running([str(ADEPT), "worker", *options], environment, log_file) as process:
        yield WorkerProcess(_ready(process, log_file)["worker"], process)


@contextmanager
def _running(command: Sequence[str], environment: Mapping[str, str], log_file: Path) -> Iterator[subprocess.Popen[str]]:
    with log_file.open("a") as log:
        process = subprocess.Popen(
            command,
            env=process_environment(dict(environment)),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
        )
    try:
        yield process
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGCONT)
            process.terminate()
            try:
                process.wait(STOP_S)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        assert process.stdout is not None
        process.stdout.close()


def _ready(process: subprocess.Popen[str], log_file: Path) -> dict[str, str]:
    """What the ready line says."""
    assert process.stdout is not None
    words = process.stdout.readline().split()
    assert words[:1] == ["ready"], log_file.read_text()
    return dict(word.split("=", 1) for word in words[1:])
