"""Which devices somebody asks for, in the words they use; and the same as the store takes it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from adept.store.accounts import account_named
from adept.store.database import Transaction
from adept.store.device_filters import DeviceFilter, SearchField, SearchMode

Deleted = Literal["false", "true", "any"]
Mode = Literal["contains", "prefix", "exact"]
Field = Literal["any", "serial_number"]


@dataclass(frozen=True, kw_only=True)
class DeviceQuery:
    """Every one narrows; None asks for nothing particular. Times: `since` is included, `until` is not.

    `ids` are those of ListedDevice: devices that somebody picked one by one.

    `search` is a text in serial number, model, description, asset tag, IMEI, MEID, EID or a MAC address, in any case;
    with `field` serial_number in that alone, which is faster.
    """

    ids: tuple[int, ...] | None = None
    account: str | None = None
    family: str | None = None
    status: str | None = None
    profile: str | None = None
    deleted: Deleted = "false"
    first_seen_since: datetime | None = None
    first_seen_until: datetime | None = None
    changed_since: datetime | None = None
    changed_until: datetime | None = None
    deleted_since: datetime | None = None
    deleted_until: datetime | None = None
    search: str | None = None
    mode: Mode = "contains"
    field: Field = "any"


EVERYTHING = DeviceQuery()
_DELETED = {"false": False, "true": True, "any": None}


async def device_filter(tx: Transaction, query: DeviceQuery) -> DeviceFilter:
    """The query as the store takes it. NotFound for an unknown account."""
    account = await account_named(tx, query.account) if query.account is not None else None
    return DeviceFilter(
        ids=query.ids,
        account_id=account.id if account else None,
        family=query.family,
        status=query.status,
        profile_uuid=query.profile,
        deleted=_DELETED[query.deleted],
        first_seen_since=query.first_seen_since,
        first_seen_until=query.first_seen_until,
        changed_since=query.changed_since,
        changed_until=query.changed_until,
        deleted_since=query.deleted_since,
        deleted_until=query.deleted_until,
        search=query.search,
        mode=SearchMode(query.mode),
        field=SearchField(query.field),
    )
