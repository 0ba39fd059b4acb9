"""The real curl, as people run it against a running service."""

from __future__ import annotations

import json
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import anyio

_END = "\n%{http_code} %{content_type}"


@dataclass(frozen=True)
class Answer:
    """What curl got; `headers` as it wrote them, their names in lower case."""

    status: int
    content_type: str
    body: bytes
    headers: dict[str, str]

    @property
    def text(self) -> str:
        return self.body.decode()

    @property
    def json(self) -> Any:
        return json.loads(self.body)


async def curl(*words: str | Path, folder: Path) -> Answer:
    """Run `curl WORDS…` in the folder, where it may leave files. Fails where curl itself does."""
    program = shutil.which("curl")
    assert program is not None, "these tests need curl"
    head = folder / "head"
    command = [program, "-sS", "--max-time", "60", "-D", str(head), "-w", _END, *map(str, words)]
    ran = await anyio.run_process(command, cwd=folder, check=False)
    assert ran.returncode == 0, ran.stderr.decode()
    body, _, last = ran.stdout.rpartition(b"\n")
    status, _, content_type = last.decode().partition(" ")
    return Answer(int(status), content_type, body, _headers(head.read_text()))


def _headers(head: str) -> dict[str, str]:
    """Those of the last answer: before it curl may have seen a 100."""
    lines = head.strip().split("\n\n")[-1].splitlines()[1:]
    return {name.strip().lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
