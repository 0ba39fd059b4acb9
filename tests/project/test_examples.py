"""Every example of the README and of docs/ runs.

A page is run from top to bottom in one empty folder. Of its fences

- `console` is a session: `$ ` begins a command, `> ` continues it, what follows is its output, in which `...` stands
  for anything. A command that ends in ` &` is left running and stopped at the end of the page.
- `python` is a program of its own, run with warnings as errors.

`sh`, `text`, `json` and the rest are read, not run: there the other end is Apple. The ports of the pages are replaced
by free ones. The README runs the installed `adept`; the other pages run one whose imports are done (`warm_adept.py`).
"""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests.ports import free_ports
from tests.project.warm_adept import client_for

ROOT = Path(__file__).resolve().parents[2]
FENCE = re.compile(r"^```(\w+)[^\n]*\n(.*?)^```$", re.MULTILINE | re.DOTALL)
RUN = ("console", "python")
INSTALLED = Path(sys.executable).parent  # where the installed adept is
PORTS = ("8080", "8081", "8440")  # of the simulator's service and portal, and of adept's service


def fences(page: Path) -> list[tuple[str, str]]:
    return [(kind, text) for kind, text in FENCE.findall(page.read_text()) if kind in RUN]


def pages() -> list[str]:
    found = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
    return [page.relative_to(ROOT).as_posix() for page in found if fences(page)]


@dataclass
class Command:
    line: str
    expected: str = ""


def commands(session: str) -> Iterator[Command]:
    """The commands of a console fence, each with the output the page shows."""
    command: Command | None = None
    for line in session.splitlines():
        if line.startswith("$ "):
            if command:
                yield command
            command = Command(line[2:])
        elif line.startswith("> ") and command and not command.expected:
            command.line += "\n" + line[2:]
        elif command:
            command.expected += line + "\n"
    if command:
        yield command


def matches(expected: str, found: str) -> bool:
    """Whether the output is what the page shows; `...` stands for anything, several blanks for one."""
    pieces = [re.escape(piece) for piece in re.split(r"\.\.\.", _trimmed(expected))]
    return re.fullmatch(".*?".join(pieces), _trimmed(found), re.DOTALL) is not None


def _trimmed(text: str) -> str:
    return "\n".join(re.sub(r"[ \t]+", " ", line).rstrip() for line in text.strip().splitlines())


@dataclass
class Shell:
    """Runs a page's examples in one folder, as a reader would in one terminal."""

    folder: Path
    programs: Path  # where it finds adept
    ports: dict[str, str] = field(
        default_factory=lambda: dict(zip(PORTS, map(str, free_ports(len(PORTS))), strict=True))
    )
    running: list[subprocess.Popen[str]] = field(default_factory=list)

    def with_ports(self, text: str) -> str:
        return re.sub(rf"\b({'|'.join(PORTS)})\b", lambda found: self.ports[found.group()], text)

    @property
    def environment(self) -> dict[str, str]:
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("ADEPT_", "COVERAGE"))}
        return kept | {
            "PATH": os.pathsep.join([str(self.programs), str(INSTALLED), os.environ["PATH"]]),
            "HOME": str(self.folder),
            "ADEPT_DATA_DIR": str(self.folder / "adept-data"),
            "COLUMNS": "120",
            "NO_COLOR": "1",
        }

    def session(self, text: str) -> None:
        for command in commands(self.with_ports(text)):
            if command.line.endswith(" &"):
                self.leave_running(command.line.removesuffix(" &"))
            else:
                self.run(["bash", "-euo", "pipefail", "-c", command.line], command)

    def program(self, text: str) -> None:
        command = Command("python", "")
        self.run([sys.executable, "-W", "error", "-c", self.with_ports(text)], command)

    def run(self, arguments: list[str], command: Command) -> None:
        ran = subprocess.run(
            arguments, cwd=self.folder, env=self.environment, text=True, capture_output=True, check=False
        )
        told = f"{command.line}\n--- output\n{ran.stdout}\n--- errors\n{ran.stderr}"
        assert ran.returncode == 0, told
        assert not command.expected or matches(command.expected, ran.stdout), (
            f"{told}\n--- the page\n{command.expected}"
        )

    def leave_running(self, line: str) -> None:
        """Start a service and wait for its `ready` line."""
        process = subprocess.Popen(
            ["bash", "-c", f"exec {line}"],
            cwd=self.folder,
            env=self.environment,
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
        self.running.append(process)
        assert process.stdout is not None
        told = ""
        for output in process.stdout:
            told += output
            if output.startswith("ready "):
                return
        pytest.fail(f"{line} ended before it was ready:\n{told}")

    def stop(self) -> None:
        for process in self.running:
            process.send_signal(signal.SIGINT)
            process.communicate(timeout=30)


@pytest.fixture(scope="module")
def warm_programs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder with an `adept` in it whose imports are done."""
    folder = tmp_path_factory.mktemp("warm")
    address = folder / "socket"
    server = subprocess.Popen(
        [sys.executable, Path(__file__).with_name("warm_adept.py"), address],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    with server:
        assert server.stdout is not None
        assert server.stdout.readline() == "ready\n"
        program = folder / "adept"
        program.write_text(client_for(address))
        program.chmod(0o755)
        yield folder
        assert server.stdin is not None
        server.stdin.close()


@pytest.fixture
def shell(request: pytest.FixtureRequest, page: str, tmp_path: Path) -> Iterator[Shell]:
    shell = Shell(tmp_path, INSTALLED if page == "README.md" else request.getfixturevalue("warm_programs"))
    yield shell
    shell.stop()


@pytest.mark.parametrize("page", pages())
def test_the_examples_of_a_page_run(page: str, shell: Shell) -> None:
    for kind, text in fences(ROOT / page):
        if kind == "console":
            shell.session(text)
        else:
            shell.program(text)


def test_an_output_is_compared_with_what_the_page_shows() -> None:
    assert matches("a ... c\n", "a b c\n")
    assert matches("first\n...\nlast\n", "first\n1\n2\nlast\n")
    assert not matches("a\n", "a\nb\n")


def test_a_session_is_cut_into_commands_and_outputs() -> None:
    (first, second) = commands("$ one \\\n> more\nout\n$ two\n")
    assert (first.line, first.expected) == ("one \\\nmore", "out\n")
    assert (second.line, second.expected) == ("two", "")


@pytest.mark.parametrize("page", ["README.md", "CONTRIBUTING.md", "SECURITY.md", "CHANGELOG.md", "docs"])
def test_every_link_inside_the_project_leads_somewhere(page: str) -> None:
    broken = []
    for source in sorted((ROOT / page).rglob("*.md")) if (ROOT / page).is_dir() else [ROOT / page]:
        for target in re.findall(r"\]\(([^)\s]+)\)", source.read_text()):
            place, _, anchor = target.partition("#")
            if re.match(r"[a-z]+:", target):
                continue
            reached = (source.parent / place).resolve() if place else source
            if not reached.exists() or (anchor and anchor not in anchors(reached)):
                broken.append(f"{source.relative_to(ROOT)}: {target}")
    assert broken == []


def anchors(page: Path) -> set[str]:
    """The anchors that a page's headings get."""
    headings = re.findall(r"^#+ (.+)$", page.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).strip().replace(" ", "-") for heading in headings}
