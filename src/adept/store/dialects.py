"""Where the two engines spell the same thing differently, both spellings stand here side by side."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Table, Text, cast, column, func, literal, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncConnection

from adept.store.tables import UtcTime, storable


def is_sqlite(tx: AsyncConnection) -> bool:
    """Whether the transaction is SQLite's; otherwise it is PostgreSQL's."""
    return tx.dialect.name == "sqlite"


def insert_into(table: Table, tx: AsyncConnection) -> sqlite.Insert | postgresql.Insert:
    """`insert_for` the transaction's engine."""
    return insert_for(table, tx.dialect.name)


def insert_for(table: Table, engine: str) -> sqlite.Insert | postgresql.Insert:
    """An INSERT that knows ON CONFLICT: the two engines have the same words for it in different classes."""
    return sqlite.insert(table) if engine == "sqlite" else postgresql.insert(table)


def is_among(of: ColumnElement[str], texts: Sequence[str], tx: AsyncConnection) -> ColumnElement[bool]:
    """Whether a column is one of the texts: one bound parameter, and one cached statement, however many there are."""
    wanted = [storable(text) for text in texts]
    if is_sqlite(tx):
        listed = func.json_each(json.dumps(wanted)).table_valued(column("value", Text))
        return of.in_(select(listed.c.value))
    return of == func.any(literal(wanted, postgresql.ARRAY(Text)))


def texts_in(json_list: ColumnElement[str], tx: AsyncConnection) -> Any:
    """The strings of a JSON list in a column, as a table with the one column `value`."""
    if is_sqlite(tx):
        return func.json_each(json_list).table_valued(column("value", Text))
    return func.jsonb_array_elements_text(cast(json_list, postgresql.JSONB)).table_valued(column("value", Text))


def clock(now: datetime, tx: AsyncConnection) -> ColumnElement[datetime]:
    """The time by which leases run: the database's own on PostgreSQL, since machines differ; `now` on SQLite."""
    if is_sqlite(tx):
        return literal(now, UtcTime())
    return func.clock_timestamp(type_=UtcTime())


def clock_after(now: datetime, seconds: float, tx: AsyncConnection) -> ColumnElement[datetime]:
    """`clock`, so many seconds later."""
    if is_sqlite(tx):
        return literal(now + timedelta(seconds=seconds), UtcTime())
    return func.clock_timestamp(type_=UtcTime()) + literal(timedelta(seconds=seconds), postgresql.INTERVAL())
