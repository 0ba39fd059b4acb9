"""The schema's revision: whether a database is at it, behind it or ahead of it, and the way up.

On PostgreSQL the job engine's tables are part of it (`engine_schema`). Alembic is imported only where there is
something to do: a start on an up-to-date database costs two SELECTs.

A step is first an expansion, with which processes of the version before go on working, and a version later a
contraction, which writes into `schema_state.oldest_revision` from which revision on a process may still run.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import Connection, inspect, select, text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from adept.errors import Outdated, StoreError
from adept.store import engine_schema, files
from adept.store.engines import Begin, open_engine
from adept.store.places import Place
from adept.store.tables import metadata, schema_state

if TYPE_CHECKING:
    from alembic.config import Config

HEAD = "0007"  # the newest file of migrations/versions; a test holds it to that
VERSION_TABLE = "alembic_version"
UNFINISHED_COPY = "unfinished_copy"  # a table that is there while `adept db copy` fills the database
_UPGRADE_LOCK = 0x61646570  # "adep": PostgreSQL's advisory lock of whoever upgrades


@dataclass(frozen=True, slots=True)
class Found:
    """What a database is at: our revision, None where it is empty, and the job engine's, None on SQLite or without."""

    revision: str | None
    engine: str | None = None

    def is_up_to_date(self, place: Place) -> bool:
        """Whether this adept can work with it as it is."""
        return self.revision == HEAD and (place.file is not None or engine_schema.is_enough(self.engine))


async def bring_up_to_date(
    place: Place, *, migrate: bool, busy_timeout_s: float, may_be_unfinished: bool = False
) -> None:
    """Bring the database to `HEAD`, or refuse: newer, another program's, half a copy, or behind without `migrate`.

    Safe to be called by any number of processes at once: they take turns and the later ones find nothing to do. An
    upgrade happens as a whole or not at all.
    """
    if place.file is not None:
        files.prepare(place.file, create=migrate)
        await asyncio.to_thread(files.open_once, place.file, busy_timeout_s=busy_timeout_s)
    async with open_engine(place, busy_timeout_s=busy_timeout_s, pooled=False) as engine:
        async with engine.connect() as connection:
            found = await connection.run_sync(found_schema, place)
            if not may_be_unfinished:
                await connection.run_sync(_refuse_half_a_copy, place)
        if found.is_up_to_date(place):
            return
        if not migrate:
            raise _behind(place, found)
        await _upgrade(place, engine)


async def _upgrade(place: Place, engine: AsyncEngine) -> None:
    """Take the lock, look again, and walk the migrations in one transaction: ours, then the job engine's."""
    async with engine.connect() as connection:
        await connection.execution_options(begin=Begin.MIGRATE)
        async with connection.begin():
            await _take_turn(connection)
            found = await connection.run_sync(found_schema, place)
            if found.revision != HEAD:
                await connection.run_sync(migrate_to, "head")
            if place.file is None:
                await engine_schema.upgrade(connection, found.engine, place=place)


async def _take_turn(connection: AsyncConnection) -> None:
    """On PostgreSQL, wait for any other upgrader however long it takes; SQLite's write transaction does it there."""
    if connection.dialect.name == "postgresql":
        await connection.execute(text("SET LOCAL lock_timeout = 0"))
        await connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _UPGRADE_LOCK})


def migrate_to(connection: Connection, revision: str) -> None:
    """Run the migrations up to the revision in the connection's transaction."""
    from alembic import command

    command.upgrade(alembic_config(connection), revision)


def alembic_config(connection: Connection | None = None) -> Config:
    """Alembic's configuration for the migrations in this package; no file of its own is needed."""
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", "adept.store:migrations")
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    return config


def found_schema(connection: Connection, place: Place) -> Found:
    """What the database is at; StoreError where it is not ours to touch."""
    tables = set(inspect(connection).get_table_names())
    found = None
    if VERSION_TABLE in tables:
        found = connection.execute(text(f"SELECT version_num FROM {VERSION_TABLE}")).scalar_one_or_none()  # noqa: S608
    if found is None and (ours := sorted(tables & set(metadata.tables))):
        raise StoreError(
            f"{place.label} belongs to another program: it has a table {ours[0]!r} that adept did not make",
            way_out="name another database",
        )
    if found is not None and found not in known_revisions():
        raise _newer(place, f"schema {found}", HEAD)
    engine = None
    if schema_state.name in tables and place.file is None:
        engine = connection.execute(select(schema_state.c.engine_revision)).scalar_one()
        if engine_schema.is_newer(engine):
            raise _newer(place, f"the job engine's schema {engine}", engine_schema.newest())
    return Found(found, engine)


async def check_still_fits(tx: AsyncConnection, place: Place) -> None:
    """Raise Outdated where the schema went on so far, under a process that runs, that this adept no longer fits it."""
    found = (await tx.execute(text(f"SELECT version_num FROM {VERSION_TABLE}"))).scalar_one_or_none()  # noqa: S608
    if found == HEAD:
        return
    if found is not None and found > HEAD:
        oldest: str = (await tx.execute(select(schema_state.c.oldest_revision))).scalar_one()
        if oldest <= HEAD:
            return
    raise Outdated(
        f"{place.label} is at schema {found}, and this adept needs {HEAD}",
        way_out="restart it with the adept that the database belongs to",
    )


def _refuse_half_a_copy(connection: Connection, place: Place) -> None:
    if UNFINISHED_COPY in inspect(connection).get_table_names():
        raise StoreError(
            f"{place.label} is half a copy of another database: adept db copy was interrupted",
            way_out="run the same adept db copy again; it goes on where it ended",
        )


def known_revisions() -> frozenset[str]:
    """The revisions this adept knows: they are numbered without gaps."""
    return frozenset(f"{number:04}" for number in range(1, int(HEAD) + 1))


def _newer(place: Place, found: str, ours: str) -> StoreError:
    return StoreError(
        f"{place.label} is at {found}, newer than the {ours} of this adept",
        way_out="install the adept that wrote it, or restore a backup of before",
    )


def _behind(place: Place, found: Found) -> StoreError:
    if found.revision is None:
        stands = "is empty, and this adept needs " + HEAD
    elif found.revision != HEAD:
        stands = f"is at schema {found.revision}, and this adept needs {HEAD}"
    else:
        stands = f"lacks tables of the job engine, and this adept needs its schema {engine_schema.newest()}"
    return StoreError(f"{place.label} {stands}", way_out="run: adept db upgrade")
