"""Copying a database into another one, of either engine: every row, verified, and taken up again after a kill.

The source is read in one transaction that keeps everybody else from writing, and is not changed. The target is marked
as half a copy until the last row was compared; nothing else opens it meanwhile.
"""

from __future__ import annotations

import sqlite3
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import aclosing, asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import Connection, Table, delete, exists, func, insert, inspect, select, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from adept.errors import Busy, Conflict, Misuse, StoreError
from adept.store import failures
from adept.store.database import BUSY_TIMEOUT_S
from adept.store.device_values import index_all
from adept.store.dialects import insert_into, is_sqlite
from adept.store.digest import Digest, digest_of
from adept.store.engines import Begin, open_engine
from adept.store.keyset import batch_after, key_of
from adept.store.numbering import last_numbers, set_last_numbers
from adept.store.places import Place
from adept.store.schema import UNFINISHED_COPY, bring_up_to_date
from adept.store.tables import apple_shares, metadata, schema_state, sealing_canary
from adept.store.unlocking import GivenKeys, prove_keys, sealer_for

BATCH = 1000
_COPY_LOCK = 0x61646571  # PostgreSQL's advisory lock of whoever copies into a database
_ALONE_TIMEOUT_S = 2.0
# What a database has of itself before anything is kept in it
_OWN_ROWS = ("feed_position", "sealing_canary", "setup_link", "retention", "schema_state")
# What is said of a database and of the processes at it, not kept in it; and the canary, which comes when all is well
_NOT_COPIED = (schema_state, apple_shares, sealing_canary)


@dataclass(frozen=True, slots=True)
class Copied:
    """What was copied and compared: the tables by name.

    `resumed`: an earlier copy had been interrupted. `restarted`: and was of no use, since the source had changed.
    """

    tables: dict[str, Digest]
    resumed: bool
    restarted: bool


Tell = Callable[[str, int, int], None]  # what is done, how many rows of it so far, and of how many


async def copy_database(source: Place, target: Place, *, keys: GivenKeys, data_dir: Path | None, tell: Tell) -> Copied:
    """Copy all rows of the source into the target, which must be empty or half a copy of the same source.

    `keys` are those of the source, and of the target from then on. Raises Busy where somebody else has the source open
    (SQLite) or writes in it, or copies into the target; Conflict where there is something else in the target;
    ConfigError for keys that are not the source's; StoreError where a database fails, or a table differs afterwards.
    """
    if source.url == target.url:
        raise Misuse("source and target are the same database", way_out="name another target")
    async with _source(source) as reading:
        await prove_keys(reading, sealer_for(source, given=keys, data_dir=data_dir), place=source)
        with failures.told_of(target.label):
            await bring_up_to_date(target, migrate=True, busy_timeout_s=BUSY_TIMEOUT_S, may_be_unfinished=True)
            async with _target(target) as writing:
                return await _Copy(source, reading, target, writing, tell).run()


@dataclass(frozen=True, slots=True)
class _Copy:
    source: Place
    reading: AsyncConnection  # in its one transaction
    target: Place
    writing: AsyncConnection  # between transactions
    tell: Tell

    async def run(self) -> Copied:
        total = await self._count()
        resumed = await self._begin()
        await self._copy_all(total, resumed=resumed)
        tables, differing = await self._compare(total)
        restarted = resumed and bool(differing)
        if restarted:  # the source changed since: what of it is not known
            async with self.writing.begin():
                await _empty(self.writing)
            await self._copy_all(total, resumed=False)
            tables, differing = await self._compare(total)
        if differing:
            raise StoreError(
                f"{self.target.label} is no true copy of {self.source.label}: {', '.join(differing)} differ",
                way_out="keep using the source, and report this as a bug",
            )
        await self._finish()
        return Copied(tables, resumed, restarted)

    async def _count(self) -> int:
        counts = [
            (await self.reading.execute(select(func.count()).select_from(table))).scalar_one() for table in _tables()
        ]
        return sum(counts)

    async def _begin(self) -> bool:
        """Mark the target as half a copy; True where it was one before. Conflict where it is anything else."""
        async with self.writing.begin():
            if await self.writing.run_sync(_is_half_a_copy):
                begun = (await self.writing.execute(text(f"SELECT source FROM {UNFINISHED_COPY}"))).scalar_one()  # noqa: S608
                if begun != self.source.label:
                    raise Conflict(
                        f"{self.target.label} is half a copy of {begun}, not of {self.source.label}",
                        way_out="go on with that one, or name an empty database",
                    )
                return True
            if full := await _names_of_full_tables(self.writing):
                raise Conflict(
                    f"{self.target.label} is not empty: there are rows in {', '.join(full)}",
                    way_out="name an empty database",
                )
            await _empty(self.writing)
            await self.writing.execute(text(f"CREATE TABLE {UNFINISHED_COPY} (source TEXT NOT NULL)"))
            marked = text(f"INSERT INTO {UNFINISHED_COPY} VALUES (:source)")  # noqa: S608
            await self.writing.execute(marked, {"source": self.source.label})
            return False

    async def _copy_all(self, total: int, *, resumed: bool) -> None:
        done = 0
        for table in _tables():
            key = await self._reached(table) if resumed else None
            done += 0 if key is None else await self._rows_up_to(table, key[0])
            while rows := await batch_after(self.reading, table, key, columns=list(table.columns), limit=BATCH):
                async with self.writing.begin():
                    added = insert_into(table, self.writing).on_conflict_do_nothing()
                    await self.writing.execute(added, [dict(row._mapping) for row in rows])  # noqa: SLF001
                key = key_of(table, rows[-1])
                self.tell("Copying", done := done + len(rows), total)

    async def _reached(self, table: Table) -> tuple[int] | None:
        """How far an interrupted copy came, where rows come in the order of their numbers; else it begins anew."""
        if table.primary_key.columns.keys() != ["id"]:
            return None
        async with self.writing.begin():
            last = (await self.writing.execute(select(func.max(table.c.id)))).scalar_one()
        return None if last is None else (last,)

    async def _rows_up_to(self, table: Table, last: int) -> int:
        counted = select(func.count()).select_from(table).where(table.c.id <= last)
        return (await self.reading.execute(counted)).scalar_one()

    async def _compare(self, total: int) -> tuple[dict[str, Digest], list[str]]:
        """The tables of the target, and the names of those that are not as in the source."""
        found: dict[str, Digest] = {}
        differing: list[str] = []
        done = 0
        for table in _tables():
            wanted = await digest_of(self.reading, table)
            async with self.writing.begin():
                found[table.name] = await digest_of(self.writing, table)
            if found[table.name] != wanted:
                differing.append(table.name)
            self.tell("Comparing", done := done + wanted.rows, total)
        return found, differing

    async def _finish(self) -> None:
        """What makes the target a database of its own: its numbering and indexes, the canary, no mark any more."""
        numbers = await last_numbers(self.reading)
        (canary,) = await batch_after(self.reading, sealing_canary, None, columns=list(sealing_canary.columns), limit=1)
        async with self.writing.begin():
            await set_last_numbers(self.writing, numbers)
            await index_all(self.writing)
            await self.writing.execute(insert(sealing_canary), [dict(canary._mapping)])  # noqa: SLF001
            await self.writing.execute(text(f"DROP TABLE {UNFINISHED_COPY}"))


