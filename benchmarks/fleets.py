"""A big inventory, written straight into the store as passes would leave it: for whoever measures reading.

`python -m benchmarks.fleets DATABASE_URL DEVICES ACCOUNTS` makes it: so many devices of the simulator's, spread over so
many accounts, a third of them assigned or pushed, one in fifty a tombstone, seen and changed over a year.
"""

from __future__ import annotations

import asyncio
import itertools
import random
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

from adept.accounts.registry import add
from adept.protocol.device import Device, decode_device
from adept.simulator.fleet import Fleet
from adept.store import devices
from adept.store.accounts import account_named, count_live
from adept.store.audit import ADEPT
from adept.store.database import Store, open_store
from adept.store.searched import searched_text
from adept.sync.changes import content_hash
from benchmarks.passes import KEY, connect, now

PAGE = 1000
BEGAN = datetime(2025, 11, 1, tzinfo=UTC)
PROFILES = tuple(f"{number:032X}" for number in range(40))


async def fill(store: Store, count: int, accounts: int) -> None:
    """Write the inventory."""
    dice = random.Random(7)
    ids = []
    for number in range(accounts):
        await add(
            store,
            f"account-{number:03}",
            base_url="https://mdmenrollment.apple.com",
            by=ADEPT,
            now=now,
            connect=connect,
        )
    async with store.reading() as tx:
        ids = [(await account_named(tx, f"account-{number:03}")).id for number in range(accounts)]
    fleet = Fleet(1).founding(count)
    for number, page in enumerate(_pages(fleet)):
        seen = BEGAN + timedelta(minutes=number * 400_000 / max(1, count // PAGE))
        async with store.writing() as tx:
            account_id, rows = dice.choice(ids), [row(document, dice, seen) for document in page]
            await devices.put(tx, account_id, rows)
            await count_live(tx, account_id, sum(row["deleted_at"] is None for row in rows))


def _pages(fleet: dict[str, bytes]) -> Iterator[list[bytes]]:
    documents = iter(fleet.values())
    while page := list(itertools.islice(documents, PAGE)):
        yield page


def row(document: bytes, dice: random.Random, seen: datetime) -> dict[str, Any]:
    """A device as a pass writes it."""
    device = decode_device(document)
    assert isinstance(device, Device)
    status = dice.choices(("empty", "assigned", "pushed", "removed"), (60, 20, 19.9, 0.1))[0]
    changed = seen + timedelta(days=dice.expovariate(0.1)) if dice.random() < 0.3 else seen
    is_gone = dice.random() < 0.02
    return {
        "serial_number": device.serial_number,
        "op_type": None,
        "op_date": None,
        "in_doubt": False,
        "deleted_at": changed if is_gone else None,
        "deleted_reason": "deleted" if is_gone else None,
        "document": document.decode(),
        "content_hash": content_hash(document),
        "model": device.model,
        "description": device.description,
        "color": device.color,
        "asset_tag": device.asset_tag,
        "device_family": device.device_family,
        "os": device.os,
        "profile_status": status,
        "profile_uuid": None if status == "empty" else dice.choice(PROFILES),
        "device_assigned_date": device.device_assigned_date,
        "first_seen_at": seen,
        "changed_at": changed,
        "searched": searched_text(device),
    }


async def main(url: str, count: str, accounts: str) -> None:
    """Open, fill, and let PostgreSQL look at what it has, as its autovacuum would within minutes."""
    async with open_store(url, secret_keys=[KEY], data_dir=None, migrate=True) as store:
        await fill(store, int(count), int(accounts))


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
