"""Walking a whole table a batch at a time, in the order of its primary key, whatever that is made of."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from typing import Any

from sqlalchemy import Column, ColumnElement, Row, Table, literal, select, tuple_
from sqlalchemy.ext.asyncio import AsyncConnection


def key_columns(table: Table) -> list[Column[Any]]:
    """The columns of the primary key."""
    return list(table.primary_key.columns)


def is_beyond(table: Table, key: Sequence[Any]) -> ColumnElement[bool]:
    """Whether a row comes after the key."""
    columns = key_columns(table)
    values = [literal(value, column.type) for value, column in zip(key, columns, strict=True)]
    beyond: ColumnElement[bool] = tuple_(*columns) > tuple_(*values) if len(columns) > 1 else columns[0] > values[0]
    return beyond


async def batch_after(
    tx: AsyncConnection, table: Table, key: Sequence[Any] | None, *, columns: Sequence[Column[Any]], limit: int
) -> list[Row[Any]]:
    """The next rows after the key (None: the first ones), with the columns of the primary key and those given."""
    statement = select(*dict.fromkeys([*key_columns(table), *columns])).order_by(*key_columns(table)).limit(limit)
    if key is not None:
        statement = statement.where(is_beyond(table, key))
    return list(await tx.execute(statement))


def key_of(table: Table, row: Row[Any]) -> tuple[Any, ...]:
    """The key of a row that `batch_after` gave."""
    return tuple(row._mapping[column] for column in key_columns(table))  # noqa: SLF001  # SQLAlchemy's public name


async def all_batches(tx: AsyncConnection, table: Table, *, limit: int) -> AsyncIterator[list[Row[Any]]]:
    """All rows with all their columns, none of the lists empty."""
    key = None
    while rows := await batch_after(tx, table, key, columns=list(table.columns), limit=limit):
        yield rows
        key = key_of(table, rows[-1])
