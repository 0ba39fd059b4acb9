"""People in front of the page, without a browser: what is asked and answered over HTTP.

On SQLite alone: what the page does is done by functions that are tested on both engines below.
"""

from __future__ import annotations

import asyncio
import html
import re
from collections.abc import Awaitable, Callable, Mapping
from typing import TypeAlias

import pytest

from adept.access.admission import Visitor
from adept.access.passwords import hash_password
from adept.access.sessions import open_session
from adept.store.users import add_user, find_user
from tests.web.conftest import RunningService

PASSWORD = "correct horse battery staple"

CookieOf: TypeAlias = Callable[..., Awaitable[Mapping[str, str]]]


@pytest.fixture
def engine_name() -> str:
    """SQLite alone."""
    return "sqlite"


@pytest.fixture(scope="session")
def password_hash() -> str:
    """The hash of PASSWORD, which takes a while."""
    return asyncio.run(hash_password(PASSWORD))


@pytest.fixture
def cookie_of(service: RunningService, password_hash: str) -> CookieOf:
    """The headers of a new session: `await cookie_of("viewer")` is that of a user called viewer, with PASSWORD."""

    async def open_one(role: str, name: str | None = None) -> Mapping[str, str]:
        async with service.store.writing() as tx:
            user = await find_user(tx, name or role)
            if user is None:
                user = await add_user(tx, name or role, role=role, password_hash=password_hash, now=service.clock())
            opened = await open_session(tx, user, visitor=Visitor(), now=service.clock())
        return {"Cookie": f"adept_session={opened.secret}"}

    return open_one


def text_of(page: str) -> str:
    """What a page says, without its tags."""
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", page)).split())


def field_of(page: str, name: str) -> str:
    """The value of the page's first input of that name."""
    found = re.search(rf'<input[^>]*name="{name}"[^>]*>', page)
    assert found is not None, f"no field {name}"
    value = re.search(r'value="([^"]*)"', found[0])
    return html.unescape(value[1]) if value else ""


def error_of(page: str, name: str) -> str:
    """What stands at a field as its error; "" where nothing is wrong with it."""
    found = re.search(rf'id="error-{name}">([^<]*)<', page)
    return html.unescape(found[1]) if found else ""
