"""aiosqlite with one trip to the connection's thread for each statement.

aiosqlite makes a trip for the cursor, one to execute, one to fetch and one to close. Each costs as much as most of our
statements (the two threads hand the interpreter's lock to and fro), so here they are one: a statement brings its first
rows along. SQLAlchemy takes such connections by `async_creator_fn`; like SQLAlchemy, this uses what aiosqlite keeps to
itself to run a function in its thread.
"""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial
from typing import Any
from weakref import WeakSet

import aiosqlite

PATIENCE_S = 1.0  # how long a statement may go on that nobody waits for any more, when its engine ends
FIRST_ROWS = 2000  # twice a page of devices; what is streamed asks for more as it goes


class Connections:
    """The connections of an engine, so that none of them outlives it."""

    def __init__(self) -> None:
        self._made: WeakSet[_Connection] = WeakSet()

    def connect(self, database: str, **options: Any) -> aiosqlite.Connection:
        """A connection that is opened when it is awaited; its thread doesn't keep the process alive."""
        connection = _Connection(partial(sqlite3.connect, database, **options))
        self._made.add(connection)
        return connection

    def end(self) -> None:
        """Close all, also those that a cancelled task left in the middle of a statement.

        Blocks until their threads have ended, which would fail if they came with a result when the event loop is
        closed, and can't be cancelled itself.
        """
        made = list(self._made)
        for connection in made:
            connection.stop()
        for connection in made:
            connection.wait()


class _Connection(aiosqlite.Connection):
    """Gives out cursors that save trips, and makes none to roll back what was never begun.

    It can be closed any number of times, by tasks that are cancelled meanwhile too. Twice would be a wait for ever at
    aiosqlite's, for a thread that has ended; SQLAlchemy does so where a task is cancelled twice.
    """

    def __init__(self, connect: Callable[[], sqlite3.Connection]) -> None:
        super().__init__(self._open, iter_chunk_size=FIRST_ROWS)
        self._thread.daemon = True
        self._connect_in_thread = connect
        self._opened: sqlite3.Connection | None = None  # aiosqlite knows it later, or never: it may be cancelled

    def _open(self) -> sqlite3.Connection:
        self._opened = self._connect_in_thread()
        return self._opened

    def _close_opened(self) -> None:
        if self._opened is not None:
            self._opened.close()

    def stop(self) -> asyncio.Future[Any] | None:
        """Have the thread close the connection and end, if that wasn't said before."""
        if not self._running:
            return None
        self._tx.put_nowait((None, self._close_opened))
        return super().stop()

    async def close(self) -> None:
        """Have it closed, and wait for it if nobody does yet."""
        if (closed := self.stop()) is not None:
            await closed

    def wait(self) -> None:
        """Block until the thread of a connection that was stopped has ended; a long statement is broken off."""
        if self._thread.ident is None:
            return  # it was never opened
        self._thread.join(PATIENCE_S)
        if self._thread.is_alive() and self._opened is not None:
            with suppress(sqlite3.ProgrammingError):  # it is closed this moment
                self._opened.interrupt()
        self._thread.join()

    async def in_thread(self, function: Callable[..., Any], *arguments: Any) -> Any:
        """Run a function where the connection lives."""
        return await self._execute(function, *arguments)  # type: ignore[no-untyped-call]  # aiosqlite's

    def statement(self, execute: Callable[..., Any], sql: str, parameters: Sequence[Any]) -> sqlite3.Cursor:
        """In the thread: run a statement on a cursor of its own."""
        cursor = self._conn.cursor()
        execute(cursor, sql, parameters)
        return cursor

    def cursor(self) -> Any:
        return _Cursor(self)

    async def rollback(self) -> None:
        if self.in_transaction:
            await super().rollback()


class _Cursor:
    """As much of a cursor as SQLAlchemy uses. `description`, `rowcount` and `lastrowid` are of the last statement."""

    arraysize = 1

    def __init__(self, connection: _Connection) -> None:
        self.description: Any = None
        self.rowcount = -1
        self.lastrowid: int | None = None
        self._connection = connection
        self._cursor: sqlite3.Cursor | None = None
        self._rows: list[Any] = []

    async def __aenter__(self) -> _Cursor:
        return self

    async def execute(self, sql: str, parameters: Sequence[Any] = ()) -> None:
        """Run the statement, and bring its first rows along."""
        await self._connection.in_thread(self._run, sqlite3.Cursor.execute, sql, parameters)

    async def executemany(self, sql: str, parameters: Sequence[Sequence[Any]]) -> None:
        """Run the statement once for each row of parameters."""
        await self._connection.in_thread(self._run, sqlite3.Cursor.executemany, sql, parameters)

    def _run(self, execute: Callable[..., Any], sql: str, parameters: Sequence[Any]) -> None:
        cursor = self._connection.statement(execute, sql, parameters)
        self._rows = cursor.fetchmany(FIRST_ROWS) if cursor.description else []
        self.description, self.rowcount, self.lastrowid = cursor.description, cursor.rowcount, cursor.lastrowid
        if len(self._rows) < FIRST_ROWS:
            cursor.close()
        else:
            self._cursor = cursor

    async def fetchall(self) -> Sequence[Any]:
        """The rows that are left."""
        rows, self._rows = self._rows, []
        if self._cursor is not None:
            rows += await self._connection.in_thread(self._cursor.fetchall)
        return rows

    async def fetchmany(self, size: int | None = None) -> Sequence[Any]:
        """The next rows."""
        size = size or self.arraysize
        rows, self._rows = self._rows[:size], self._rows[size:]
        if self._cursor is not None and len(rows) < size:
            rows += await self._connection.in_thread(self._cursor.fetchmany, size - len(rows))
        return rows

    async def fetchone(self) -> Any:
        """The next row, None at the end."""
        rows = await self.fetchmany(1)
        return rows[0] if rows else None

    async def close(self) -> None:
        """Forget the rows that nobody fetched."""
        self._rows = []
        if self._cursor is not None:
            cursor, self._cursor = self._cursor, None
            await self._connection.in_thread(cursor.close)
