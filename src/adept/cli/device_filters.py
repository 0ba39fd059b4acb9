"""Which devices a command is about: the options that `adept devices …` share."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from adept.errors import Misuse

if TYPE_CHECKING:
    from adept.records.device_query import DeviceQuery


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
        Parameter(
            help="With this text in serial number, model, description, asset tag, IMEI, MEID or a MAC address.",
            allow_leading_hyphen=True,
        ),
    ] = None
    limit: Annotated[int | None, Parameter(help="No more than so many; default: all.")] = None


EVERYTHING = Filters()


def device_query(filters: Filters) -> DeviceQuery:
    """The filters in the words that the desks take. Raises Misuse for an impossible limit."""
    from adept.records.device_query import DeviceQuery

    if filters.limit is not None and filters.limit < 1:
        raise Misuse(f"--limit must be at least 1, not {filters.limit}")
    return DeviceQuery(
        account=filters.account,
        family=filters.family,
        status=filters.status,
        profile=filters.profile,
        deleted="true" if filters.deleted else "false",
        search=filters.search,
    )
