"""`adept demo` as a process of its own, as users run it."""

from __future__ import annotations

import os
import re
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from tests.cli.conftest import ADEPT, process_environment

STOP_S = 30
_LAST_LINE = re.compile(r"url=(?P<url>http://127\.0\.0\.1:\d+) user=(?P<user>\S+) password=(?P<password>\S+)")


@dataclass
class Demonstration:
    """A demonstration that runs: what it has said so far, and the folder that its temporary files are in."""

    process: subprocess.Popen[str]
    temporary: Path
    lines: list[str] = field(default_factory=list)

    def read_to(self, pattern: str) -> re.Match[str]:
        """Read on to the line that fits the whole pattern."""
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.lines.append(line.rstrip("\n"))
            if found := re.fullmatch(pattern, self.lines[-1]):
                return found
        raise AssertionError(f"the demonstration ended: {self.lines[-5:]} {self.process.communicate()[1]}")

    def told(self) -> dict[str, str]:
        """What its last lines tell, once the service answers: portal, url, user and password."""
        portal = self.read_to(r"portal=(http://127\.0\.0\.1:\d+)")[1]
        return self.read_to(_LAST_LINE.pattern).groupdict() | {"portal": portal}

    def stop(self, number: signal.Signals) -> tuple[int, str, str]:
        """Send it the signal; returns its exit code, what it printed since, and all that it wrote as errors."""
        self.process.send_signal(number)
        out, err = self.process.communicate(timeout=STOP_S)
        return self.process.returncode, out, err


@contextmanager
def demonstrating(*options: object, temporary: Path) -> Iterator[Demonstration]:
    """Run the demonstration while the block runs; a setting that would spoil it is in its environment."""
    temporary.mkdir()
    process = subprocess.Popen(
        [ADEPT, "demo", *map(str, options)],
        env=process_environment({"TMPDIR": os.fspath(temporary), "ADEPT_DATABASE_URL": "sqlite:////nowhere/a.sqlite3"}),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        encoding="utf-8",
    )
    try:
        yield Demonstration(process, temporary)
    finally:
        if process.poll() is None:
            process.kill()
            process.communicate()
