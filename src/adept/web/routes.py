"""The one table of what is served, and where."""

from __future__ import annotations

from collections.abc import Iterator
from importlib import import_module

from fastapi import APIRouter

API_PREFIX = "/api/v1"

# Modules of web/api; the paths of their `router` begin behind /api/v1.
_API = (
    "session",
    "setup",
    "accounts",
    "certificates",
    "tokens",
    "holds",
    "passes",
    "events",
    "devices",
    "export",
    "changes",
    "health",
    "users",
    "keys",
    "audit",
    "docs",
)
# Modules of web whose `router` has whole paths.
_OTHERS = ("health", "doors", "metrics")
# Modules of web/ui: the pages for people; their `router` has whole paths too.
_PAGES = (
    "overview",
    "activity",
    "login",
    "theme",
    "setup",
    "people",
    "keys",
    "person",
    "devices",
    "device",
    "dep_accounts",
    "set_up",
    "account",
    "account_acts",
)


def api_routers() -> Iterator[APIRouter]:
    """The routers of the API, in the order of its documentation."""
    yield from _routers("adept.web.api", _API)


def other_routers() -> Iterator[APIRouter]:
    """What is served beside the API."""
    yield from _routers("adept.web", _OTHERS)
    yield from _routers("adept.web.ui", _PAGES)


def _routers(package: str, names: tuple[str, ...]) -> Iterator[APIRouter]:
    for name in names:
        yield import_module(f"{package}.{name}").router
