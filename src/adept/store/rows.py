"""Rows as values: a frozen dataclass names a table's columns as its fields, in any order."""

from __future__ import annotations

from typing import Any, TypeVar

from sqlalchemy import Row

T = TypeVar("T")


def read_row(kind: type[T], row: Row[Any]) -> T:
    """The row as a value of the kind."""
    return kind(**row._mapping)  # noqa: SLF001  # SQLAlchemy's public name for it begins with an underscore


def read_row_or_none(kind: type[T], row: Row[Any] | None) -> T | None:
    """As `read_row`; None stays None."""
    return None if row is None else read_row(kind, row)
