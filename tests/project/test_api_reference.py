"""The page on the API is complete: its routes with their roles and parameters, and the codes of its problems."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any, TypeGuard

import pytest
from fastapi import FastAPI

from adept import errors
from adept.settings import Settings
from adept.store.database import open_store
from adept.web import failures
from adept.web.app import create_app
from adept.web.openapi import describe, roles_needed
from adept.web.service import Service

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "reference" / "api.md").read_text()
OF_THEIR_RAISER = (
    errors.AdeptError,
    errors.Denied,
    errors.Refused,
    errors.TokenRejected,
)  # have Apple's code, or one below
CODE_AMONG_ARGUMENTS = {"Told": 2, "self._refuse": 1}  # where these are given it
METHODS = ("get", "put", "post", "delete", "patch")


@pytest.fixture
async def app(sqlite_template: Path, secret_key: str) -> FastAPI:
    """The application, over an empty database that nobody asks."""
    url = f"sqlite:///{sqlite_template}"
    async with open_store(url, secret_keys=[secret_key], data_dir=None, migrate=False) as store:
        return create_app(Service(store, Settings(), nobody, nobody, nobody))


def nobody(*_: Any) -> Any:
    raise AssertionError("the page is about what is served, not about serving it")


@cache
def rows() -> dict[str, tuple[str, str]]:
    """The role and the sentence of each documented route."""
    found = re.findall(r"^\| `([A-Z]+ /[^`]+)` \| (\w+) \| (.*) \|$", PAGE, re.MULTILINE)
    assert len(found) == len({route for route, _, _ in found}), "a route is documented twice"
    return {route: (role, sentence) for route, role, sentence in found}


def operations(app: FastAPI) -> Iterator[tuple[str, dict[str, Any]]]:
    """Every described route as `METHOD /path`, with what OpenAPI says of it."""
    for path, methods in describe(app)["paths"].items():
        for method in METHODS:
            if method in methods:
                yield f"{method.upper()} {path}", methods[method]


async def test_every_route_is_documented_with_its_role_and_no_other(app: FastAPI) -> None:
    roles = {f"{method} {path}": role for (method, path), role in roles_needed(app).items()}
    served = {route: roles.get(route, "public") for route, _ in operations(app)}
    assert {route: role for route, (role, _) in rows().items()} == served


async def test_every_query_parameter_is_documented_and_no_other_filter(app: FastAPI) -> None:
    taken = {
        route: {parameter["name"] for parameter in operation.get("parameters", ()) if parameter["in"] == "query"}
        for route, operation in operations(app)
    }
    missing = {
        route: sorted(names - code_words(sentence) - (filters() if "the filters below" in sentence else set()))
        for route, names in taken.items()
        for _, sentence in [rows()[route]]
    }
    assert {route: names for route, names in missing.items() if names} == {}
    assert filters() - taken["GET /api/v1/devices"] == set()


def filters() -> set[str]:
    """The filters of devices, which stand in a table of their own."""
    table = PAGE.partition("| filter | |")[2].partition("\n\n")[0]
    return {word for cell in re.findall(r"^\| (`[^|]+) \|", table, re.MULTILINE) for word in code_words(cell)}


def code_words(text: str) -> set[str]:
    return set(re.findall(r"`(\w+)`", text))


async def test_every_route_says_in_a_sentence_what_it_does(app: FastAPI) -> None:
    assert [route for route, operation in operations(app) if not operation.get("description")] == []


def test_every_code_of_a_problem_is_documented_and_no_other() -> None:
    told = PAGE.partition("| code | status | means |")[2]
    documented = set(re.findall(r"^\| `(\w+)` \| [\d, ]+ \| .+ \|$", told, re.MULTILINE))
    assert documented == set(codes())


def codes() -> Iterator[str]:
    """The codes of our errors, and those that the service, and who may use it, say beside them."""
    for value in vars(errors).values():
        if isinstance(value, type) and issubclass(value, errors.AdeptError) and value not in OF_THEIR_RAISER:
            yield value.code
    yield from (code for code, _ in failures._CODES.values())
    for package in ("web", "access", "accounts", "records"):
        for file in (ROOT / "src" / "adept" / package).rglob("*.py"):
            yield from written_codes(ast.parse(file.read_text()))


def written_codes(module: ast.Module) -> Iterator[str]:
    """`code=…` of any call, a class's `code = …`, and the codes of problems made by hand, as text or by a constant."""
    constants = {
        ast.unparse(node.targets[0]): node.value.value
        for node in module.body
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Constant)
    }
    for said in said_codes(module):
        code = said.value if isinstance(said, ast.Constant) else constants.get(ast.unparse(said))
        if isinstance(code, str):
            yield code


def said_codes(module: ast.Module) -> Iterator[ast.expr]:
    for node in ast.walk(module):
        if isinstance(node, ast.Call):
            yield from (word.value for word in node.keywords if word.arg == "code")
            place = CODE_AMONG_ARGUMENTS.get(ast.unparse(node.func))
            if place is not None:
                yield from node.args[place : place + 1]
        elif isinstance(node, ast.ClassDef):
            yield from (part.value for part in node.body if is_code(part))


def is_code(part: ast.stmt) -> TypeGuard[ast.Assign]:
    return isinstance(part, ast.Assign) and ast.unparse(part.targets[0]) == "code"
