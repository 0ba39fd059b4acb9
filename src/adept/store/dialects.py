"""Where the two engines spell the same thing differently, both spellings stand here side by side."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any, TypeVar

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Table,
    Text,
    UnaryExpression,
    cast,
    column,
    func,
    literal,
    select,
    type_coerce,
)
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.sql.operators import custom_op

from adept.store.tables import UtcTime, storable

T = TypeVar("T")


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


def holds_text(column: ColumnElement[str], text: str, tx: AsyncConnection) -> ColumnElement[bool]:
    """Whether the column's text has this one in it, case and all.

    GLOB, since SQLite's LIKE folds the case of each character it compares, and instr takes twice the time.
    """
    if is_sqlite(tx):
        pattern = "".join(f"[{character}]" if character in "*?[" else character for character in storable(text))
        return column.op("GLOB", is_comparison=True)(f"*{pattern}*")
    return column.contains(storable(text), autoescape=True)


def unindexed(column: ColumnElement[T], tx: AsyncConnection) -> ColumnElement[T]:
    """The column as no index finds it: for SQLite, which chooses indexes without knowing what stands in them.

    Source: sqlite.org, "The SQLite Query Optimizer Overview", 9.1 on unary "+".
    """
    return UnaryExpression(column, operator=custom_op("+"), type_=column.type) if is_sqlite(tx) else column


def numbers_among(of: ColumnElement[int], numbers: Sequence[int], tx: AsyncConnection) -> ColumnElement[bool]:
    """As `is_among`, for numbers."""
    if is_sqlite(tx):
        listed = func.json_each(json.dumps(list(numbers))).table_valued(column("value", BigInteger))
        return of.in_(select(listed.c.value))
    return of == func.any(literal(list(numbers), postgresql.ARRAY(BigInteger)))


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


def day_number(time: ColumnElement[datetime], tx: AsyncConnection) -> ColumnElement[int]:
    """The day of a time in UTC, in days since 1970."""
    if is_sqlite(tx):
        return cast(type_coerce(time, BigInteger).op("/")(86_400_000_000), BigInteger)
    return cast(func.floor(func.extract("epoch", time) / 86_400), BigInteger)


def undecoded_time(column: ColumnElement[datetime], tx: AsyncConnection) -> ColumnElement[Any]:
    """A column of times as the driver gives them at the least cost, for `told_time` to read."""
    if is_sqlite(tx):
        return type_coerce(column, BigInteger())
    told = func.to_char(func.timezone("UTC", column), 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')
    return func.replace(told, ".000000Z", "Z")


@lru_cache(maxsize=32_768)  # some five megabytes; devices of a page have their times in common
def told_time(time: int | str) -> str:
    """The time that `undecoded_time` gave, in RFC 3339 and UTC; a fraction of the second only where there is one."""
    if isinstance(time, str):
        return time
    seconds, microseconds = divmod(time, 1_000_000)
    whole = datetime.fromtimestamp(seconds, UTC).isoformat()[:19]
    return f"{whole}.{microseconds:06}Z" if microseconds else f"{whole}Z"
