"""Starting: quick, and without libraries that the command in hand doesn't need; every command explains itself."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator

import pytest
from cyclopts import App

from adept import __version__
from adept.cli.app import app
from tests.cli.conftest import Run, process_environment

HEAVY = {
    "sqlalchemy",
    "alembic",
    "httpx2",
    "cryptography",
    "starlette",
    "uvicorn",
    "fastapi",
    "pydantic",
    "platformdirs",
}
PROGRAM = """
import sys
from adept.cli.main import main
code = main(sys.argv[1:])
print(*sorted({name.partition(".")[0] for name in sys.modules}), file=sys.stderr)
sys.exit(code)
"""


def groups() -> list[str]:
    return [name for name in app if not name.startswith("-")]


def commands(of: App = app, words: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """Every command and every group of commands, by its words."""
    yield words
    for name in of:
        if not name.startswith("-"):
            yield from commands(of[name], (*words, name))


def modules_of(*words: str) -> set[str]:
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, *words], env=process_environment({}), capture_output=True, text=True, check=True
    )
    return set(done.stderr.splitlines()[-1].split())


@pytest.mark.parametrize("words", [("--version",), ("--help",), ("apple", "--help"), ("demo", "--help")])
def test_version_and_help_import_no_heavy_library(words: tuple[str, ...]) -> None:
    assert modules_of(*words) & HEAVY == set()


@pytest.mark.parametrize("group", groups())
def test_the_help_of_no_group_imports_a_heavy_library(group: str) -> None:
    needed = {"pydantic"} if group in ("serve", "worker") else set()  # their options are the settings
    assert modules_of(group, "--help") & HEAVY == needed


def test_version_does_not_even_import_the_library_that_reads_arguments() -> None:
    assert modules_of("--version") & {"cyclopts", "rich"} == set()


def test_the_version_is_printed_alone(adept_process: Run) -> None:
    ran = adept_process("--version")
    assert (ran.code, ran.out, ran.err) == (0, f"{__version__}\n", "")


@pytest.mark.parametrize("words", list(commands()), ids=" ".join)
def test_every_command_has_help_with_an_example_of_its_own(adept: Run, words: tuple[str, ...]) -> None:
    ran = adept(*words, "--help")
    assert ran.code == 0
    assert ran.out.startswith("Usage: adept")
    text = " ".join(ran.out.split())
    assert f"Example: {' '.join(('adept', *words))}" in text


def test_every_argument_and_option_is_explained(adept: Run) -> None:
    unexplained = [
        (words, argument.names)
        for words in commands()
        if words and (command := _command(words)).default_command
        for argument in command.assemble_argument_collection()
        if argument.parse and argument.show and not argument.parameter.help
    ]
    assert unexplained == []


def test_every_command_takes_json(adept: Run) -> None:
    without = [
        words
        for words in commands()
        if words
        and (command := _command(words)).default_command
        and not any("--json" in argument.names for argument in command.assemble_argument_collection())
    ]
    assert without == []


def test_without_a_command_the_help_is_shown(adept: Run) -> None:
    ran = adept()
    assert ran.code == 0
    assert "Usage: adept COMMAND" in ran.out


def test_a_missing_library_is_told_as_the_extra_that_brings_it() -> None:
    """An import of cyclopts that fails, as in an environment with the core alone."""
    program = "import sys; sys.modules['cyclopts'] = None; from adept.cli.main import main; sys.exit(main(['demo']))"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert done.returncode == 6
    assert done.stderr == (
        "adept: error: this command needs the extra [cli], which is not installed (no module 'cyclopts'); "
        "pip install 'adept-mdm[cli]'\n"
    )


@pytest.mark.parametrize(
    ("module", "words", "extra"),
    [
        ("sqlalchemy", ["accounts", "list"], "store"),
        ("uvicorn", ["simulator"], "simulator"),
        ("pydantic_settings", ["accounts", "list"], "cli"),
    ],
)
def test_a_command_without_its_library_names_the_extra(module: str, words: list[str], extra: str) -> None:
    program = f"import sys; sys.modules[{module!r}] = None; from adept.cli.main import main; sys.exit(main({words!r}))"
    done = subprocess.run(
        [sys.executable, "-c", program], env=process_environment({}), capture_output=True, text=True, check=False
    )
    assert done.returncode == 6
    assert f"pip install 'adept-mdm[{extra}]'" in done.stderr


def _command(words: tuple[str, ...]) -> App:
    found = app
    for word in words:
        found = found[word]
    return found
