"""Restoring a SQLite database from a backup: looked through, migrated and proved beside the old one, then swapped in.

What was given away since the backup is not given again: the feed goes on far beyond its last number, and who was logged
in has to log in again.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

from sqlalchemy import delete

from adept.errors import Busy, Conflict, StoreError
from adept.store import failures, files
from adept.store.audit import Actor, add_audit
from adept.store.backup import (
    Backup,
    Tell,
    beside,
    connect,
    copy_pages,
    part_of,
    put_in_place,
    refuse_damage,
    refuse_own_files,
    schema_of,
)
from adept.store.changes import leave_gap
from adept.store.engines import Begin, open_engine
from adept.store.key_file import KEY_FILE
from adept.store.places import Place, read_place
from adept.store.schema import bring_up_to_date
from adept.store.tables import sessions, setup_link
from adept.store.unlocking import GivenKeys, prove_keys, sealer_for

BUSY_TIMEOUT_S = 5.0


@dataclass(frozen=True, slots=True)
class Keys:
    """The sealing keys that a restored database has to be opened with."""

    given: GivenKeys
    data_dir: Path


async def restore(
    backup: Path, place: Place, *, keys: Keys, force: bool, by: Actor, now: Callable[[], datetime], tell: Tell
) -> Backup:
    """Put the backup's database in the place; returns what the backup was.

    Nothing is changed where it raises. Conflict where there is a database, unless `force`; Busy where that is in use;
    StoreError for a backup that is damaged, newer than this adept or none of adept's; ConfigError where the keys don't
    open what is sealed in it.
    """
    assert place.file is not None, "PostgreSQL has its own tools"
    refuse_own_files(backup, place.file, keys.data_dir / KEY_FILE)
    if _is_there(place.file) and not force:
        raise Conflict(f"there is a database at {place.file}", way_out="replace it with --force")
    with files.refused_as_config_error():
        files.make_directory(place.file.parent)
    with _alone(place.file), part_of(place.file) as part:
        found = _copy(backup, part, tell)
        restored = replace(read_place(f"sqlite:///{part.absolute().as_posix()}"), label=str(backup))
        await _make_ours(restored, place, keys=keys, by=by, now=now)
        with failures.told_of(str(place.file)), closing(connect(part, mode="rw")) as database:
            database.execute("PRAGMA journal_mode = DELETE")
        for left in beside(place.file):  # a damaged one's log must not meet the new file
            left.unlink(missing_ok=True)
        put_in_place(part, place.file)
    return found


def _copy(backup: Path, part: Path, tell: Tell) -> Backup:
    if not backup.exists():
        raise StoreError(f"there is no file {backup}", way_out="name a file that adept db backup made")
    with failures.told_of(str(backup)), closing(connect(backup, mode="ro")) as source:
        refuse_damage(source, str(backup))
        schema = schema_of(source, str(backup))
        copy_pages(source, part, tell, label=str(part))
    return Backup(schema, backup.stat().st_size)


async def _make_ours(restored: Place, place: Place, *, keys: Keys, by: Actor, now: Callable[[], datetime]) -> None:
    """Migrate it, prove the keys, and take out what must not come back."""
    with failures.told_of(restored.label):
        await bring_up_to_date(restored, migrate=True, busy_timeout_s=BUSY_TIMEOUT_S)
        async with (
            open_engine(restored, busy_timeout_s=BUSY_TIMEOUT_S, pooled=False) as engine,
            engine.connect() as tx,
        ):
            await tx.execution_options(begin=Begin.DURABLE)
            async with tx.begin():
                sealer = sealer_for(place, given=keys.given, data_dir=keys.data_dir)
                await prove_keys(tx, sealer, place=restored)
                await leave_gap(tx)
                await tx.execute(delete(sessions))
                await tx.execute(delete(setup_link))
                await add_audit(tx, by, "database.restored", restored.label, now=now())


def _is_there(file: Path) -> bool:
    return file.exists() and file.stat().st_size > 0


@contextmanager
def _alone(file: Path) -> Iterator[None]:
    """Keep everybody out of a database that is to be replaced, its log folded in; Busy where somebody is there.

    One that is so damaged that SQLite can't lock it is replaced without that.
    """
    if not _is_there(file):
        yield
        return
    with closing(sqlite3.connect(file, isolation_level=None, timeout=1)) as guard:
        try:
            guard.execute("PRAGMA locking_mode = EXCLUSIVE")
            guard.execute("PRAGMA journal_mode = DELETE")
            guard.execute("BEGIN EXCLUSIVE")
        except sqlite3.Error as error:
            if error.sqlite_errorcode & 0xFF in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
                raise Busy(
                    f"{file} is in use by another process", way_out="stop the services and commands that use it"
                ) from error
        yield
