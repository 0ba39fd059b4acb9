"""The simulator as the other end: a process of its own, with a fleet of a given size."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Apple:
    """Where the simulated Apple is, and a token for its first server."""

    url: str
    control_url: str
    token_file: Path
    pid: int

    def control(self, path: str, body: dict[str, object]) -> dict[str, object]:
        """One request to the control port."""
        request = urllib.request.Request(
            self.control_url + path, json.dumps(body).encode(), {"Content-Type": "application/json"}
        )
        with urllib.request.urlopen(request, timeout=60) as answer:
            found: dict[str, object] = json.loads(answer.read() or b"{}")
            return found


@contextmanager
def apple(devices: int) -> Iterator[Apple]:
    """A simulator with so many devices, stopped at the end."""
    with tempfile.TemporaryDirectory() as folder:
        ready, token = Path(folder, "ready"), Path(folder, "token.json")
        command = [sys.executable, "-m", "adept.cli.main", "simulator", "--devices", str(devices), "--seed", "1"]
        command += ["--port", "0", "--control-port", "0", "--ready-file", str(ready), "--write-token", str(token)]
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
        try:
            words = _wait_for(ready, process).split()
            urls = dict(word.split("=", 1) for word in words if "=" in word)
            yield Apple(urls["service"], urls["control"], token, process.pid)
        finally:
            process.terminate()
            process.wait(30)


def cpu_s(pid: int) -> float:
    """CPU seconds that another process has used so far (Linux)."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    import os

    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _wait_for(file: Path, process: subprocess.Popen[bytes]) -> str:
    for _ in range(1200):
        if file.exists() and (text := file.read_text()).endswith("\n"):
            return text
        if process.poll() is not None:
            raise SystemExit(f"the simulator ended with {process.returncode}")
        time.sleep(0.1)
    raise SystemExit("the simulator was not ready within two minutes")
