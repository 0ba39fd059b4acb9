"""What no file of the project may say, and what its locks may hold."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

# In pieces, so that this file doesn't hold what it looks for.
REGISTRIES = ["pypi" + ".org", "python" + "hosted.org", "registry." + "npmjs", "deb.debian" + ".org"]
WORKPLACES = [
    "/wo" + "rk/",
    "/home/[a-z]",
    "/ro" + "ot/",
    r"\.\./sha" + "red",
    r"\.lib" + "rary",
    "farm-(stu" + "dio|bench)",
]


def lines_with(pattern: str, files: list[Path], root: Path) -> list[str]:
    found = []
    for path in files:
        text = path.read_bytes().decode("utf-8", "replace")
        found += [
            f"{path.relative_to(root)}:{number}: {line.strip()[:100]}"
            for number, line in enumerate(text.splitlines(), 1)
            if re.search(pattern, line)
        ]
    return found


def test_no_file_names_the_host_of_a_package_registry(project_files: list[Path], root: Path) -> None:
    pattern = "|".join(re.escape(host) for host in REGISTRIES)
    assert lines_with(pattern, project_files, root) == []


def test_no_file_speaks_of_the_place_where_it_was_written(project_files: list[Path], root: Path) -> None:
    assert lines_with("|".join(WORKPLACES), project_files, root) == []


@pytest.mark.parametrize("lock", ["requirements.lock", "requirements-dev.lock"])
def test_a_lock_holds_names_versions_markers_and_hashes_and_no_address(lock: str, root: Path) -> None:
    pin = re.compile(r"^[a-z0-9][a-z0-9.-]*(\[[a-z,]+\])?==[^\s;]+( ; [^:/]+)? \\$")
    hashed = re.compile(r"^    --hash=sha256:[0-9a-f]{64}( \\)?$")
    lines = (root / lock).read_text().splitlines()
    assert lines
    assert [line for line in lines if not pin.match(line) and not hashed.match(line)] == []


def test_the_lock_of_the_pages_assets_holds_no_address(root: Path) -> None:
    """npm writes where to give money into it: take that out, `npm ci` does not miss it."""
    assert [line for line in (root / "package-lock.json").read_text().splitlines() if "://" in line] == []


def test_the_development_lock_contains_the_run_time_lock(root: Path) -> None:
    def pins(name: str) -> set[str]:
        return {
            line.split(" ;")[0].rstrip(" \\") for line in (root / name).read_text().splitlines() if line[:1].isalnum()
        }

    assert pins("requirements.lock") - pins("requirements-dev.lock") == set()


def test_the_run_time_lock_brings_no_tool_for_tests(root: Path) -> None:
    names = {
        line.split("==")[0] for line in (root / "requirements.lock").read_text().splitlines() if line[:1].isalnum()
    }
    assert names & {"pytest", "hypothesis", "mypy", "ruff", "requests", "uv", "playwright"} == set()


def test_tests_talk_to_the_real_thing(project_files: list[Path], root: Path) -> None:
    """No mocks, no patched attributes, no sleeping, nothing skipped."""
    tests = [
        path for path in project_files if path.suffix == ".py" and "tests" in path.parts and path != Path(__file__)
    ]
    patterns = [
        r"mock\.patch",
        "MagicMock",
        r"monkeypatch\.setattr",
        r"time\.sleep\(",
        r"pytest\.(mark\.)?(skip|xfail)",
        "importorskip",
    ]
    assert lines_with("|".join(patterns), tests, root) == []


def test_a_to_do_names_its_issue(project_files: list[Path], root: Path) -> None:
    sources = [path for path in project_files if path.suffix == ".py" and path != Path(__file__)]
    assert lines_with(r"\b(TODO|FIXME|XXX)\b(?!.*(issue|#)\s?\d)", sources, root) == []
