"""What goes wrong with a database, said in sentences. Told apart by the engines' codes, never by their messages."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from adept.errors import AdeptError, StoreError

# SQLite's primary result codes (sqlite.org/rescode.html, read 2026-11); the lower byte of the extended ones.
_SQLITE: dict[int, tuple[str, str | None]] = {
    sqlite3.SQLITE_PERM: ("may not be opened by this user", "give this user the file and its directory"),
    sqlite3.SQLITE_BUSY: (
        "is locked by another program for too long",
        "end what holds it (a backup, a shell, a stopped adept) and try again",
    ),
    sqlite3.SQLITE_READONLY: (
        "can't be written: the file or its directory is read-only",
        "make both writable for this user, or free the disk from its read-only state",
    ),
    sqlite3.SQLITE_IOERR: ("can't be read or written: the disk reports an error", "check the disk"),
    sqlite3.SQLITE_CORRUPT: ("is damaged", "restore the newest backup"),
    sqlite3.SQLITE_FULL: ("can't grow: the disk is full", "free some space and try again; nothing was lost"),
    sqlite3.SQLITE_CANTOPEN: ("can't be opened", "check that the directory exists and this user may write in it"),
    sqlite3.SQLITE_NOTADB: ("is not a SQLite database", "name another file, or restore a backup"),
}

# PostgreSQL's SQLSTATEs (appendix A of its manual, read 2026-11); a class where the last three are missing.
_POSTGRESQL: dict[str, tuple[str, str | None]] = {
    "08": ("lost the connection", "look whether the server runs, and try again"),
    "57P": ("lost the connection: the server ended it", "look whether the server runs, and try again"),
    "25P03": ("ended a transaction that stood still for too long", "try again"),
    "25006": ("is read-only", "connect to the primary server"),
    "28": ("refused the user or the password", "check the database URL"),
    "3D000": ("does not exist", "create it, or check the name in the database URL"),
    "42501": ("refused: this user lacks a right", "make this user the owner of the database"),
    "53100": ("can't grow: the server's disk is full", "free some space and try again; nothing was lost"),
    "53200": ("is out of memory", "look at the server's log"),
    "53300": ("has no connection left", "raise max_connections or run fewer processes"),
    "55P03": ("is locked by another session for too long", "end what holds it and try again"),
    "40": ("rolled back for the sake of another session", "try again"),
    "58": ("reports a failure of its disk or system", "look at the server's log"),
    "XX": ("reports damage", "look at the server's log"),
}


@contextmanager
def told_of(label: str) -> Iterator[None]:
    """Turn what the drivers raise in the block into sentences about the database called `label`."""
    try:
        yield
    except (DBAPIError, PoolTimeout, sqlite3.Error) as error:
        told = explain(error, label)
        if told is None:
            raise
        raise told from error


def explain(error: Exception, label: str) -> AdeptError | None:
    """The sentence for what a driver raised at the database called `label`; None where it is a fault of our own."""
    if isinstance(error, PoolTimeout):
        return StoreError(f"{label}: every connection of this process is in use", way_out="try again")
    if isinstance(error, sqlite3.Error):
        return _sqlite_failure(error, label)
    if not isinstance(error, DBAPIError) or error.orig is None:
        return None
    if isinstance(error.orig, sqlite3.Error):
        return _sqlite_failure(error.orig, label)
    return _postgresql_failure(error, label)


def _sqlite_failure(cause: sqlite3.Error, label: str) -> StoreError | None:
    code = getattr(cause, "sqlite_errorcode", None)  # absent where the module itself complains
    if code is None or code & 0xFF not in _SQLITE:
        return None
    what, way_out = _SQLITE[code & 0xFF]
    return StoreError(f"{label} {what}", way_out=way_out)


def _postgresql_failure(error: DBAPIError, label: str) -> StoreError | None:
    state = getattr(error.orig, "sqlstate", None)
    if state is None:
        return _no_connection(error, label)
    for length in (5, 3, 2):
        if state[:length] in _POSTGRESQL:
            what, way_out = _POSTGRESQL[state[:length]]
            return StoreError(f"{label} {what}", way_out=way_out)
    return None


def _no_connection(error: DBAPIError, label: str) -> StoreError | None:
    """psycopg gives no code when connecting fails; libpq's own words say why, and name no password."""
    from psycopg import OperationalError

    if not isinstance(error.orig, OperationalError):
        return None
    words = " ".join(str(error.orig).split())
    return StoreError(f"{label} can't be reached: {words}", way_out="check the database URL and that the server runs")
