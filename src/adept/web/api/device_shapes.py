"""Devices as the API takes and describes them. What is answered is written by msgspec from the store's rows."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

from fastapi import Path
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, JsonValue

from adept.records.device_query import Deleted, DeviceQuery, Mode
from adept.records.device_query import Field as SearchedField
from adept.store.device_pages import SortKey

_DEVICE: dict[str, JsonValue] = {
    "account": "hq",
    "serial_number": "C02XK1ZZJHD5",
    "model": "MacBook Air",
    "description": "MBA 13.6 MIDNIGHT 8C 16GB 256GB",
    "color": "MIDNIGHT",
    "device_family": "Mac",
    "os": "OSX",
    "profile_status": "empty",
    "device_assigned_date": "2026-03-01T12:00:00Z",
    "first_seen_at": "2026-03-01T12:30:00.123456Z",
    "deleted_at": None,
    "deleted_reason": None,
    "changed_at": "2026-03-01T12:30:00.123456Z",
}

Serial = Annotated[str, Path(max_length=64, description="The serial number, in any case.", examples=["C02XK1ZZJHD5"])]


class DeviceFilters(BaseModel):
    """Every one narrows; without any, all live devices."""

    account: str | None = Field(default=None, max_length=64, description="Of this account.")
    family: str | None = Field(default=None, max_length=64, description="Of this family, in any case: iPad, Mac, …")
    status: str | None = Field(
        default=None, max_length=64, description="With this profile status: empty, assigned, pushed or removed."
    )
    profile: str | None = Field(default=None, max_length=64, description="With this profile, by its UUID.")
    deleted: Deleted = Field(default="false", description="`true` for those that are gone, `any` for both.")
    first_seen_since: AwareDatetime | None = Field(default=None, description="First seen then or later.")
    first_seen_until: AwareDatetime | None = Field(default=None, description="First seen before then.")
    changed_since: AwareDatetime | None = Field(default=None, description="Changed then or later.")
    changed_until: AwareDatetime | None = Field(default=None, description="Changed before then.")
    deleted_since: AwareDatetime | None = Field(default=None, description="Gone then or later.")
    deleted_until: AwareDatetime | None = Field(default=None, description="Gone before then.")
    search: str | None = Field(
        default=None,
        max_length=200,
        description="A text in serial number, model, description, asset tag, IMEI, MEID, EID or a MAC address, in any "
        "case.",
    )
    mode: Mode = Field(
        default="contains", description="How a value must match the text; `exact` and `prefix` are faster."
    )
    field: SearchedField = Field(default="any", description="`serial_number` looks in that alone, and is faster.")

    def query(self) -> DeviceQuery:
        """The filters as everybody else takes them."""
        return DeviceQuery(**{name: getattr(self, name) for name in DeviceFilters.model_fields})


class DeviceListing(DeviceFilters):
    """Filters, order and place of a list."""

    sort: SortKey = Field(default=SortKey.SERIAL_NUMBER, description="Devices without a model come last.")
    order: Literal["asc", "desc"] = "asc"
    cursor: str | None = Field(default=None, max_length=2000, description="The next_cursor of the page before.")
    limit: int = Field(default=100, ge=1, le=1000, description="How many at most.")


class DeviceShape(BaseModel):
    """A device: Apple's keys as Apple sent them, those that this version doesn't know too, beside ours."""

    model_config = ConfigDict(extra="allow", json_schema_extra={"examples": [_DEVICE]})

    account: str
    serial_number: str
    first_seen_at: datetime
    deleted_at: datetime | None = Field(description="Since when it is gone; null for a live device.")
    deleted_reason: str | None = Field(description="Why it is gone.")
    changed_at: datetime = Field(description="When a pass last found something new about it.")


class DeviceListShape(BaseModel):
    """A page of devices."""

    items: list[DeviceShape]
    next_cursor: str | None = Field(description="Where the list goes on; null at its end.")
    total: int | None = Field(default=None, description="With the first page: how many there are, up to 10,000.")
    total_is_capped: bool | None = Field(default=None, description="Whether there may be more than `total`.")


class Differences(BaseModel):
    """The keys whose values differ."""

    stored: dict[str, Any]
    apple: dict[str, Any]


class LiveDeviceShape(BaseModel):
    """What Apple says of a device right now."""

    found: bool = Field(description="Whether Apple has it for this MDM server.")
    status: str | None = Field(description="Apple's word for it: SUCCESS, NOT_FOUND, NOT_ACCESSIBLE, …")
    device: dict[str, Any] | None = Field(description="As Apple describes it.")
    differences: Differences | None = Field(
        description="Against what is stored; null where there is nothing to compare."
    )
