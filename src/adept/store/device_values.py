"""Devices by a whole value, or by how it begins: an index of what `searched` holds, value by value.

Full-text search of either engine, whose words are whole values here. On SQLite that is a table of FTS5 over
`devices.searched`: a trigger follows what changes, but new devices are indexed a page at a time (a quarter of what a
trigger costs) and deleted ones are forgotten with one statement. PostgreSQL's index keeps itself.

A migration that rebuilds `devices` on SQLite makes the trigger again.
"""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import (
    DDL,
    ColumnElement,
    cast,
    column,
    event,
    false,
    func,
    insert,
    literal_column,
    or_,
    select,
    table,
    true,
)
from sqlalchemy.dialects import postgresql
from sqlalchemy.ext.asyncio import AsyncConnection

from adept.store.dialects import is_sqlite
from adept.store.tables import devices, storable

_VALUES = table("device_values", column("rowid"), column("searched"), column("device_values"))

# What belongs to a word beside letters, digits and all that isn't ASCII: everything but the line ends between values.
_JOINING = "".join(chr(code) for code in range(1, 128) if chr(code) != "\n" and not chr(code).isalnum())


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


_TABLE = (
    "CREATE VIRTUAL TABLE device_values USING fts5(searched, content='devices', content_rowid='id', detail=none, "
    f"columnsize=0, tokenize={_quoted(f'ascii tokenchars {_quoted(_JOINING)}')})"
)
_TRIGGER = (
    "CREATE TRIGGER device_values_changed AFTER UPDATE OF searched ON devices WHEN old.searched <> new.searched BEGIN "
    "INSERT INTO device_values(device_values, rowid, searched) VALUES ('delete', old.id, old.searched); "
    "INSERT INTO device_values(rowid, searched) VALUES (new.id, new.searched); END"
)
_LEXEMES = r"array_to_tsvector(array_remove(string_to_array(devices.searched, E'\n'), ''))"
_ON_POSTGRESQL = f"CREATE INDEX ix_devices_values ON devices USING gin ({_LEXEMES.replace('devices.', '')})"

for engine, statement in (("sqlite", _TABLE), ("sqlite", _TRIGGER), ("postgresql", _ON_POSTGRESQL)):
    made = DDL(statement.replace("%", "%%"))  # type: ignore[no-untyped-call]  # SQLAlchemy's
    event.listen(devices, "after_create", made.execute_if(dialect=engine))


def has_value(texts: Sequence[str], tx: AsyncConnection, *, only_begins: bool) -> ColumnElement[bool]:
    """Whether a device has one of the texts, folded as `searched` is, as a value; or one that begins with it."""
    words = [storable(text) for text in texts if "\n" not in text]
    if not all(words):
        return true() if only_begins else false()
    if not words:
        return false()
    if is_sqlite(tx):
        query = " OR ".join('"' + word.replace('"', '""') + '"' + (" *" if only_begins else "") for word in words)
        matches = literal_column("device_values").op("MATCH", is_comparison=True)(query)
        return devices.c.id.in_(select(_VALUES.c.rowid).where(matches))
    found: list[ColumnElement[bool]] = []
    for word in words:
        query = "'" + word.replace("\\", "\\\\").replace("'", "''") + "'" + (":*" if only_begins else "")
        lexemes = literal_column(_LEXEMES, postgresql.TSVECTOR())
        found.append(lexemes.op("@@", is_comparison=True)(cast(query, postgresql.TSQUERY)))
    return or_(*found)


async def newest_id(tx: AsyncConnection) -> int:
    """The id of the device that came last: new ones get higher ones."""
    return (await tx.execute(select(func.max(devices.c.id)))).scalar() or 0


async def index_new(tx: AsyncConnection, above: int) -> None:
    """Index the devices with higher ids, which were just written (SQLite)."""
    statement = "INSERT INTO device_values(rowid, searched) SELECT id, searched FROM devices WHERE id > ?"
    await tx.exec_driver_sql(statement, (above,))


async def index_all(tx: AsyncConnection) -> None:
    """Index every device anew, wherever the database doesn't by itself: after rows that came by another way."""
    if is_sqlite(tx):
        await tx.exec_driver_sql("INSERT INTO device_values(device_values) VALUES ('rebuild')")


async def forget_values(tx: AsyncConnection, which: ColumnElement[bool]) -> None:
    """Forget the devices that are about to be deleted, where the index doesn't by itself (SQLite)."""
    if is_sqlite(tx):
        going = select(literal_column("'delete'"), devices.c.id, devices.c.searched).where(which)
        await tx.execute(insert(_VALUES).from_select(["device_values", "rowid", "searched"], going))
