"""Rows to write and read back, and times to write them at."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from adept.protocol.device import Device
from adept.store import accounts, devices
from adept.store.accounts import StoredAccount
from adept.store.database import Store
from adept.store.searched import searched_text

NOW = datetime(2026, 11, 20, 12, 0, 0, 123456, tzinfo=UTC)


async def an_account(tx: AsyncConnection, name: str = "hq") -> StoredAccount:
    """An account without a token."""
    return await accounts.add_account(tx, name, "https://mdmenrollment.apple.com", NOW)


def device_row(serial_number: str, **columns: Any) -> dict[str, Any]:
    """A live device as the engine writes it, with the columns given."""
    row: dict[str, Any] = {
        "serial_number": serial_number,
        "document": f'{{"serial_number":"{serial_number}"}}',
        "content_hash": b"0123456789abcdef",
        "model": "iPad Air",
        "description": "IPAD AIR WI-FI 64GB",
        "color": "SILVER",
        "asset_tag": None,
        "device_family": "iPad",
        "os": "iPadOS",
        "profile_status": "empty",
        "profile_uuid": None,
        "device_assigned_date": NOW,
        "op_type": None,
        "op_date": None,
        "first_seen_at": NOW,
        "changed_at": NOW,
        "deleted_at": None,
        "deleted_reason": None,
        "in_doubt": False,
    }
    row |= columns
    named = {name: row[name] for name in ("serial_number", "model", "description", "asset_tag")}
    return {"searched": searched_text(Device(**named)), **row}


def gone(serial_number: str, **columns: Any) -> dict[str, Any]:
    """A tombstone."""
    return device_row(serial_number, deleted_at=NOW, deleted_reason="deleted", **columns)


async def devices_of(tx: AsyncConnection, account_id: int, *serials: str) -> None:
    """Live devices with these serial numbers."""
    await devices.put(tx, account_id, [device_row(serial) for serial in serials])


async def somebody_waits(store: Store) -> None:
    """Return when a session of the database waits for a lock."""
    waiting = text(
        "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
    )
    async with asyncio.timeout(30):
        while True:
            async with store.reading() as tx:
                if (await tx.execute(waiting)).scalar_one():
                    return
