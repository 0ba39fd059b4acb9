"""Is the store what the simulator knows to be true, and does the feed tell it?"""

from __future__ import annotations

import json
from typing import Any

from adept.store import changes, inventory, outbox
from adept.store.accounts import account_by_id
from adept.store.database import Store
from adept.store.device_filters import DeviceFilter
from adept.sync.changes import content


async def assert_equals_the_truth(store: Store, account_id: int, truth: dict[str, bytes]) -> None:
    """The live devices of the account are exactly those of the simulator, with every field, and counted."""
    async with store.reading() as tx:
        wanted = DeviceFilter(account_id=account_id, deleted=False)
        rows = await inventory.device_rows(tx, wanted, limit=10_000_000)
        account = await account_by_id(tx, account_id)
    live = {row.serial_number: content(row.document) for row in rows}
    assert live == {serial: content(document) for serial, document in truth.items()}
    assert account is not None
    assert account.live_devices == len(live)


async def assert_the_feed_tells_every_change_once(store: Store, account_id: int) -> None:
    """Replaying the feed gives exactly the live devices; every change was one; every message covers its own."""
    async with store.reading() as tx:
        told = await changes.changes_after(tx, 0, account_id=account_id, limit=10_000_000)
        messages = await outbox.outbox_after(tx, 0, limit=10_000_000)
        wanted = DeviceFilter(account_id=account_id, deleted=False)
        rows = await inventory.device_rows(tx, wanted, limit=10_000_000)
    replayed: dict[str, dict[str, Any]] = {}
    for change in told:
        _replay(replayed, change)
    assert replayed == {row.serial_number: content(row.document) for row in rows}
    covered = [
        number
        for message in messages
        if message.account_id == account_id
        for number in range(message.first_change, message.last_change + 1)
    ]
    assert sorted(covered) == [change.id for change in told]
    assert len(set(covered)) == len(covered)


def _replay(replayed: dict[str, dict[str, Any]], change: changes.StoredChange) -> None:
    serial = change.serial_number
    if change.kind == "added":
        assert serial not in replayed, f"{serial} was added twice"
        assert change.after is not None
        replayed[serial] = content(change.after)
    elif change.kind == "deleted":
        assert change.before is not None
        assert replayed.pop(serial) == content(change.before)
    else:
        before, after = json.loads(change.before or ""), json.loads(change.after or "")
        assert before != after
        assert {key: replayed[serial][key] for key in before} == before
        replayed[serial] = {key: value for key, value in replayed[serial].items() if key not in before} | after
