"""Holds as they are shown: the deletions that wait for a person."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import msgspec
from pydantic import BaseModel, ConfigDict, Field

from adept.errors import NotFound
from adept.store.accounts import account_named
from adept.store.database import Store
from adept.store.devices import documents
from adept.store.holds import StoredHold, holds_of, serials_held


class HoldRecord(BaseModel):
    """A hold: how many devices it would delete, and what was decided."""

    model_config = ConfigDict(frozen=True)

    id: int
    state: str = Field(description="open, confirmed, discarded or replaced (by the hold of a newer full fetch).")
    created_at: datetime
    devices: int = Field(description="Devices still in the hold.")
    live_devices: int = Field(description="Devices the account had when the hold was made.")
    decided_at: datetime | None
    deleted: int | None = Field(description="Devices deleted when it was confirmed.")
    pass_id: int = Field(description="The pass that made it.")


class HoldDetails(HoldRecord):
    """A hold with the devices that are in it."""

    serial_numbers: list[str]


@dataclass(frozen=True, slots=True)
class HeldDevice:
    """A device in a hold, as a person knows it; "" for what Apple did not say."""

    serial_number: str
    model: str = ""
    description: str = ""
    asset_tag: str = ""


def hold_record(row: StoredHold) -> HoldRecord:
    """A stored hold as it is shown in a list."""
    return HoldRecord(devices=len(serials_held(row)), **_columns(row))


def hold_details(row: StoredHold) -> HoldDetails:
    """A stored hold as it is shown by itself."""
    serials = serials_held(row)
    return HoldDetails(devices=len(serials), serial_numbers=serials, **_columns(row))


async def hold_list(store: Store, account: str) -> list[HoldRecord]:
    """Every hold of an account, decided ones too, the newest first. NotFound for an unknown account."""
    return [hold_record(row) for row in await _rows(store, account)]


async def one_hold(store: Store, account: str, hold_id: int) -> HoldDetails:
    """One hold of an account. NotFound where it has none of that id."""
    found = next((row for row in await _rows(store, account) if row.id == hold_id), None)
    if found is None:
        raise NotFound(f"account {account!r} has no hold {hold_id}", way_out=f"see adept accounts holds {account}")
    return hold_details(found)


async def held_devices(store: Store, account: str, serials: Sequence[str]) -> list[HeldDevice]:
    """What is known of devices in a hold of the account, in that order. NotFound for an unknown account."""
    async with store.reading() as tx:
        known = await documents(tx, (await account_named(tx, account)).id, serials)
    return [HeldDevice(serial, **_told(known.get(serial))) for serial in serials]


def _told(document: str | None) -> dict[str, str]:
    """What a person knows a device by, of Apple's JSON: only what is text."""
    said = msgspec.json.decode(document) if document else {}
    return {key: said[key] for key in ("model", "description", "asset_tag") if isinstance(said.get(key), str)}


async def _rows(store: Store, account: str) -> list[StoredHold]:
    async with store.reading() as tx:
        return await holds_of(tx, (await account_named(tx, account)).id)


def _columns(row: StoredHold) -> dict[str, Any]:
    return {name: getattr(row, name) for name in HoldRecord.model_fields if name != "devices"}
