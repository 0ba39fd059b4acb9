"""The job engine's tables: procrastinate's own SQL migrations, which come with the library, in our transaction.

procrastinate keeps no note of what a database is at; we do, in `schema_state.engine_revision`: the name of the last of
its migrations that was applied. Their names sort in their order. One with `_post_` in it takes away what the version
before still uses, so it waits until a still newer version comes: until then both versions' workers run side by side.
Source: procrastinate, "Migrate the schema" (read 2026-11).

Nothing of procrastinate is imported here: it takes a tenth of a second, and an up-to-date database needs none of it.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from importlib.util import find_spec
from pathlib import Path

from sqlalchemy import text, update
from sqlalchemy.ext.asyncio import AsyncConnection

from adept.errors import ConfigError, StoreError
from adept.store.places import Place
from adept.store.tables import schema_state


def newest() -> str:
    """The name of the newest migration that this adept's procrastinate brings."""
    return _known()[-1]


def is_newer(found: str | None) -> bool:
    """Whether the database is at a migration that this adept's procrastinate does not have."""
    return found is not None and found > newest()


def is_enough(found: str | None) -> bool:
    """Whether this adept can work with a database at that migration."""
    return found is not None and not to_apply(found)


def to_apply(found: str | None) -> Sequence[str]:
    """The migrations an upgrade applies, in order; everything on an empty database."""
    return steps(_known(), found)


def steps(known: Sequence[str], found: str | None) -> Sequence[str]:
    """Of the known migrations those to apply, in order, to a database at `found`; None: to an empty one. Pure.

    The newest version's `post` migrations wait for the version after it.
    """
    if found is None:
        return known
    later = [name for name in known if name > found]
    while later and "_post_" in later[-1]:
        later.pop()
    return later


async def upgrade(connection: AsyncConnection, found: str | None, *, place: Place) -> None:
    """Apply what is missing and note it, in the caller's transaction, under the lock of whoever upgrades."""
    names = to_apply(found)
    if not names:
        return
    if found is None and await _has_tables(connection):
        raise StoreError(
            f"{place.label} has tables of procrastinate that another program made", way_out="name another database"
        )
    folder = _folder()
    files = [folder / "schema.sql"] if found is None else [folder / "migrations" / f"{name}.sql" for name in names]
    raw = (await connection.get_raw_connection()).driver_connection
    assert raw is not None, "the connection is open"
    for file in files:
        await raw.execute(file.read_text("utf-8"))  # many statements at once: the driver's own way, without parameters
    await connection.execute(update(schema_state).values(engine_revision=names[-1]))


async def _has_tables(connection: AsyncConnection) -> bool:
    return (await connection.execute(text("SELECT to_regclass('procrastinate_jobs')"))).scalar_one() is not None


@cache
def _known() -> tuple[str, ...]:
    return tuple(sorted(file.stem for file in (_folder() / "migrations").glob("*.sql")))


def _folder() -> Path:
    found = find_spec("procrastinate")
    if found is None or found.origin is None:
        raise ConfigError(
            "PostgreSQL needs procrastinate, which is not installed", way_out="pip install 'adept-mdm[postgres]'"
        )
    return Path(found.origin).parent / "sql"
