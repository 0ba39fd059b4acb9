"""Which devices a command is about: the options that `adept devices …` share."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from adept.errors import Misuse

if TYPE_CHECKING:
    from adept.store.database import Transaction
    from adept.store.inventory import DeviceFilter


@Parameter(name="*")
@dataclass(frozen=True, kw_only=True)
class Filters:
    """Every one narrows; none of them means all live devices."""

    account: Annotated[str | None, Parameter(help="Of this account.")] = None
    family: Annotated[str | None, Parameter(help="Of this family: iPad, iPhone, Mac, AppleTV, …")] = None
    status: Annotated[str | None, Parameter(help="With this profile status: empty, assigned, pushed or removed.")] = (
        None
    )
    profile: Annotated[str | None, Parameter(help="With this profile, by its UUID.")] = None
    deleted: Annotated[bool, Parameter(help="Devices that are gone, instead of those that are there.")] = False
    search: Annotated[
        str | None,
        Parameter(help="With this text in serial number, description, asset tag or model.", allow_leading_hyphen=True),
    ] = None
    limit: Annotated[int | None, Parameter(help="No more than so many; default: all.")] = None


EVERYTHING = Filters()


async def device_filter(tx: Transaction, filters: Filters) -> DeviceFilter:
    """The filters as the store takes them. Raises Misuse for an unknown account and for an impossible limit."""
    from adept.store.accounts import account_named
    from adept.store.inventory import DeviceFilter

    if filters.limit is not None and filters.limit < 1:
        raise Misuse(f"--limit must be at least 1, not {filters.limit}")
    account = await account_named(tx, filters.account) if filters.account is not None else None
    return DeviceFilter(
        account_id=account.id if account else None,
        family=filters.family,
        status=filters.status,
        profile_uuid=filters.profile,
        deleted=filters.deleted,
        search=filters.search,
    )
