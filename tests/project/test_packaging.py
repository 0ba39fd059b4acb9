"""What we ship: the wheel, installed where no source is."""

from __future__ import annotations

import os
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest


@pytest.fixture(scope="module")
def wheel(root: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, built as `make wheel` builds it, offline."""
    folder = tmp_path_factory.mktemp("dist")
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    subprocess.run(command, cwd=root, check=True, capture_output=True)
    (built,) = folder.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of programs of a fresh environment with the wheel in it; its dependencies are lent by ours."""
    folder = tmp_path_factory.mktemp("fresh") / "venv"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(folder)], check=True)
    programs = folder / ("Scripts" if os.name == "nt" else "bin")
    python = programs / Path(sys.executable).name
    place = subprocess.run(
        [python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))"],
        check=True,
        capture_output=True,
        text=True,
    )
    ours = Path(pytest.__file__).parents[1]
    Path(place.stdout.strip(), "lent.pth").write_text(f"{ours}\n")
    pip = [
        sys.executable,
        "-m",
        "pip",
        "-qq",
        "--python",
        str(python),
        "install",
        "--no-deps",
        "--no-index",
        "--no-compile",
    ]
    subprocess.run([*pip, str(wheel)], check=True)
    return programs


def run(*command: str | Path, cwd: Path) -> subprocess.CompletedProcess[str]:
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("ADEPT_", "PYTHON"))}
    return subprocess.run(command, cwd=cwd, env=environment, capture_output=True, text=True, check=False)


def test_the_wheel_contains_types_migrations_templates_and_the_licence(wheel: Path, root: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
    assert "adept/py.typed" in names
    assert any(name.startswith("adept/store/migrations/versions/") for name in names)
    assert any(name.startswith("adept/simulator/") and name.endswith(".html") for name in names)
    assert any(name.endswith("licenses/LICENSE") for name in names)
    sources = {
        path.relative_to(root / "src").as_posix() for path in (root / "src").rglob("*.*") if path.suffix != ".pyc"
    }
    assert sources - names == set()


def test_the_wheel_contains_the_package_and_nothing_else(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        tops = {name.partition("/")[0] for name in archive.namelist()}
    assert {top for top in tops if not top.endswith(".dist-info")} == {"adept"}


def test_the_wheel_installs_and_tells_its_version(installed: Path, root: Path, tmp_path: Path) -> None:
    version = tomllib.loads((root / "pyproject.toml").read_text())["project"]["version"]
    answer = run(installed / "adept", "--version", cwd=tmp_path)
    assert answer.returncode == 0, answer.stderr
    assert version in answer.stdout


def test_the_installed_wheel_is_used_and_works_without_the_source(installed: Path, tmp_path: Path) -> None:
    where = run(installed / "python", "-c", "import adept; print(adept.__file__)", cwd=tmp_path)
    assert str(installed.parent) in where.stdout, where.stderr
    answer = run(installed / "adept", "demo", "--once", "--devices", "30", cwd=tmp_path)
    assert answer.stdout.rstrip().endswith("demo: ok"), answer.stdout + answer.stderr


def test_every_extra_is_part_of_all(root: Path) -> None:
    project = tomllib.loads((root / "pyproject.toml").read_text())["project"]
    extras = project["optional-dependencies"]

    def closure(extra: str) -> set[str]:
        reached = {extra}
        for requirement in extras[extra]:
            if requirement.startswith(f"{project['name']}["):
                for other in requirement.partition("[")[2].rstrip("]").split(","):
                    reached |= closure(other)
        return reached

    assert closure("all") == set(extras)


def test_the_changelog_has_an_entry_for_the_version(root: Path) -> None:
    version = tomllib.loads((root / "pyproject.toml").read_text())["project"]["version"]
    assert f"## {version}" in (root / "CHANGELOG.md").read_text()
