"""Devices page by page, in whatever order and narrowed in whatever way, among a million.

Where few devices fit (`device_matches`) they are sorted; else the index of the order is walked from where the last page
ended, and what doesn't fit is passed over.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Row, Select, func, literal_column, or_, select, true, tuple_
from sqlalchemy.ext.asyncio import AsyncConnection

from adept.store.device_filters import DeviceFilter, conditions
from adept.store.device_matches import DENSE, by_filters, count_up_to
from adept.store.inventory import ListedDevice, listed_columns
from adept.store.tables import accounts, devices

# Columns of the parts that statements are made of, by their names there: SQLAlchemy would make new ones each time,
# which takes longer than the answer.
_WHOLE = listed_columns()
_OF_ACCOUNT = accounts.c.id == devices.c.account_id
_FOUND_ID: ColumnElement[int] = literal_column("found.id")
_HOW_MANY: ColumnElement[int] = literal_column("counted.how_many")
_CHOSEN_ID: ColumnElement[int] = literal_column("chosen.id")
_CHOSEN_KEY: ColumnElement[Any] = literal_column('chosen."key"')
_CHOSEN_TIE: ColumnElement[Any] = literal_column("chosen.tie")
_LISTED: dict[str, ColumnElement[Any]] = {
    name: literal_column(f"listed.{name}", of.type).label(name)
    for name, of in zip(ListedDevice._fields, _WHOLE, strict=True)
}


class SortKey(StrEnum):
    """What a list is sorted by; devices without a model come last."""

    SERIAL_NUMBER = "serial_number"
    MODEL = "model"
    FIRST_SEEN_AT = "first_seen_at"
    CHANGED_AT = "changed_at"


@dataclass(frozen=True, slots=True)
class Order:
    """The order of a list; among equals that of account (for serial numbers) or of arrival."""

    key: SortKey = SortKey.SERIAL_NUMBER
    descending: bool = False

    @property
    def tie(self) -> str:
        """The column that orders equals."""
        return "account_id" if self.key is SortKey.SERIAL_NUMBER else "id"


class Place(NamedTuple):
    """The last device of a page, and how the next page is found."""

    value: str | datetime | None
    tie: int
    is_dense: bool


@dataclass(frozen=True, slots=True)
class FoundPage:
    """A page of devices; `last` is where the next one goes on, None at the end.

    `total` is how many fit, but counts no further than `dense`; None where nobody asked.
    """

    rows: list[ListedDevice]
    last: Place | None
    total: int | None


async def page_of_devices(
    tx: AsyncConnection,
    wanted: DeviceFilter,
    order: Order,
    *,
    after: Place | None = None,
    limit: int,
    with_total: bool = False,
    dense: int = DENSE,
) -> FoundPage:
    """A page of the devices that fit, behind the one at `after`; totals count as far as `dense`."""
    rows: list[ListedDevice] | None = None
    total = None
    if not (after.is_dense if after is not None else _fits_the_index(wanted, order)):
        fitting, total = await by_filters(tx, wanted, dense=dense)
        if total != dense:
            rows, total = await _sorted(tx, fitting, order, after=after, limit=limit + 1, dense=dense)
    is_dense = rows is None
    if rows is None:
        rows = await _walked(tx, wanted, order, after=after, limit=limit + 1)
        if with_total and total is None:
            total = await count_up_to(dense, tx, _passing(tx, wanted, Order()))
    last = _place(rows[limit - 1], order, is_dense=is_dense) if len(rows) > limit else None
    return FoundPage(rows[:limit], last, total if with_total else None)


def _fits_the_index(wanted: DeviceFilter, order: Order) -> bool:
    """Whether (nearly) everything in the order's index fits: all live devices, or those of an account by serial."""
    if wanted != DeviceFilter(account_id=wanted.account_id, deleted=wanted.deleted) or wanted.deleted:
        return False
    return wanted.account_id is None or (order.key is SortKey.SERIAL_NUMBER and _is_live_of_account(wanted))


def _is_live_of_account(wanted: DeviceFilter) -> bool:
    return wanted.account_id is not None and wanted.deleted is False


