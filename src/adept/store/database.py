"""The store: one database, opened, brought to this adept's schema, and its sealing keys proved.

`Store.writing` and `Store.reading` are the only ways to a transaction; the functions of the modules beside this one
take it as their first argument. No network call belongs inside one.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from adept.errors import StoreError
from adept.store import failures
from adept.store.engines import Begin, open_engine
from adept.store.places import Place, read_place
from adept.store.schema import bring_up_to_date
from adept.store.sealing import Sealer
from adept.store.shared_time import SharedTime
from adept.store.unlocking import GivenKeys, hold_keys, unlock

log = logging.getLogger("adept.store")

Transaction = AsyncConnection  # what everything that reads or writes takes first

BUSY_TIMEOUT_S = 30.0  # how long a transaction waits for others before it gives up
BREAKING_OFF_S = (1.0, 1.0)  # how long the store's end waits each time that it has cancelled who is still at it


class Store:
    """An open database. Its tasks each get a connection of their own; made by `open_store`.

    `now` is the time that all who work on this database share: for whatever they write of when.
    """

    def __init__(
        self, place: Place, engine: AsyncEngine, sealer: Sealer, *, busy_timeout_s: float, now: SharedTime
    ) -> None:
        self.now = now
        self.place = place
        self.engine = engine
        self.sealer = sealer
        self._busy_timeout_s = busy_timeout_s
        self._writer = asyncio.Lock()
        self._at_it: list[asyncio.Task[Any] | None] = []  # a task is there once for each of its transactions
        self._is_closed = False

    @property
    def dialect_name(self) -> str:
        """`sqlite` or `postgresql`."""
        return self.engine.dialect.name

    @asynccontextmanager
    async def writing(self, *, durable: bool = False) -> AsyncIterator[AsyncConnection]:
        """A transaction that may write: committed at the end of the block, rolled back if the block raises.

        On SQLite the only one of its kind (writers queue up, in order within a process); on PostgreSQL any number, of
        which those that touch the same row wait for each other. `durable` is for keys and tokens: on the disk when
        the block has ended, even if the machine loses power. Do not nest. StoreError where the database fails.
        """
        begin = Begin.DURABLE if durable else Begin.WRITE
        async with self._known(), self._turn(), self._transaction(begin) as tx:
            if durable:
                await hold_keys(tx, self.sealer, place=self.place)
            yield tx

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[AsyncConnection]:
        """A transaction that sees one state of the database from its first statement on, and waits for nobody."""
        async with self._known(), self._transaction(Begin.READ) as tx:
            yield tx

    async def close(self) -> None:
        """Begin no transaction any more, and cancel the tasks that are still in one or wait for one.

        Left behind, they would lose their connection under their hands. Waits for them, but not for ever.
        """
        self._is_closed = True
        for patience_s in BREAKING_OFF_S:
            if not (left := self._others()):
                return
            for task in left:
                task.cancel()
            await asyncio.wait(left, timeout=patience_s)
        if left := self._others():
            log.warning("transactions left behind", extra={"transactions": len(left)})

    def _others(self) -> set[asyncio.Task[Any]]:
        """The tasks that are in a transaction, but for this one."""
        return {task for task in self._at_it if task is not None} - {asyncio.current_task()}

    @asynccontextmanager
    async def _known(self) -> AsyncIterator[None]:
        """While the task is in the block, the end of the store knows of it."""
        if self._is_closed:
            raise StoreError(f"{self.place.label} is closed here", way_out="the process is ending; ask again")
        task = asyncio.current_task()
        self._at_it.append(task)
        try:
            yield
        finally:
            self._at_it.remove(task)

    @asynccontextmanager
    async def _turn(self) -> AsyncIterator[None]:
        """SQLite has one writer: the tasks of this process take turns in order, rather than all poll for the lock."""
        if self.dialect_name != "sqlite":
            yield
            return
        try:
            async with asyncio.timeout(self._busy_timeout_s):
                await self._writer.acquire()
        except TimeoutError:
            raise StoreError(
                f"{self.place.label} is kept busy by another task of this process", way_out="try again"
            ) from None
        try:
            yield
        finally:
            self._writer.release()

    @asynccontextmanager
    async def _transaction(self, begin: Begin) -> AsyncIterator[AsyncConnection]:
        with failures.told_of(self.place.label):
            async with self.engine.connect() as connection:
                await connection.execution_options(**self._options(begin))
                async with connection.begin():
                    yield connection

    def _options(self, begin: Begin) -> dict[str, object]:
        if begin is Begin.READ and self.dialect_name == "postgresql":
            return {"begin": begin, "isolation_level": "REPEATABLE READ", "postgresql_readonly": True}
        return {"begin": begin}


@asynccontextmanager
async def open_store(
    url: str,
    *,
    secret_keys: GivenKeys,
    data_dir: Path | None,
    migrate: bool,
    busy_timeout_s: float = BUSY_TIMEOUT_S,
) -> AsyncIterator[Store]:
    """Open a database, bring its schema up to date (`migrate`) or demand that it is, and prove the sealing keys.

    `secret_keys` are base64 of 32 bytes each, the first one writes; or a function that reads them, now and again when
    they fail. None is for SQLite alone: then the key file `secret.key` in `data_dir` (None: beside the database) is
    read, and made with a database that is still empty.

    ConfigError for a URL, keys or a key file that won't do; StoreError for a database that is newer than this adept,
    older without `migrate`, locked, read-only, full, damaged, or out of reach.
    """
    place = read_place(url)
    with failures.told_of(place.label):
        await bring_up_to_date(place, migrate=migrate, busy_timeout_s=busy_timeout_s)
    now = SharedTime()
    async with open_engine(place, busy_timeout_s=busy_timeout_s, shared_time=now) as engine:
        with failures.told_of(place.label):
            sealer = await unlock(place, engine, given=secret_keys, data_dir=data_dir)
        store = Store(place, engine, sealer, busy_timeout_s=busy_timeout_s, now=now)
        if place.file is None:
            async with store.writing():
                pass  # what time it is is heard as it begins
        try:
            yield store
        finally:
            await store.close()
