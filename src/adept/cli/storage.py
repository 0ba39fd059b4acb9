"""How commands get to the store, and what a pass needs beside it: a clock, a client for a token, a name for us."""

from __future__ import annotations

import getpass
import os
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

if TYPE_CHECKING:
    from adept.client.async_client import AsyncClient
    from adept.client.pacing import Pace
    from adept.protocol.server_token import ServerToken
    from adept.settings import Settings
    from adept.store.audit import Actor
    from adept.store.database import Store


AccountName = Annotated[str, Parameter(help="The account's name.")]


@asynccontextmanager
async def opened(*, create: bool = False) -> AsyncIterator[Store]:
    """The store that the environment names. `create` makes a SQLite database that is not there yet.

    An existing database is never upgraded on the side: another adept may be at work in it (`adept db upgrade`).
    """
    from adept.settings import load_settings
    from adept.store.database import open_store

    settings = load_settings()
    async with open_store(
        settings.where_to_store(),
        secret_keys=settings.sealing_keys,
        data_dir=settings.data_dir,
        migrate=create and _is_new(settings),
    ) as store:
        yield store


def utc_now() -> datetime:
    """The computer's time."""
    return datetime.now(UTC)


def connect(token: ServerToken, base_url: str, *, pace: Pace | None = None) -> AsyncClient:
    """A client for an account's token; `pace` is for what asks more than a few times."""
    from adept.client.async_client import AsyncClient
    from adept.client.pacing import at_once

    return AsyncClient(token, base_url=base_url, pace=pace or at_once)


def person() -> Actor:
    """Who acts at this command line, as the audit log names them: the account of the system they work under."""
    from adept.store.audit import Actor

    try:
        name = getpass.getuser()
    except (KeyError, OSError):  # a user id without an entry
        name = "unknown"
    return Actor("cli", name)


def holder() -> str:
    """What the account's row shows while this process walks it."""
    return f"{socket.gethostname()}:{os.getpid()}"


def _is_new(settings: Settings) -> bool:
    file = settings.database_file()
    return file is not None and (not file.exists() or file.stat().st_size == 0)
