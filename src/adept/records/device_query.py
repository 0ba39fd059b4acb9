"""Which devices somebody asks for, in the words they use; and the same as the store takes it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from adept.store.accounts import account_named
from adept.store.database import Transaction
from adept.store.inventory import DeviceFilter

Deleted = Literal["false", "true", "any"]
SearchMode = Literal["contains", "prefix", "exact"]
SortKey = Literal["serial_number", "model", "first_seen_at", "changed_at"]
SORT_KEYS: tuple[SortKey, ...] = ("serial_number", "model", "first_seen_at", "changed_at")


@dataclass(frozen=True, kw_only=True)
class DeviceQuery:
    """Every one narrows; None asks for nothing particular. Times: `since` is included, `until` is not.

    `search` is a text in serial number, model, description, asset tag, IMEI, MEID, EID or a MAC address, in any case.
    """

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
    mode: SearchMode = "contains"


EVERYTHING = DeviceQuery()
_DELETED = {"false": False, "true": True, "any": None}


async def device_filter(tx: Transaction, query: DeviceQuery) -> DeviceFilter:
    """The query as the store takes it. NotFound for an unknown account."""
    account = await account_named(tx, query.account) if query.account is not None else None
    return DeviceFilter(
        account_id=account.id if account else None,
        family=query.family,
        status=query.status,
        profile_uuid=query.profile,
        deleted=_DELETED[query.deleted],
        search=query.search,
    )
