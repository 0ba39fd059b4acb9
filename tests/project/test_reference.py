"""The reference pages are complete: what they list is what there is."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import adept
from adept import errors
from adept.cli import failures
from adept.protocol.error_codes import ErrorCode
from adept.settings import PREFIX, Settings
from adept.store.tables import metadata

REFERENCE = Path(__file__).resolve().parents[2] / "docs" / "reference"


def page(name: str) -> str:
    return (REFERENCE / name).read_text()


def code_words(text: str) -> set[str]:
    """Everything the page sets as code."""
    return set(re.findall(r"`([^`\n]+)`", text))


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