def _tables() -> list[Table]:
    """The tables that are copied, those that others refer to first."""
    return [table for table in metadata.sorted_tables if table not in _NOT_COPIED]


def _is_half_a_copy(connection: Connection) -> bool:
    return UNFINISHED_COPY in inspect(connection).get_table_names()


async def _names_of_full_tables(tx: AsyncConnection) -> list[str]:
    names = [table for table in metadata.sorted_tables if table.name not in _OWN_ROWS]
    return [table.name for table in names if (await tx.execute(select(exists(select(table))))).scalar_one()]


async def _empty(tx: AsyncConnection) -> None:
    for table in reversed(metadata.sorted_tables):
        if table is not schema_state:
            await tx.execute(delete(table))


@asynccontextmanager
async def _source(place: Place) -> AsyncIterator[AsyncConnection]:
    """A transaction on the source that sees one state of it, in which nobody else writes until the block ends."""
    with failures.told_of(place.label):
        await bring_up_to_date(place, migrate=False, busy_timeout_s=BUSY_TIMEOUT_S)
        async with (
            open_engine(place, busy_timeout_s=_ALONE_TIMEOUT_S, pooled=False, alone=True) as engine,
            _connected(engine, place) as connection,
        ):
            options = {} if is_sqlite(connection) else {"isolation_level": "REPEATABLE READ"}
            await connection.execution_options(begin=Begin.READ, **options)
            async with connection.begin():
                await _keep_writers_out(connection, place)
                yield connection


async def _keep_writers_out(connection: AsyncConnection, place: Place) -> None:
    """SQLite's connection is the only one there is; PostgreSQL's tables are locked against writing."""
    if is_sqlite(connection):
        return
    names = ", ".join(f'"{table.name}"' for table in metadata.sorted_tables)
    with _busy_if_held(place):
        await connection.execute(text(f"LOCK TABLE {names} IN SHARE MODE NOWAIT"))


@asynccontextmanager
async def _target(place: Place) -> AsyncIterator[AsyncConnection]:
    """A connection to the target, which keeps out everybody else who copies."""
    async with (
        open_engine(place, busy_timeout_s=BUSY_TIMEOUT_S, pooled=False, alone=True) as engine,
        _connected(engine, place) as connection,
    ):
        await connection.execution_options(begin=Begin.WRITE)
        if not is_sqlite(connection):
            await _take_turn(connection, place)
        yield connection


@asynccontextmanager
async def _connected(engine: AsyncEngine, place: Place) -> AsyncIterator[AsyncConnection]:
    with _busy_if_held(place):
        connection = await engine.connect()
    async with aclosing(connection):
        yield connection


async def _take_turn(connection: AsyncConnection, place: Place) -> None:
    async with connection.begin():
        turn = text("SELECT pg_try_advisory_lock(:key)")
        if not (await connection.execute(turn, {"key": _COPY_LOCK})).scalar_one():
            raise Busy(f"another adept db copy fills {place.label}", way_out="wait for it")


@contextmanager
def _busy_if_held(place: Place) -> Iterator[None]:
    """Turn the refusal of a lock into Busy."""
    try:
        yield
    except DBAPIError as error:
        is_busy = getattr(error.orig, "sqlite_errorcode", 0) & 0xFF == sqlite3.SQLITE_BUSY
        if not is_busy and getattr(error.orig, "sqlstate", None) != "55P03":
            raise
        raise Busy(
            f"{place.label} is in use by another process", way_out="stop the services and commands that use it"
        ) from error
