"""Who imports whom, and what a plain `import adept` costs."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

HEAVY = (
    "sqlalchemy",
    "alembic",
    "fastapi",
    "starlette",
    "uvicorn",
    "cyclopts",
    "rich",
    "pydantic",
    "procrastinate",
    "structlog",
)


def test_the_import_contracts_hold(root: Path) -> None:
    lint = Path(sys.executable).with_name("lint-imports")
    answer = subprocess.run([lint, "--no-cache", "--no-logo"], cwd=root, capture_output=True, text=True, check=False)
    assert answer.returncode == 0, answer.stdout + answer.stderr


def modules_after(statement: str) -> set[str]:
    program = f"{statement}\nimport sys\nprint(*sorted(sys.modules))"
    answer = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    return {name.partition(".")[0] for name in answer.stdout.split()}


def test_importing_adept_and_its_names_imports_no_database_web_or_command_line_library() -> None:
    assert modules_after("from adept import *; import adept; adept.Client, adept.ServerToken") & set(HEAVY) == set()


def test_importing_the_store_imports_no_web_or_command_line_library() -> None:
    unwanted = {"fastapi", "starlette", "uvicorn", "cyclopts", "rich"}
    assert modules_after("import adept.sync.engine") & unwanted == set()


def test_importing_the_pytest_plugin_imports_neither_client_nor_store() -> None:
    assert (
        modules_after("import adept.simulator.pytest_plugin") & {"sqlalchemy", "httpx2", "fastapi", "cyclopts"} == set()
    )


def test_only_the_settings_module_reads_the_environment(project_files: list[Path], root: Path) -> None:
    """os.environ and os.getenv, by whatever name os was imported."""
    readers = []
    for path in project_files:
        place = path.relative_to(root)
        if place.parts[:2] == ("src", "adept") and path.suffix == ".py" and place.name != "settings.py":
            tree = ast.parse(path.read_text())
            names = [node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute)]
            names += [alias.name for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) for alias in node.names]
            if {"environ", "getenv", "environb"} & set(names):
                readers.append(str(place))
    assert readers == []
