"""A running service for commands to ask: the real application on a socket, in a thread, over a SQLite store.

Its runner walks what is asked for and nothing else: a test says itself when an account is synced, as it does over a
database.
"""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import uvicorn

from adept.access.keys import create_key
from adept.access.roles import Role
from adept.cli.storage import connect, utc_now
from adept.jobs.visit import Visitor
from adept.settings import Settings
from adept.store.accounts import all_accounts
from adept.store.audit import ADEPT
from adept.store.database import Store, open_store
from adept.store.due import DueAccount
from adept.store.passes import queued_pass
from adept.web.app import create_app
from adept.web.service import Service


@dataclass
class Served:
    """A service in a thread: where it listens, and a key for each role."""

    data_dir: Path
    url: str = ""
    keys: dict[Role, str] = field(default_factory=dict)
    _ready: threading.Event = field(default_factory=threading.Event)
    _server: uvicorn.Server | None = None
    _walks: set[asyncio.Task[None]] = field(default_factory=set)

    async def run(self, listener: socket.socket) -> None:
        """Serve until `stop`."""
        settings = Settings(data_dir=self.data_dir, allow_private_addresses=True)
        async with open_store(
            settings.where_to_store(), secret_keys=None, data_dir=self.data_dir, migrate=True
        ) as store:
            for role in Role:
                _, self.keys[role] = await create_key(store, role.value, role=role, by=ADEPT, now=utc_now)
            service = Service(store, settings, utc_now, connect, lambda: self._walk(store))
            config = uvicorn.Config(create_app(service), lifespan="off", log_config=None, access_log=False, ws="none")
            self._server = uvicorn.Server(config)
            self._ready.set()
            await self._server.serve([listener])
            await asyncio.gather(*self._walks)

    def wait(self) -> None:
        """Until it listens."""
        assert self._ready.wait(30)

    def stop(self) -> None:
        """Have it end."""
        assert self._server is not None
        self._server.should_exit = True

    def _walk(self, store: Store) -> None:
        task = asyncio.create_task(_walk_what_is_asked_for(store))
        self._walks.add(task)
        task.add_done_callback(self._walks.discard)


async def _walk_what_is_asked_for(store: Store) -> None:
    visitor = Visitor(store, connect, utc_now, holder="the service of the tests", random=lambda: 0.5)
    async with store.reading() as tx:
        asked = [account for account in await all_accounts(tx) if await queued_pass(tx, account.id)]
    for account in asked:
        await visitor.visit(DueAccount(account.id, account.name, is_failing=False))


@contextmanager
def served(data_dir: Path) -> Iterator[Served]:
    """A running service whose store is in the directory."""
    service = Served(data_dir)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        service.url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        thread = threading.Thread(target=lambda: asyncio.run(service.run(listener)), daemon=True)
        thread.start()
        service.wait()
        yield service
        service.stop()
        thread.join(30)
    assert not thread.is_alive()
