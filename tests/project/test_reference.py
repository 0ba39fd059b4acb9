"""The reference pages are complete: what they list is what there is."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from cyclopts import App

import adept
from adept import errors
from adept.cli import failures
from adept.cli.app import app as command_line
from adept.protocol.error_codes import ErrorCode
from adept.settings import PREFIX, Settings
from adept.simulator import control_bodies
from adept.simulator.control_api import ControlApi
from adept.simulator.fault_words import ENDPOINTS, WORDS
from adept.simulator.simulator import Simulator
from adept.store.tables import metadata

REFERENCE = Path(__file__).resolve().parents[2] / "docs" / "reference"


def page(name: str) -> str:
    return (REFERENCE / name).read_text()


def code_words(text: str) -> set[str]:
    """Everything the page sets as code."""
    return set(re.findall(r"`([^`\n]+)`", text))


def is_body(value: object) -> bool:
    """Whether it is one of the control API's request bodies."""
    return isinstance(value, type) and issubclass(value, control_bodies.Body) and value is not control_bodies.Body


def section(text: str, heading: str) -> str:
    """What stands under a heading of the second level."""
    found = re.search(rf"^## {re.escape(heading)}$\n(.*?)(?=^## |\Z)", text, re.MULTILINE | re.DOTALL)
    assert found, f"no section {heading!r}"
    return found.group(1)


def error_classes() -> dict[str, type[errors.AdeptError]]:
    return {
        name: value
        for name, value in vars(errors).items()
        if isinstance(value, type) and issubclass(value, errors.AdeptError)
    }


@pytest.mark.parametrize("name", error_classes())
def test_every_error_is_documented_with_its_exit_code_and_exported(name: str) -> None:
    (row,) = re.findall(rf"^\| `{name}` \|.*\| (\d+) \|$", page("errors.md"), re.MULTILINE)
    assert getattr(adept, name) is error_classes()[name]
    codes = dict(failures._EXIT_CODES)
    expected = next((codes[base] for base in error_classes()[name].__mro__ if base in codes), failures.OUR_BUG)
    assert int(row) == expected


def test_every_code_of_apples_is_documented_and_no_other() -> None:
    text = section(page("errors.md"), "Codes of Apple's")
    documented = {word for row in re.findall(r"^\| (`[^|]+) \|", text, re.MULTILINE) for word in code_words(row)}
    assert documented == {code.value for code in ErrorCode}


def test_every_setting_is_documented_and_no_other() -> None:
    documented = set(re.findall(rf"^\| `({PREFIX}\w+)` \|", page("settings.md"), re.MULTILINE))
    assert documented == {f"{PREFIX}{name.upper()}" for name in Settings.model_fields} | {f"{PREFIX}DEBUG"}


@pytest.mark.parametrize("table", sorted(metadata.tables))
def test_every_table_is_documented_with_its_columns_and_no_other(table: str) -> None:
    rows = re.findall(r"^\| (`[^|]+) \|", section(page("tables.md"), table), re.MULTILINE)
    assert {word for row in rows for word in code_words(row)} == {
        column.name for column in metadata.tables[table].columns
    }


def test_no_table_is_documented_that_is_not_there() -> None:
    assert set(re.findall(r"^## (\w+)$", page("tables.md"), re.MULTILINE)) == set(metadata.tables)


def test_every_public_name_of_the_library_is_documented() -> None:
    words = code_words(page("library.md"))
    named = {word.partition("(")[0] for word in words}
    assert set(adept.__all__) - named - {"__version__"} == set()


@pytest.mark.parametrize("client", [adept.Client, adept.AsyncClient])
def test_every_method_and_argument_of_the_clients_is_documented(client: type) -> None:
    words = {word.partition("(")[0].removeprefix("Client.") for word in code_words(page("library.md"))}
    methods = {name for name, value in vars(client).items() if not name.startswith("_") and callable(value)}
    arguments = set(inspect.signature(client).parameters)
    documented = words | {"from_token_file"} | {word for text in words for word in text.split(", ")}
    assert (methods | arguments) - documented == set()


