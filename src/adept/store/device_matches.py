"""How the devices that fit are found, whatever the order they are wanted in.

There are indexes for each order and for each filter, but none for each pair of them, and which of the two is the right
one depends on how many devices fit: `DENSE` or more, and whoever walks the index of an order soon meets enough of
them; fewer, and they are found by a filter and sorted.

PostgreSQL chooses how to find them by its statistics. SQLite has none and is told: by the index of the filter that
leaves the fewest, or else by `ix_devices_all` from end to end, which holds all that can be asked for.
"""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from adept.store.device_filters import DeviceFilter, SearchField, SearchMode, conditions, is_by_value
from adept.store.device_values import newest_id
from adept.store.dialects import is_sqlite, numbers_among
from adept.store.tables import devices

DENSE = 10_000  # devices
_GLANCE, _SAMPLE = 200, 2_000  # devices
_MANY = 3  # times as many as would be dense
_SURE = 50  # so many in the sample, and a third of them would be no accident
_INDEXED = frozenset(
    {
        "id",
        "serial_number",
        "account_id",
        "profile_uuid",
        "device_family",
        "profile_status",
        "first_seen_at",
        "changed_at",
    }
)


async def by_filters(
    tx: AsyncConnection, wanted: DeviceFilter, *, dense: int = DENSE
) -> tuple[list[ColumnElement[bool]], int | None]:
    """The conditions as they find the devices without regard to any order.

    Beside them how many fit, as far as `dense`, where that was found out on the way.
    """
    if _is_part_of_serial(wanted):
        found = await _with_that_serial(tx, wanted, dense=dense)
        if len(found) < dense:
            return [numbers_among(devices.c.id, found, tx), *conditions(wanted, tx, by_index=()).values()], None
    if is_by_value(wanted):
        if await _are_surely_many(tx, wanted, dense=dense):
            return [*conditions(wanted, tx, by_index=()).values()], dense
        return [*conditions(wanted, tx, by_index=("searched",)).values()], None
    if not is_sqlite(tx):
        return [*conditions(wanted, tx).values()], None
    counts = await _counts(tx, wanted, dense=dense)
    best = min(counts, key=lambda name: counts[name], default=None)
    is_all = len(conditions(wanted, tx).keys() - {"deleted_at"}) <= 1  # the index says it, live or gone
    if best is not None and (is_all or counts[best] < dense):
        fitting = conditions(wanted, tx, by_index=(best, "deleted_at"))
        return [*fitting.values()], counts[best] if is_all else None
    return [*conditions(wanted, tx, by_index=()).values()], None


async def _are_surely_many(tx: AsyncConnection, wanted: DeviceFilter, *, dense: int) -> bool:
    """Whether by far more than `dense` devices fit, as one in so many of all devices tells.

    How values begin is looked up in an index that takes longer the more of them do: a sample is quicker then. Most
    beginnings are rare, and are not even met at a glance.
    """
    if wanted.mode is SearchMode.EXACT:
        return False
    newest = await newest_id(tx)
    if newest < _MANY * dense:
        return False
    fitting = conditions(wanted, tx, by_index=()).values()
    for step in (max(1, newest // _GLANCE), max(1, newest // _SAMPLE)):
        sample = numbers_among(devices.c.id, range(step, newest + 1, step), tx)
        count = await count_up_to(2 * _SAMPLE, tx, [sample, *fitting])
        if count == 0:
            return False
    return count >= _SURE and count * step > _MANY * dense


async def _with_that_serial(tx: AsyncConnection, wanted: DeviceFilter, *, dense: int) -> Sequence[int]:
    """The ids of devices whose serial number has the words in it, at most `dense`.

    Serial numbers alone are a thirtieth of all that is kept: they are read in their index, the rest of those that fit
    afterwards.
    """
    key = devices.c.serial_number, devices.c.account_id
    found = select(*key).where(conditions(wanted, tx)["serial_number"]).limit(dense).subquery("found")
    same = (devices.c.serial_number == found.c.serial_number) & (devices.c.account_id == found.c.account_id)
    return (await tx.execute(select(devices.c.id).select_from(found.join(devices, same)))).scalars().all()


async def _counts(tx: AsyncConnection, wanted: DeviceFilter, *, dense: int) -> dict[str, int]:
    """How many devices, live or gone as wanted, the index of each condition leaves; each is read in its index alone."""
    told = conditions(wanted, tx)
    there = told.pop("deleted_at", None)
    names = [name for name in told if name in _INDEXED and not (name == "serial_number" and _is_part_of_serial(wanted))]
    counts = {name: await count_up_to(dense, tx, _both(told[name], there)) for name in names}
    if there is not None and wanted.deleted:
        counts["deleted_at"] = await count_up_to(dense, tx, [there])
    return counts


def _both(condition: ColumnElement[bool], there: ColumnElement[bool] | None) -> list[ColumnElement[bool]]:
    return [condition] if there is None else [condition, there]


def _is_part_of_serial(wanted: DeviceFilter) -> bool:
    is_contained = wanted.mode is SearchMode.CONTAINS
    return bool(wanted.search) and wanted.field is SearchField.SERIAL_NUMBER and is_contained


async def count_up_to(most: int, tx: AsyncConnection, fitting: list[ColumnElement[bool]]) -> int:
    """How many devices fit; counts no further than `most`."""
    some = select(devices.c.id).where(*fitting).limit(most).subquery()
    return int((await tx.execute(select(func.count()).select_from(some))).scalar_one())
