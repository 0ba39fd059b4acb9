"""A page of rows in one statement, with as little work a row as the drivers allow.

SQLAlchemy writes the statement and knows the types; the rows go to the driver's executemany as tuples, converted a
column at a time. SQLAlchemy's own executemany walks each row's dictionary twice in Python, which costs as much as all
that SQLite does with the row.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Dialect, Insert, Update
from sqlalchemy.engine.url import URL
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.sql.compiler import SQLCompiler

_DRIVERS = {"sqlite": ("sqlite+aiosqlite", "qmark"), "postgresql": ("postgresql+psycopg", "format")}


@dataclass(frozen=True)
class PageStatement:
    """A statement as the driver takes it: its parameters in order, and what converts each where anything must."""

    sql: str
    names: tuple[str, ...]
    converters: tuple[Callable[[Any], Any] | None, ...]


def page_statement(statement: Insert | Update, engine: str) -> PageStatement:
    """The statement made ready for one engine: costs about a millisecond, so keep it."""
    dialect = _dialect(engine)
    compiled = statement.compile(dialect=dialect)
    assert isinstance(compiled, SQLCompiler)
    names = tuple(compiled.positiontup or ())
    types = [compiled.binds[name].type.dialect_impl(dialect) for name in names]
    return PageStatement(compiled.string, names, tuple(type_.bind_processor(dialect) for type_ in types))


def _dialect(engine: str) -> Dialect:
    """The engine's dialect with parameters by position, which both drivers take as tuples."""
    drivername, paramstyle = _DRIVERS[engine]
    make: Callable[..., Dialect] = URL.create(drivername).get_dialect()
    return make(paramstyle=paramstyle)


async def execute_page(tx: AsyncConnection, page: PageStatement, columns: Mapping[str, Sequence[Any]]) -> None:
    """Run the statement once a row. `columns` holds, by the name of the statement's parameter, a value for each row."""
    values = [_converted(columns[name], convert) for name, convert in zip(page.names, page.converters, strict=True)]
    await tx.exec_driver_sql(page.sql, list(zip(*values, strict=True)))


def as_columns(rows: Sequence[Mapping[str, Any]], names: Sequence[str]) -> dict[str, Sequence[Any]]:
    """Rows turned on their side."""
    return {name: [row[name] for row in rows] for name in names}


def _converted(values: Sequence[Any], convert: Callable[[Any], Any] | None) -> Sequence[Any]:
    """A column as the driver takes it. Where values repeat, as a page's times and words do, each is converted once."""
    if convert is None:
        return values
    distinct = set(values)
    if len(distinct) > len(values) // 2:
        return [convert(value) for value in values]
    found = {value: convert(value) for value in distinct}
    return [found[value] for value in values]
