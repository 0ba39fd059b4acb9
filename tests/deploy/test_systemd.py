"""The units of systemd, judged by systemd itself: that it understands each line, and how much it leaves exposed."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from adept.cli.app import app

UNITS = sorted((Path(__file__).resolve().parents[2] / "deploy" / "systemd").glob("*.service"))
INSTALLED = "/opt/adept/bin/adept"
EXPOSED_AT_MOST = 15  # in tenths, of 100; what speaks to the network can't come below 10


def judged(*words: str | Path) -> subprocess.CompletedProcess[str]:
    environment = os.environ | {"SYSTEMD_COLORS": "0", "SYSTEMD_PAGER": "cat"}
    command = ["systemd-analyze", "--no-pager", *words]
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)


@pytest.fixture(params=UNITS, ids=lambda unit: unit.stem)
def unit(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """A unit, with the adept of these tests in the place of the installed one."""
    written: Path = request.param
    here = tmp_path / written.name
    here.write_text(written.read_text().replace(INSTALLED, str(Path(sys.executable).with_name("adept"))))
    return here


def test_there_is_a_unit_for_the_service_and_one_for_workers() -> None:
    assert [unit.stem for unit in UNITS] == ["adept-serve", "adept-worker"]


def test_systemd_understands_every_line(unit: Path) -> None:
    answer = judged("verify", "--man=no", unit)
    assert (answer.returncode, answer.stdout + answer.stderr) == (0, "")


def test_a_line_that_systemd_does_not_understand_would_be_told(unit: Path) -> None:
    unit.write_text(unit.read_text().replace("NoNewPrivileges", "NoNewPrivilege"))
    assert "NoNewPrivilege" in judged("verify", "--man=no", unit).stderr


def test_little_is_exposed(unit: Path) -> None:
    answer = judged("security", "--offline=yes", f"--threshold={EXPOSED_AT_MOST}", unit)
    assert answer.returncode == 0, answer.stdout


@pytest.mark.parametrize("path", UNITS, ids=lambda path: path.stem)
def test_it_starts_a_command_that_there_is_with_a_settings_file(path: Path) -> None:
    text = path.read_text()
    (started,) = re.findall(r"^ExecStart=(\S+) (.+)$", text, re.MULTILINE)
    assert started[0] == INSTALLED
    command, _, _ = app.parse_args(started[1].split(), exit_on_error=False)
    assert command.__name__ == path.stem.removeprefix("adept-")
    assert "Environment=ADEPT_CONFIG=/etc/adept/adept.toml" in text
