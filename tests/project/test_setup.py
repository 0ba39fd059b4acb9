"""Setting up: the Makefile's face, and what its scripts say on a machine where something is missing."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from scripts.branch_coverage import by_package, share

SHELL_TOOLS = ("sh", "bash", "cat", "mkdir", "rm", "ls", "env", "dirname")


@pytest.fixture
def machine(tmp_path: Path) -> Path:
    """A folder of programs that is all a script finds: a shell, a Python without venv, and an unprivileged user."""
    programs = tmp_path / "bin"
    programs.mkdir()
    for name in SHELL_TOOLS:
        found = shutil.which(name)
        assert found
        program(programs, name, f'exec {found} "$@"')  # no link: what a test puts here must not reach the real one
    program(programs, "python3", f'case "$*" in *ensurepip*) exit 1;; esac; exec {sys.executable} "$@"')
    program(programs, "id", "echo 1000")
    return programs


def program(folder: Path, name: str, script: str) -> None:
    path = folder / name
    assert not path.is_symlink()
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)


def run(machine: Path, *command: str | Path) -> subprocess.CompletedProcess[str]:
    environment = {"PATH": str(machine), "HOME": str(machine)}
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)


def test_make_alone_lists_every_target_that_has_a_sentence(root: Path) -> None:
    makefile = (root / "Makefile").read_text()
    phony = set(re.findall(r"^\.PHONY: (.*)$", makefile, re.MULTILINE)[0].split())
    environment = {name: value for name, value in os.environ.items() if not name.startswith("MAKE")}
    answer = subprocess.run(["make"], cwd=root, env=environment, capture_output=True, text=True, check=True)
    listed = set(re.findall(r"^  make ([a-z-]+) ", answer.stdout, re.MULTILINE))
    assert listed == phony - {"tools"}


def test_a_missing_venv_module_is_named_where_it_cannot_be_installed(machine: Path, root: Path, tmp_path: Path) -> None:
    answer = run(machine, root / "scripts" / "venv.sh", "python3", tmp_path / "venv")
    assert answer.returncode == 1
    version = f"python{sys.version_info.major}.{sys.version_info.minor}-venv"
    assert version in answer.stderr
    assert "no apt-get here" in answer.stderr


def test_a_user_who_is_not_root_is_told_what_root_has_to_install(machine: Path, root: Path, tmp_path: Path) -> None:
    program(machine, "apt-get", "exit 7")
    answer = run(machine, root / "scripts" / "venv.sh", "python3", tmp_path / "venv")
    assert answer.returncode == 1
    assert "as root: apt-get update && apt-get install python3" in answer.stderr


def test_root_gets_the_missing_venv_module_installed(machine: Path, root: Path, tmp_path: Path) -> None:
    log = tmp_path / "apt"
    program(machine, "id", "echo 0")
    program(machine, "apt-get", f'echo "$*" >> {log}')
    run(machine, root / "scripts" / "venv.sh", "python3", tmp_path / "venv")
    assert [line.split()[0] for line in log.read_text().splitlines()] == ["update", "install"]


def test_a_python_that_is_too_old_or_missing_is_named(machine: Path, root: Path, tmp_path: Path) -> None:
    program(machine, "python3.9", 'case "$*" in *version_info*) exit 1;; *) echo Python 3.9.2;; esac')
    old = run(machine, root / "scripts" / "venv.sh", "python3.9", tmp_path / "venv")
    assert (old.returncode, "Python 3.9.2" in old.stderr, "3.11" in old.stderr) == (1, True, True)
    absent = run(machine, root / "scripts" / "venv.sh", "python9", tmp_path / "venv")
    assert (absent.returncode, "no 'python9' here" in absent.stderr) == (1, True)


def test_the_tools_that_the_tests_lack_are_named_together(machine: Path, root: Path) -> None:
    program(machine, "ls", "exit 2")  # no initdb in Debian's folders
    answer = run(machine, root / "scripts" / "test_tools.sh")
    assert answer.returncode == 1
    assert "postgresql openssl curl chromium pgbouncer libfaketime systemd prometheus" in answer.stderr


def test_ci_exits_as_the_tests_do_and_ends_with_the_runners_closing_lines(root: Path, tmp_path: Path) -> None:
    (tmp_path / ".ci").mkdir()
    shutil.copy(root / ".ci" / "run", tmp_path / ".ci" / "run")
    for status, closing in ((0, "3 passed in 1.00s"), (2, "1 failed, 2 passed in 1.00s")):
        (tmp_path / "Makefile").write_text(f"test:\n\t@echo '{closing}'; echo more; exit {status}\n")
        answer = subprocess.run(["bash", ".ci/run"], cwd=tmp_path, capture_output=True, text=True, check=False)
        assert (answer.returncode, answer.stdout.splitlines()[-1]) == (status, closing)


def summary(*, lines: int, branches: int, covered_lines: int, covered_branches: int) -> dict[str, int]:
    return {
        "num_statements": lines,
        "num_branches": branches,
        "covered_lines": covered_lines,
        "covered_branches": covered_branches,
    }


def test_coverage_is_judged_by_package_on_lines_and_branches_together() -> None:
    half = summary(lines=10, branches=10, covered_lines=10, covered_branches=0)
    whole = summary(lines=5, branches=5, covered_lines=5, covered_branches=5)
    report = {
        "files": {
            "src/adept/sync/cursor.py": {"summary": half},
            "src/adept/sync/changes.py": {"summary": whole},
            "src/adept/errors.py": {"summary": whole},
        }
    }
    assert by_package(report) == {"errors": 100.0, "sync": pytest.approx(100 * 20 / 30)}
    assert share([]) == 100.0
