"""Backups of a SQLite database while others use it, and the lines for PostgreSQL's own tools. The sealing key is never
in a backup.

A backup is one file, private, and complete as soon as it has its name.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from shlex import quote

from sqlalchemy import URL

from adept.errors import Misuse, StoreError
from adept.store import failures, files
from adept.store.changes import RESTORED_GAP
from adept.store.places import Place
from adept.store.schema import VERSION_TABLE

_PAGES = 4096  # copied between two calls of `tell`

Tell = Callable[[str, int, int], None]  # what is done, how many pages so far, and of how many


@dataclass(frozen=True, slots=True)
class Backup:
    """A backup that was made, or looked into: at which schema, and its size."""

    schema: str
    size_bytes: int


def back_up(place: Place, to: Path, *, force: bool, key_file: Path, tell: Tell) -> Backup:
    """Write a consistent copy of the database as it is now; others read and write meanwhile.

    Misuse where the file is there already, unless `force`; and for the files of the store itself in any case.
    """
    assert place.file is not None, "PostgreSQL has its own tools"
    refuse_own_files(to, place.file, key_file)
    if to.exists() and not force:
        raise Misuse(f"{to} exists already", way_out="name another file, or overwrite it with --force")
    if not place.file.exists():
        raise StoreError(f"there is no database at {place.file}", way_out="run: adept db upgrade")
    with part_of(to) as part:
        with failures.told_of(place.label), closing(connect(place.file, mode="rw")) as source:
            source.execute("BEGIN")  # one state, however long it takes; otherwise a writer would have it begin anew
            schema = schema_of(source, place.label)
            copy_pages(source, part, tell, label=str(to))
        with failures.told_of(str(to)), closing(connect(part, mode="rw")) as copied:
            refuse_damage(copied, place.label)
        put_in_place(part, to)
    return Backup(schema, to.stat().st_size)


def connect(file: Path, *, mode: str) -> sqlite3.Connection:
    """A connection without transactions of the driver's; the file must be there."""
    return sqlite3.connect(f"{file.absolute().as_uri()}?mode={mode}", uri=True, isolation_level=None, timeout=30)


def copy_pages(source: sqlite3.Connection, to: Path, tell: Tell, *, label: str) -> None:
    """Fill an empty file with the source's database, as one file without a log beside it."""
    with failures.told_of(label), closing(connect(to, mode="rw")) as target:
        source.backup(
            target, pages=_PAGES, progress=lambda _, remaining, total: tell("Copying", total - remaining, total)
        )
        target.execute("PRAGMA journal_mode = DELETE")


def schema_of(database: sqlite3.Connection, label: str) -> str:
    """The schema's revision; StoreError where it is no database of adept's."""
    known = database.execute("SELECT 1 FROM sqlite_master WHERE name = ?", (VERSION_TABLE,)).fetchone()
    row = database.execute(f"SELECT version_num FROM {VERSION_TABLE}").fetchone() if known else None  # noqa: S608
    if row is None:
        raise StoreError(f"{label} is no database of adept's", way_out="name another file")
    return str(row[0])


def refuse_damage(database: sqlite3.Connection, label: str) -> None:
    """StoreError where SQLite finds the database damaged."""
    found = database.execute("PRAGMA integrity_check(1)").fetchone()[0]
    if found != "ok":
        raise StoreError(f"{label} is damaged: {found}", way_out="use an earlier backup")


@contextmanager
def part_of(file: Path) -> Iterator[Path]:
    """A private, empty file beside the one that is to be made; gone after the block unless it was put in place."""
    part = file.with_name(f".{file.name}.{os.getpid()}.part")
    with files.refused_as_config_error():
        files.write_new(part, b"")
    try:
        yield part
    finally:
        for left in (part, *beside(part)):
            left.unlink(missing_ok=True)


def put_in_place(part: Path, file: Path) -> None:
    """Give a finished file its name: whole, and on the disk when this returns."""
    with files.refused_as_config_error():
        descriptor = os.open(part, os.O_RDWR)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
        os.replace(part, file)
        files.sync_directory(file.absolute().parent)


def beside(database: Path) -> list[Path]:
    """The files that SQLite keeps beside a database."""
    return [database.with_name(f"{database.name}{end}") for end in ("-journal", "-wal", "-shm")]


def refuse_own_files(file: Path, database: Path, key_file: Path) -> None:
    """Misuse where a backup would be written over the store, or read from it."""
    own = {path.resolve() for path in (database, *beside(database), key_file)}
    with suppress(OSError):
        if file.resolve() in own:
            raise Misuse(f"{file} is a file of the store itself", way_out="name another file")


def postgresql_dump(place: Place, file: Path) -> str:
    """The line that backs up a PostgreSQL database."""
    return f"pg_dump --format=custom --file={quote(str(file))} --dbname={_without_password(place)}"


def postgresql_restore(place: Place, file: Path) -> str:
    """The lines that restore it into an empty database, and what `restoring` does for SQLite after that."""
    target = _without_password(place)
    after = f"UPDATE feed_position SET last_id = last_id + {RESTORED_GAP}; DELETE FROM sessions"  # noqa: S608  # shown
    restore = f"pg_restore --no-owner --exit-on-error --single-transaction --dbname={target} {quote(str(file))}"
    return f'{restore} && psql --dbname={target} --command="{after}"'


def _without_password(place: Place) -> str:
    url = place.url
    bare = URL.create("postgresql", url.username, None, url.host, url.port, url.database, url.query)
    return quote(bare.render_as_string())