async def _sorted(
    tx: AsyncConnection,
    fitting: list[ColumnElement[bool]],
    order: Order,
    *,
    after: Place | None,
    limit: int,
    dense: int,
) -> tuple[list[ListedDevice] | None, int]:
    """The next devices of those that fit, and how many fit; no devices where these are too many to sort."""
    found = select(devices.c.id).where(*fitting).limit(dense).cte("found")
    counted = select(func.count().label("how_many")).select_from(found).subquery("counted")
    are_few = select(_HOW_MANY).select_from(counted).scalar_subquery() < dense  # else not one of them is read
    key, tie = devices.c[order.key.value], devices.c[order.tie]
    some = select(devices.c.id, key.label("key"), tie.label("tie"))
    some = some.select_from(devices.join(found, devices.c.id == _FOUND_ID)).where(are_few)
    some = some if after is None else some.where(_beyond(after, order, key, tie))
    listed = _whole(some.order_by(*_directed(key, tie, order)).limit(limit), order).subquery("listed")
    both: Select[Any] = select(*_LISTED.values(), _HOW_MANY).select_from(counted.outerjoin(listed, true()))
    both = both.order_by(*_directed(_LISTED[order.key.value], _LISTED[order.tie], order))
    answer = (await tx.execute(both)).all()
    total = int(answer[0][-1])
    return (None if total == dense else _read([row for row in answer if row[0] is not None])), total


async def _walked(
    tx: AsyncConnection, wanted: DeviceFilter, order: Order, *, after: Place | None, limit: int
) -> list[ListedDevice]:
    """The next devices that are met by walking the index of the order."""
    key, tie = devices.c[order.key.value], devices.c[order.tie]
    passing = _passing(tx, wanted, order)
    statement = select(devices.c.id, key.label("key"), tie.label("tie")).where(*passing)
    rows: list[ListedDevice] = []
    for part in _parts(statement, order, after):
        some = part.limit(limit - len(rows))
        rows += _read((await tx.execute(_whole(some, order))).all())
        if len(rows) == limit:
            break
    return rows


def _passing(tx: AsyncConnection, wanted: DeviceFilter, order: Order) -> list[ColumnElement[bool]]:
    """The conditions as they leave the choice of the index to the order: a few filters have one in that very order."""
    by_index: tuple[str, ...] = ()
    if order.key is SortKey.SERIAL_NUMBER and _is_live_of_account(wanted):
        by_index = ("account_id", "deleted_at")
    elif order.key in (SortKey.SERIAL_NUMBER, SortKey.MODEL):
        by_index = ("device_family",)
    return [*conditions(wanted, tx, by_index=by_index).values()]


def _parts(statement: Select[Any], order: Order, after: Place | None) -> list[Select[Any]]:
    """The list in parts, each in the order of an index: what has a value, then what has none."""
    key, tie = devices.c[order.key.value], devices.c[order.tie]
    valued = statement.order_by(*[column.desc() if order.descending else column.asc() for column in (key, tie)])
    if after is not None and after.value is not None:
        valued = valued.where(_beyond_value(after, order, key, tie))
    if order.key is not SortKey.MODEL:
        return [valued]
    bare = statement.where(key.is_(None)).order_by(tie.desc() if order.descending else tie.asc())
    if after is not None and after.value is None:
        return [bare.where(_beyond(after, order, key, tie))]
    return [valued.where(key.is_not(None)), bare]


def _whole(some: Select[Any], order: Order) -> Select[Any]:
    """The devices that were chosen by their ids, as they are listed, in order again."""
    chosen = some.subquery("chosen").join(devices, devices.c.id == _CHOSEN_ID).join(accounts, _OF_ACCOUNT)
    return select(*_WHOLE).select_from(chosen).order_by(*_directed(_CHOSEN_KEY, _CHOSEN_TIE, order))


def _directed(key: ColumnElement[Any], tie: ColumnElement[Any], order: Order) -> Iterable[ColumnElement[Any]]:
    """Bare values last, whatever the direction."""
    return [key.is_(None), *[column.desc() if order.descending else column.asc() for column in (key, tie)]]


def _beyond(after: Place, order: Order, key: ColumnElement[Any], tie: ColumnElement[Any]) -> ColumnElement[bool]:
    """What follows in a list that ends with bare values."""
    if after.value is None:
        return key.is_(None) & (tie < after.tie if order.descending else tie > after.tie)
    beyond = _beyond_value(after, order, key, tie)
    return or_(beyond, key.is_(None)) if order.key is SortKey.MODEL else beyond


def _beyond_value(after: Place, order: Order, key: ColumnElement[Any], tie: ColumnElement[Any]) -> ColumnElement[bool]:
    here = tuple_(after.value, after.tie, types=[key.type, tie.type])
    return tuple_(key, tie) < here if order.descending else tuple_(key, tie) > here


def _place(row: ListedDevice, order: Order, *, is_dense: bool) -> Place:
    return Place(getattr(row, order.key.value), getattr(row, order.tie), is_dense)


def _read(rows: Sequence[Row[Any]]) -> list[ListedDevice]:
    width = len(ListedDevice._fields)
    return [ListedDevice._make(row[:width]) for row in rows]
