"""Engines as adept uses them: what every connection is set to, and what beginning a transaction means on each engine.

The drivers' own idea of when a transaction begins is switched off on SQLite. How a transaction begins is an execution
option of the connection, `begin`, set by `database.Store` alone.
"""

from __future__ import annotations

import logging
import sqlite3
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from enum import StrEnum
from typing import Any

from sqlalchemy import Connection, event
from sqlalchemy.exc import OperationalError
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine
from sqlalchemy.pool import NullPool

from adept.errors import ConfigError
from adept.store import one_trip
from adept.store.places import Place
from adept.store.shared_time import SharedTime

# A writer that was stopped in mid-transaction (SIGSTOP, a machine that vanished) holds rows on PostgreSQL; the server
# ends it after this long, less than a lease, so that whoever takes over isn't kept waiting by a corpse.
STALLED_WRITER_S = 20
# Bounds for a server that is gone without a word, where the URL says nothing else of them: seconds, and milliseconds.
_CONNECTING = {
    "connect_timeout": 10,
    "keepalives_idle": 30,
    "keepalives_interval": 10,
    "keepalives_count": 3,
    "tcp_user_timeout": 30_000,
}
WRITER_TURN_S = 0.5  # how long SQLite itself waits for another process's writer, again and again; see `_begin_to_write`


class Begin(StrEnum):
    """How a transaction begins."""

    READ = "read"  # one consistent snapshot, takes no lock
    WRITE = "write"
    DURABLE = "durable"  # a write that is on the disk when the commit returns
    MIGRATE = "migrate"  # a write of the schema: no foreign keys while tables are rebuilt, no limit on its length


@asynccontextmanager
async def open_engine(
    place: Place,
    *,
    busy_timeout_s: float,
    pooled: bool = True,
    alone: bool = False,
    shared_time: SharedTime | None = None,
) -> AsyncIterator[AsyncEngine]:
    """An engine for the place; nothing is connected yet, nor any more when the block has ended.

    No wait for a lock is longer than `busy_timeout_s`. `alone`: a connection to SQLite is made only where nobody else
    has one, and keeps everybody else out. `shared_time` is told what time it is on PostgreSQL.
    """
    options: dict[str, Any] = {"hide_parameters": True}  # what is bound has no place in logs and errors
    if pooled:
        options |= {"pool_size": 8, "max_overflow": 8, "pool_timeout": busy_timeout_s, "pool_use_lifo": True}
        options |= {"pool_pre_ping": place.file is None}
    else:
        options |= {"poolclass": NullPool}
    connections = one_trip.Connections()
    options["connect_args"] = connecting(place) if place.file is None else {"async_creator_fn": connections.connect}
    engine = create_async_engine(place.url, **options)
    if place.file is None:
        _set_up_postgresql(engine, place, busy_timeout_s, shared_time or SharedTime())
    else:
        logging.getLogger("aiosqlite").setLevel(logging.INFO)  # its DEBUG shows what is bound
        _set_up_sqlite(engine, busy_timeout_s, alone=alone)
    try:
        yield engine
    finally:
        connections.end()
        await engine.dispose(close=place.file is None)


def connecting(place: Place) -> dict[str, int | str]:
    """How PostgreSQL's driver is told to connect, beside the URL."""
    bounds = {name: value for name, value in _CONNECTING.items() if name not in place.url.query}
    return {**bounds, "client_encoding": "utf8"}


def _set_up_sqlite(engine: AsyncEngine, busy_timeout_s: float, *, alone: bool) -> None:
    """Set every connection of a SQLite engine as adept wants it, and make `begin` mean what it says."""

    @event.listens_for(engine.sync_engine, "connect")
    def connect(connection: Any, _record: object) -> None:
        connection.isolation_level = None  # ours to begin, not the driver's
        cursor = connection.cursor()
        for pragma in (
            *(("locking_mode = EXCLUSIVE",) if alone else ()),  # first: it counts from the first look at the file on
            "cache_size = -8192",  # KiB; eight times that was no faster at 500,000 devices
            "wal_autocheckpoint = 8000",  # pages; with SQLite's 1000 each page of devices paid for a checkpoint
            "journal_size_limit = 67108864",  # bytes the log is cut back to
        ):
            cursor.execute(f"PRAGMA {pragma}")
        cursor.close()

    @event.listens_for(engine.sync_engine, "begin")
    def begin(connection: Connection) -> None:
        kind = connection.get_execution_options().get("begin", Begin.READ)
        settings = connection.info.setdefault("settings", {})
        for pragma in _sqlite_settings(kind, busy_timeout_s) - settings.items():  # can't be set inside a transaction
            connection.exec_driver_sql(f"PRAGMA {pragma[0]} = {pragma[1]}")
            settings.update([pragma])
        if kind is Begin.READ:
            connection.exec_driver_sql("BEGIN")
        else:
            _begin_to_write(connection, busy_timeout_s)


