"""Which devices somebody wants, and the same as conditions for the database."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from sqlalchemy import ColumnElement, and_, or_
from sqlalchemy.ext.asyncio import AsyncConnection

from adept.protocol.device import DeviceFamily, fold_serial
from adept.store.device_values import has_value
from adept.store.dialects import holds_text, numbers_among, unindexed
from adept.store.searched import sought
from adept.store.tables import devices

LAST_CHARACTER = "\U0010ffff"  # sorts behind every text


class SearchMode(StrEnum):
    """How a value must match the words."""

    CONTAINS = "contains"
    PREFIX = "prefix"
    EXACT = "exact"


class SearchField(StrEnum):
    """Where the words are looked for; in the serial number alone is faster."""

    ANY = "any"
    SERIAL_NUMBER = "serial_number"


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceFilter:
    """Which devices; None asks for no particular one. Families, states and UUIDs are compared without case.

    `ids` are those of rows. `deleted` False is the live ones, True the tombstones, None both. `search` is words in the
    fields that `adept.store.searched` puts together. Of times, `since` is included and `until` is not.
    """

    ids: tuple[int, ...] | None = None
    account_id: int | None = None
    serial_number: str | None = None
    family: str | None = None
    status: str | None = None
    profile_uuid: str | None = None
    deleted: bool | None = False
    first_seen_since: datetime | None = None
    first_seen_until: datetime | None = None
    changed_since: datetime | None = None
    changed_until: datetime | None = None
    deleted_since: datetime | None = None
    deleted_until: datetime | None = None
    search: str | None = None
    mode: SearchMode = SearchMode.CONTAINS
    field: SearchField = SearchField.ANY


def conditions(
    wanted: DeviceFilter, tx: AsyncConnection, *, by_index: Iterable[str] | None = None
) -> dict[str, ColumnElement[bool]]:
    """A condition for each column that the filter says something about, by the column's name.

    With `by_index` only the columns named there may be found by an index of their own (SQLite, which knows too little
    of the rows to choose well); None leaves the choice to the database.
    """

    def may_use(name: str) -> bool:
        return by_index is None or name in by_index

    def column(name: str) -> ColumnElement[str]:
        plain: ColumnElement[str] = devices.c[name]
        return plain if may_use(name) else unindexed(plain, tx)

    found: dict[str, ColumnElement[bool]] = {}
    if wanted.ids is not None:
        found["id"] = numbers_among(devices.c.id, wanted.ids, tx)
    if wanted.account_id is not None:
        found["account_id"] = column("account_id") == wanted.account_id
    if wanted.serial_number is not None:
        found["serial_number"] = column("serial_number") == wanted.serial_number
    for name, value in (
        ("device_family", wanted.family),
        ("profile_status", wanted.status),
        ("profile_uuid", wanted.profile_uuid),
    ):
        if value is not None:
            first, *others = spellings(value)
            found[name] = column(name).in_([first, *others]) if others else column(name) == first
    if wanted.deleted is not None:
        there = column("deleted_at")
        found["deleted_at"] = there.is_not(None) if wanted.deleted else there.is_(None)
    for name, since, until in (
        ("first_seen_at", wanted.first_seen_since, wanted.first_seen_until),
        ("changed_at", wanted.changed_since, wanted.changed_until),
        ("deleted_at", wanted.deleted_since, wanted.deleted_until),
    ):
        between = [column(name) >= since] if since is not None else []
        between += [column(name) < until] if until is not None else []
        if between:
            found[name] = and_(*([found[name]] if name in found else []), *between)
    if wanted.search and wanted.field is SearchField.SERIAL_NUMBER:
        found["serial_number"] = _in_serial(column("serial_number"), wanted, tx)
    elif wanted.search:
        found["searched"] = _anywhere(wanted, tx, by_index=is_by_value(wanted) and may_use("searched"))
    return found


def _in_serial(column: ColumnElement[str], wanted: DeviceFilter, tx: AsyncConnection) -> ColumnElement[bool]:
    words = fold_serial(wanted.search or "")
    if wanted.mode is SearchMode.EXACT:
        return column == words
    if wanted.mode is SearchMode.PREFIX:
        return and_(column >= words, column < words + LAST_CHARACTER)
    return holds_text(column, words, tx)


def is_by_value(wanted: DeviceFilter) -> bool:
    """Whether the words are the whole of a value or its beginning, whichever value: `device_values` has an index."""
    return bool(wanted.search) and wanted.field is SearchField.ANY and wanted.mode is not SearchMode.CONTAINS


def _anywhere(wanted: DeviceFilter, tx: AsyncConnection, *, by_index: bool) -> ColumnElement[bool]:
    """In `searched` each value stands between two line ends."""
    texts = sought(wanted.search or "")
    if by_index:
        return has_value(texts, tx, only_begins=wanted.mode is SearchMode.PREFIX)
    begin = "" if wanted.mode is SearchMode.CONTAINS else "\n"
    end = "\n" if wanted.mode is SearchMode.EXACT else ""
    return or_(*[holds_text(devices.c.searched, f"{begin}{words}{end}", tx) for words in texts])


def spellings(word: str) -> list[str]:
    """How Apple spells a family, a state or a UUID that somebody typed in whatever case."""
    for family in DeviceFamily:
        if family.value.lower() == word.lower():
            return [family.value]
    return list(dict.fromkeys([word, word.lower(), word.upper()]))
