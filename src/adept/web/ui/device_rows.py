"""Devices as rows of a table: of Apple's document what somebody looks for first. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import quote

import msgspec

from adept.store.inventory import ListedDevice, StoredDevice

_decode = msgspec.json.Decoder().decode


@dataclass(frozen=True, slots=True)
class DeviceRow:
    """A row; what Apple leaves out, or says in a type of its own, is None."""

    id: int
    account: str
    serial_number: str
    path: str
    model: str | None
    description: str | None
    asset_tag: str | None
    family: str | None
    profile_status: str | None
    first_seen_at: datetime
    changed_at: datetime
    deleted_at: datetime | None
    deleted_reason: str | None


def device_row(device: ListedDevice | StoredDevice) -> DeviceRow:
    """The row of a device."""
    said: dict[str, Any] = _decode(device.document)
    return DeviceRow(
        device.id,
        device.account_name,
        device.serial_number,
        device_path(device.account_name, device.serial_number),
        _text(said.get("model")),
        _text(said.get("description")),
        _text(said.get("asset_tag")),
        _text(said.get("device_family")),
        _text(said.get("profile_status")),
        device.first_seen_at,
        device.changed_at,
        device.deleted_at,
        device.deleted_reason,
    )


def device_path(account: str, serial: str) -> str:
    """Where the page of a device is."""
    return f"/devices/{quote(account, safe='')}/{quote(serial, safe='')}"


def _text(value: object) -> str | None:
    return value or None if isinstance(value, str) else None