def commands(app: App, path: tuple[str, ...] = ("adept",)) -> Iterator[tuple[str, set[str]]]:
    """Every command that does something, with its options as the real command line has them."""
    if app.default_command is not None:
        arguments = app.assemble_argument_collection(parse_docstring=False)
        names = {name for argument in arguments if argument.show for name in argument.names}
        yield " ".join(path), {name for name in names if name.startswith("-") and not name.startswith("--no-")}
    for name in app:
        if not name.startswith("-"):
            yield from commands(app[name], (*path, name))


ALL_COMMANDS = dict(commands(command_line))
# --no-wait is an option of its own; every flag also has a silent --no- form
WITH_NO = {"adept accounts sync": {"--no-wait"}, "adept serve": {"--no-worker"}}


def documented_commands() -> dict[str, str]:
    """Each documented command with the words of its row."""
    rows = re.findall(r"^\| `(adept [^`]+)` \|(.*)$", page("commands.md"), re.MULTILINE)
    return {" ".join(word for word in command.split() if word == word.lower()): row for command, row in rows}


def test_every_command_is_documented_and_no_other() -> None:
    assert set(documented_commands()) == set(ALL_COMMANDS)


@pytest.mark.parametrize("command", ALL_COMMANDS)
def test_every_option_of_a_command_is_documented_and_no_other(command: str) -> None:
    group = section(page("commands.md"), " ".join(command.split()[:2]))
    introduction = group.partition("\n|")[0]
    row = documented_commands()[command]
    told = row + (introduction if "above" in row or "All commands have" in introduction else "")
    options = {word for text in code_words(told) for word in re.findall(r"^(--?[a-z][a-z0-9-]*)", text)}
    assert options == ALL_COMMANDS[command] | WITH_NO.get(command, set())


def test_every_exit_code_is_documented_and_no_other() -> None:
    documented = re.findall(r"^\| (\d+) \|", section(page("commands.md"), "Exit codes"), re.MULTILINE)
    codes = {value for name, value in vars(failures).items() if name.isupper() and isinstance(value, int)}
    assert {int(code) for code in documented} == codes


def test_every_fault_of_the_simulator_is_documented_and_no_other() -> None:
    text = section(page("simulator.md"), "Faults")
    documented = {word for row in re.findall(r"^\| (`[^|]+) \|", text, re.MULTILINE) for word in code_words(row)}
    prefixes = {word.removesuffix("CODE") for word in documented if word.endswith("_CODE")}
    codes = {code.value.lower() for code in ErrorCode}
    meant = {f"{prefix}{code}" for prefix in prefixes for code in codes} & set(WORDS)
    alone = {word for word in documented if not word.endswith("_CODE")}
    assert alone | meant | {"success"} == set(WORDS) | {"not_found"}


def test_every_endpoint_of_the_simulators_faults_is_documented() -> None:
    assert set(ENDPOINTS) - code_words(section(page("simulator.md"), "Faults")) == set()


def test_every_route_of_the_control_api_is_documented_and_no_other() -> None:
    routes = {
        f"{method} {route.path}"
        for route in ControlApi(Simulator()).routes()
        for method in (route.methods or set()) - {"HEAD"}
    }
    rows = re.findall(r"^\| `([A-Z]+ [^`?]+)", section(page("simulator.md"), "Control API"), re.MULTILINE)
    assert set(rows) == routes


@pytest.mark.parametrize("body", [body for body in vars(control_bodies).values() if is_body(body)])
def test_every_key_of_a_control_request_is_documented(body: type[control_bodies.Body]) -> None:
    words = {word.removesuffix("?") for word in code_words(section(page("simulator.md"), "Control API"))}
    assert set(body.__struct_fields__) - words == set()