def _begin_to_write(connection: Connection, busy_timeout_s: float) -> None:
    """Become the one writer. Waits in short turns: a task that waits can be cancelled between them, not within one."""
    until_s = time.monotonic() + busy_timeout_s
    while True:
        try:
            connection.exec_driver_sql("BEGIN IMMEDIATE")
        except OperationalError as error:
            is_busy = getattr(error.orig, "sqlite_errorcode", 0) & 0xFF == sqlite3.SQLITE_BUSY
            if not is_busy or time.monotonic() >= until_s:
                raise
        else:
            return


def _sqlite_settings(kind: Begin, busy_timeout_s: float) -> set[tuple[str, str]]:
    """What a connection is set to before a transaction of the kind begins, where it isn't already."""
    durable = kind in (Begin.DURABLE, Begin.MIGRATE)
    turn_s = min(WRITER_TURN_S, busy_timeout_s) if kind in (Begin.WRITE, Begin.DURABLE) else busy_timeout_s
    return {
        ("busy_timeout", str(int(turn_s * 1000))),
        ("synchronous", "FULL" if durable else "NORMAL"),
        ("query_only", "ON" if kind is Begin.READ else "OFF"),
        ("foreign_keys", "OFF" if kind is Begin.MIGRATE else "ON"),
    }


def _set_up_postgresql(engine: AsyncEngine, place: Place, busy_timeout_s: float, shared_time: SharedTime) -> None:
    """Bound every wait for a lock, and end writers that stall; durable is what PostgreSQL always is.

    Lists of devices read indexes that hold all they ask for, which PostgreSQL believes slow unless told that disks of
    today read anywhere alike; and compiling a statement takes longer than running any of ours.

    Behind a pooler (PgBouncer) that hands each transaction to another session, what is set for a session would be lost
    or be somebody else's: there it is set for each transaction, in one statement, and nothing is prepared. A pooler
    gives itself away: the number it gives the session is not the server's.

    What time it is is asked along with what a transaction that writes is set to, and so costs nothing.
    """
    always = {"lock_timeout": str(int(busy_timeout_s * 1000)), "random_page_cost": "1.1", "jit": "off"}
    stalled = {"idle_in_transaction_session_timeout": f"{STALLED_WRITER_S}s"}

    @event.listens_for(engine.sync_engine, "connect")
    def connect(connection: Any, record: Any) -> None:
        driver = connection.driver_connection
        _refuse_other_encodings(driver.info.parameter_status("server_encoding"), place)
        cursor = connection.cursor()
        cursor.execute("SELECT pg_backend_pid()")
        record.info["is_pooled"] = cursor.fetchone()[0] != driver.info.backend_pid
        if record.info["is_pooled"]:
            driver.prepare_threshold = None
        else:
            cursor.execute(_settings(always, is_local=False))
        cursor.close()
        connection.commit()

    @event.listens_for(engine.sync_engine, "begin")
    def begin(connection: Connection) -> None:
        wanted = dict(always) if connection.info["is_pooled"] else {}
        if connection.get_execution_options().get("begin") in (Begin.WRITE, Begin.DURABLE):
            asked_s = shared_time.ask()
            told = connection.exec_driver_sql(f"{_settings(wanted | stalled, is_local=True)}, clock_timestamp()")
            shared_time.hear(told.one()[-1], asked_s)
        elif wanted:
            connection.exec_driver_sql(_settings(wanted, is_local=True))


def _refuse_other_encodings(encoding: str | None, place: Place) -> None:
    """What Apple and people write is Unicode. A cluster made without a locale has SQL_ASCII, and says so to nobody."""
    if encoding not in (None, "UTF8"):
        raise ConfigError(
            f"{place.label} holds its text as {encoding}, which has no room for what Apple and people write",
            way_out="make it anew: createdb --encoding=UTF8 --template=template0 NAME",
        )


def _settings(values: dict[str, str], *, is_local: bool) -> str:
    """One statement that sets all of them, for the session or to the transaction's end."""
    words = (f"set_config('{name}', '{value}', {str(is_local).lower()})" for name, value in values.items())
    return f"SELECT {', '.join(words)}"
