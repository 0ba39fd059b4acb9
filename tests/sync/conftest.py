"""An account of a scripted Apple, on both engines."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import pytest

from adept.accounts.registry import add
from adept.jobs.account_pass import run_pass
from adept.store import changes, holds, inventory, outbox, passes
from adept.store.accounts import StoredAccount, account_named, all_accounts
from adept.store.audit import ADEPT
from adept.store.changes import StoredChange
from adept.store.database import Store
from adept.store.device_filters import DeviceFilter
from adept.store.devices import live_count
from adept.store.holds import StoredHold
from adept.store.inventory import StoredDevice
from adept.store.passes import StoredPass
from adept.sync.outcome import PassKind, PassOutcome
from tests.sync.apple import Clock, ScriptedApple, server_token

URL = "https://apple.example"


@dataclass
class Desk:
    """What a test of the engine works with: the account "hq" of a scripted Apple."""

    store: Store
    apple: ScriptedApple
    clock: Clock

    async def walk(self, kind: PassKind = PassKind.SYNC, name: str = "hq") -> PassOutcome:
        return await run_pass(self.store, name, kind=kind, connect=self.apple.connect, now=self.clock, holder="test")

    async def sync(self) -> PassOutcome:
        """A pass that must end well."""
        outcome = await self.walk()
        assert outcome.error is None, outcome.error
        return outcome

    async def full(self) -> PassOutcome:
        outcome = await self.walk(PassKind.FULL)
        assert outcome.error is None, outcome.error
        return outcome

    async def account(self, name: str = "hq") -> StoredAccount:
        async with self.store.reading() as tx:
            return await account_named(tx, name)

    async def rows(self, name: str = "hq") -> dict[str, StoredDevice]:
        account = await self.account(name)
        async with self.store.reading() as tx:
            wanted = DeviceFilter(account_id=account.id, deleted=None)
            return {row.serial_number: row for row in await inventory.device_rows(tx, wanted, limit=100_000)}

    async def live(self, name: str = "hq") -> set[str]:
        return {serial for serial, row in (await self.rows(name)).items() if row.deleted_at is None}

    async def dead(self, name: str = "hq") -> dict[str, str | None]:
        return {serial: row.deleted_reason for serial, row in (await self.rows(name)).items() if row.deleted_at}

    async def document(self, serial: str) -> dict[str, Any]:
        document: dict[str, Any] = json.loads((await self.rows())[serial].document)
        return document

    async def changes(self, after: int = 0) -> list[StoredChange]:
        async with self.store.reading() as tx:
            return await changes.changes_after(tx, after, limit=100_000)

    async def told(self, after: int = 0) -> list[tuple[str, str]]:
        """What the feed says: kind and serial number, in order."""
        return [(change.kind, change.serial_number) for change in await self.changes(after)]

    async def messages(self) -> list[outbox.StoredMessage]:
        async with self.store.reading() as tx:
            return await outbox.outbox_after(tx, 0, limit=100_000)

    async def passes(self) -> list[StoredPass]:
        account = await self.account()
        async with self.store.reading() as tx:
            return list(reversed(await passes.passes_of(tx, account.id, limit=1000)))

    async def open_hold(self) -> StoredHold | None:
        account = await self.account()
        async with self.store.reading() as tx:
            return await holds.open_hold(tx, account.id)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def apple(clock: Clock) -> ScriptedApple:
    return ScriptedApple(clock)


@pytest.fixture
async def desk(store: Store, apple: ScriptedApple, clock: Clock) -> AsyncIterator[Desk]:
    """At the end of each test its accounts must know how many live devices they have."""
    await add(store, "hq", base_url=URL, by=ADEPT, now=clock, connect=apple.connect, token=server_token())
    yield Desk(store, apple, clock)
    async with store.reading() as tx:
        for account in await all_accounts(tx):
            assert account.live_devices == await live_count(tx, account.id), account.name
