"""The desk over a database: what commands do with stored data, done in this process.

Has the methods of `remote_desk.RemoteDesk`; each is one call of the functions that the service calls as well. What
only some commands need, and is slow to import (the client, the opening of token files), is imported by those.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from typing import TYPE_CHECKING, Literal

from adept.cli.storage import connect, person
from adept.records import accounts, holds, passes
from adept.records.changes import ChangeDocument, change_document
from adept.records.device_export import ExportForm, export_devices
from adept.records.device_lists import device_batches, one_device
from adept.records.device_query import DeviceQuery
from adept.records.devices import DeviceDocument, device_document
from adept.records.feed import feed_page
from adept.records.lists import ItemList
from adept.records.tokens import TokenOutcomeRecord, token_outcome_record
from adept.store.accounts import account_named
from adept.sync import holds as decisions

if TYPE_CHECKING:
    from adept.cli.account_change import AccountEdit
    from adept.cli.pass_ends import Ended
    from adept.protocol.server_token import ServerToken
    from adept.records.accounts import AccountDetails, AccountRecord
    from adept.records.holds import HoldDetails
    from adept.records.passes import PassRecord
    from adept.store.database import Store

CHANGES = 1000  # read at a time


class LocalDesk:
    """Works on an open store, in the name of whoever typed the command."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.source = f"database {store.place.label}"

    async def accounts(self) -> list[AccountRecord]:
        """Every account, by name."""
        return await accounts.account_list(self.store)

    async def account(self, name: str) -> AccountDetails:
        """One account."""
        return await accounts.account_details(self.store, name)

    async def add_account(self, name: str, *, base_url: str | None, token: ServerToken | None) -> AccountDetails:
        """Add an account, with its decrypted token if there is one; without a URL it is Apple's."""
        from adept.accounts import registry
        from adept.client.setup import APPLE_URL

        account, _ = await registry.add(
            self.store,
            name,
            base_url=base_url or APPLE_URL,
            token=token,
            connect=connect,
            by=person(),
            now=self.store.now,
        )
        return await self.account(account.name)

    async def change_account(self, name: str, edit: AccountEdit) -> AccountDetails:
        """Change the account, whatever it is now."""
        from adept.accounts import registry

        account = await registry.change(self.store, name, version=None, by=person(), now=self.store.now, **edit)
        return await self.account(account.name)

    async def certificate(self, name: str) -> bytes:
        """The account's certificate for Apple's portal (PEM)."""
        from adept.accounts import exchange

        return await exchange.certificate(self.store, name, by=person(), now=self.store.now)

    async def upload_token(
        self, name: str, data: bytes, *, key: bytes | None, replace_server: bool
    ) -> TokenOutcomeRecord:
        """Take a `.p7m` of Apple's portal."""
        from adept.accounts import exchange

        outcome = await exchange.upload_token(
            self.store,
            name,
            data,
            key=key,
            replace_server=replace_server,
            connect=connect,
            by=person(),
            now=self.store.now,
        )
        return token_outcome_record(outcome)

    async def pause(self, name: str) -> None:
        """Walk the account no more."""
        from adept.accounts import registry

        await registry.pause(self.store, name, by=person(), now=self.store.now)

    async def resume(self, name: str) -> None:
        """Walk it again."""
        from adept.accounts import registry

        await registry.resume(self.store, name, by=person(), now=self.store.now)

    async def remove(self, name: str) -> int:
        """Remove the account; returns how many live devices it had."""
        from adept.accounts import registry

        return await registry.remove(self.store, name, by=person(), now=self.store.now)

    async def sync(self, name: str, *, full: bool, no_wait: bool, on_devices: Callable[[int], None]) -> Ended:
        """Walk the account to the end, or follow whoever does."""
        from adept.cli.local_sync import walk_here

        return await walk_here(self.store, name, full=full, no_wait=no_wait, on_devices=on_devices)

    async def holds(self, name: str) -> list[HoldDetails]:
        """The account's holds with their devices, the newest first."""
        found = await holds.hold_list(self.store, name)
        return [await holds.one_hold(self.store, name, hold.id) for hold in found]

    async def decide_hold(self, name: str, hold_id: int, decision: Literal["confirm", "discard"]) -> int:
        """Confirm or discard a hold; returns how many devices that deleted."""
        async with self.store.reading() as tx:
            account = await account_named(tx, name)
        if decision == "confirm":
            return await decisions.confirm(self.store, account, hold_id, by=person(), now=self.store.now())
        await decisions.discard(self.store, account, hold_id, by=person(), now=self.store.now())
        return 0

    async def passes(self, account: str | None, *, cursor: str | None, limit: int) -> ItemList[PassRecord]:
        """Passes of one account or of all, the newest first."""
        return await passes.pass_list(self.store, account, cursor=cursor, limit=limit)

    async def devices(self, query: DeviceQuery, *, limit: int | None) -> AsyncGenerator[list[DeviceDocument]]:
        """Devices by serial number, in lists that fit into memory."""
        left = limit
        async with aclosing(device_batches(self.store, query)) as batches:
            async for batch in batches:
                found = batch if left is None else batch[:left]
                yield [device_document(row) for row in found]
                if left is not None and (left := left - len(found)) <= 0:
                    return

    async def device(self, serial: str, account: str | None) -> DeviceDocument:
        """One device: the one that is there, else the one that went last."""
        return device_document(await one_device(self.store, serial, account=account))

    def export(self, query: DeviceQuery, *, form: ExportForm, limit: int | None) -> AsyncGenerator[tuple[bytes, int]]:
        """A file of devices in chunks, each with the number of devices in it."""
        return export_devices(self.store, query, form=form, limit=limit)

    async def changes(
        self,
        *,
        account: str | None = None,
        serial: str | None = None,
        cursor: str | None = None,
        limit: int | None = None,
    ) -> AsyncGenerator[list[ChangeDocument]]:
        """Changes after the cursor, oldest first, in lists that fit into memory, none of them empty."""
        left = limit
        while size := CHANGES if left is None else min(left, CHANGES):
            page = await feed_page(self.store, account=account, serial=serial, cursor=cursor, limit=size)
            if not page.items:
                return
            yield [change_document(row) for row in page.items]
            cursor = page.next_cursor
            left = None if left is None else left - len(page.items)

    async def feed(self, cursor: str | None) -> tuple[list[ChangeDocument], str]:
        """The next changes of the feed, possibly none, and the cursor to go on with. CursorExpired for another's."""
        page = await feed_page(self.store, cursor=cursor, limit=CHANGES)
        return [change_document(row) for row in page.items], page.next_cursor
