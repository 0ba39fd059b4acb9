"""The last number that each table gave to a row: a number is never given twice, so a copy has to go on from there."""

from __future__ import annotations

from collections.abc import Mapping

from sqlalchemy import Table, func, select, text
from sqlalchemy.ext.asyncio import AsyncConnection

from adept.store.dialects import is_sqlite
from adept.store.tables import metadata


def numbered_tables() -> list[Table]:
    """The tables whose rows the engine numbers."""
    return [table for table in metadata.sorted_tables if table.autoincrement_column is not None and "id" in table.c]


async def last_numbers(tx: AsyncConnection) -> dict[str, int]:
    """The last number given, by the table's name; tables that never gave one are missing."""
    found: dict[str, int] = {}
    given = await _given_on_sqlite(tx) if is_sqlite(tx) else await _given_on_postgresql(tx)
    for table in numbered_tables():
        highest = (await tx.execute(select(func.max(table.c.id)))).scalar_one() or 0
        if last := max(highest, given.get(table.name, 0)):
            found[table.name] = last
    return found


async def set_last_numbers(tx: AsyncConnection, numbers: Mapping[str, int]) -> None:
    """Have the tables go on after these numbers."""
    for name, last in numbers.items():
        if is_sqlite(tx):
            if metadata.tables[name].dialect_options["sqlite"]["autoincrement"]:  # the others go on from their rows
                await tx.execute(text("DELETE FROM sqlite_sequence WHERE name = :name"), {"name": name})
                await tx.execute(
                    text("INSERT INTO sqlite_sequence VALUES (:name, :last)"), {"name": name, "last": last}
                )
        else:
            sequence = text("SELECT setval(pg_get_serial_sequence(:name, 'id'), :last)")
            await tx.execute(sequence, {"name": name, "last": last})


async def _given_on_sqlite(tx: AsyncConnection) -> dict[str, int]:
    rows = (await tx.execute(text("SELECT name, seq FROM sqlite_sequence"))).all()
    return {row.name: row.seq for row in rows}


async def _given_on_postgresql(tx: AsyncConnection) -> dict[str, int]:
    found: dict[str, int] = {}
    for table in numbered_tables():
        last = text("SELECT coalesce(pg_sequence_last_value(pg_get_serial_sequence(:name, 'id')::regclass), 0)")
        found[table.name] = (await tx.execute(last, {"name": table.name})).scalar_one()
    return found
