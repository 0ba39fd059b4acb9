"""Files of a SQLite store: made private, and refused with a sentence where this user may not."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from adept.errors import ConfigError, StoreError

PRIVATE = 0o600


def prepare(database: Path, *, create: bool) -> None:
    """Make the database's directory and an empty file readable by its owner alone, or say that there is none."""
    if database.exists():
        return
    if not create:
        raise StoreError(f"there is no database at {database}", way_out="run: adept db upgrade")
    with refused_as_config_error():
        make_directory(database.parent)
        write_new(database, b"")


def open_once(database: Path, *, busy_timeout_s: float) -> None:
    """Open the database, let it keep a write-ahead log for good, and close it; sqlite3.Error where that fails.

    Not through aiosqlite, whose threads complain on standard error when the loop ends soon after a failure to open.
    """
    with closing(sqlite3.connect(database, timeout=busy_timeout_s)) as connection:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("SELECT count(*) FROM sqlite_master")


def make_directory(directory: Path) -> None:
    """Make a directory and those above it, for its owner alone where the system knows such a thing."""
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)


def write_new(file: Path, content: bytes) -> bool:
    """Write a file that does not exist yet, private and on the disk before this returns; False where it exists."""
    try:
        descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0), PRIVATE)
    except FileExistsError:
        return False
    try:
        with os.fdopen(descriptor, "wb") as opened:
            opened.write(content)
            opened.flush()
            os.fsync(opened.fileno())
    except OSError:
        file.unlink()  # half a file would be taken for a whole one later
        raise
    return True


def sync_directory(directory: Path) -> None:
    """Have the names in a directory on the disk before this returns, where the system can."""
    if os.name != "posix":
        return
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextmanager
def refused_as_config_error() -> Iterator[None]:
    """Turn the system's refusal to touch a file into a sentence that names it."""
    try:
        yield
    except OSError as error:
        reason = (error.strerror or "it can't be used").lower()
        raise ConfigError(
            f"{error.filename or 'a file of the store'}: {reason}", way_out="give adept a directory it may write in"
        ) from error
