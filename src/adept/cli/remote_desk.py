"""The desk over a running service: what commands do with stored data, asked of its API.

Has the methods of `local_desk.LocalDesk`, with the same answers and errors.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import aclosing
from typing import TYPE_CHECKING, Any, Literal
from urllib.parse import quote

import msgspec

from adept.cli.output import warn
from adept.cli.pass_ends import Ended, busy
from adept.errors import Misuse, NotFound
from adept.protocol.device import fold_serial
from adept.records.accounts import AccountDetails, AccountRecord
from adept.records.changes import ChangeDocument
from adept.records.device_query import DeviceQuery
from adept.records.devices import DeviceDocument, plain
from adept.records.holds import HoldDetails, HoldRecord
from adept.records.lists import ItemList
from adept.records.passes import PassRecord
from adept.records.tokens import TokenOutcomeRecord
from adept.store.accounts import read_name

if TYPE_CHECKING:
    from adept.cli.account_change import AccountEdit
    from adept.cli.remote import Remote
    from adept.protocol.server_token import ServerToken
    from adept.records.device_export import ExportForm

ASK_EVERY_S = 0.5  # how a pass that is followed stands
WONDER_AFTER_S = 10.0  # a pass that is still queued then
PAGE = 1000  # the most that the API gives at a time
BATCH = 500

_members = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode
_documents = msgspec.json.Decoder(list[dict[str, msgspec.Raw]]).decode


class RemoteDesk:
    """Works through a service's API, in the name of the API key's owner."""

    def __init__(self, remote: Remote) -> None:
        self.remote = remote
        self.source = f"service {remote.url}"

    async def accounts(self) -> list[AccountRecord]:
        """Every account, by name."""
        found: list[AccountRecord] = []
        cursor: str | None = None
        while True:
            page = await self.remote.one(ItemList[AccountRecord], "GET", "/accounts", params=_given(cursor=cursor))
            found += page.items
            if (cursor := page.next_cursor) is None:
                return found

    async def account(self, name: str) -> AccountDetails:
        """One account."""
        return await self.remote.one(AccountDetails, "GET", _account(name))

    async def add_account(self, name: str, *, base_url: str | None, token: ServerToken | None) -> AccountDetails:
        """Add an account, with its decrypted token if there is one; without a URL it is the service's own."""
        body = _given(name=name, base_url=base_url, token=msgspec.json.decode(token.to_json()) if token else None)
        return await self.remote.one(AccountDetails, "POST", "/accounts", json=body)

    async def change_account(self, name: str, edit: AccountEdit) -> AccountDetails:
        """Change the account as it is now; Conflict where somebody else changes it at the same moment."""
        version = (await self.account(name)).version
        seen = {"If-Match": f'"v{version}"'}
        return await self.remote.one(AccountDetails, "PUT", _account(name), json=edit, headers=seen)

    async def certificate(self, name: str) -> bytes:
        """The account's certificate for Apple's portal (PEM)."""
        return await self.remote.body("GET", f"{_account(name)}/certificate")

    async def upload_token(
        self, name: str, data: bytes, *, key: bytes | None, replace_server: bool
    ) -> TokenOutcomeRecord:
        """Take a `.p7m` of Apple's portal."""
        files = _given(file=("token.p7m", data), key=("key.pem", key) if key is not None else None)
        params = {"replace_server": str(replace_server).lower()}
        return await self.remote.one(TokenOutcomeRecord, "PUT", f"{_account(name)}/token", files=files, params=params)

    async def pause(self, name: str) -> None:
        """Walk the account no more."""
        await self.remote.body("PUT", f"{_account(name)}/pause")

    async def resume(self, name: str) -> None:
        """Walk it again."""
        await self.remote.body("DELETE", f"{_account(name)}/pause")

    async def remove(self, name: str) -> int:
        """Remove the account; returns how many live devices it had."""
        answer = await self.remote.document("DELETE", _account(name), params={"confirm": read_name(name)})
        return msgspec.json.decode(answer["devices"], type=int)

    async def sync(self, name: str, *, full: bool, no_wait: bool, on_devices: Callable[[int], None]) -> Ended:
        """Have the account walked, and follow the pass to its end; Busy if `no_wait` and one is running."""
        if no_wait:
            last = (await self.account(name)).last_pass
            if last is not None and last.state == "running":
                raise busy(last.account)
        body = {"kind": "full" if full else "sync"}
        record = await self.remote.one(PassRecord, "POST", f"{_account(name)}/passes", json=body)
        if record.state == "running":
            warn(f"another process is walking account {record.account}: following it")
        record = await self._followed(record, on_devices)
        hold = (await self.account(record.account)).hold
        return Ended(record, hold if hold is not None and hold.pass_id == record.id else None)

    async def _followed(self, record: PassRecord, on_devices: Callable[[int], None]) -> PassRecord:
        """The pass when it has ended; says so once where nobody begins with it."""
        asked_at, wondered = time.monotonic(), False
        while record.state in ("queued", "running"):
            if record.state == "queued" and not wondered and time.monotonic() - asked_at > WONDER_AFTER_S:
                warn("the pass is still waiting its turn; a service that was started with --no-worker walks none")
                wondered = True
            on_devices(record.devices)
            await asyncio.sleep(ASK_EVERY_S)
            record = await self.remote.one(PassRecord, "GET", f"/passes/{record.id}")
        return record

    async def holds(self, name: str) -> list[HoldDetails]:
        """The account's holds with their devices, the newest first."""
        path = f"{_account(name)}/holds"
        found = await self.remote.one(ItemList[HoldRecord], "GET", path)
        return [await self.remote.one(HoldDetails, "GET", f"{path}/{hold.id}") for hold in found.items]

    async def decide_hold(self, name: str, hold_id: int, decision: Literal["confirm", "discard"]) -> int:
        """Confirm or discard a hold; returns how many devices that deleted."""
        path = f"{_account(name)}/holds/{hold_id}"
        decided = await self.remote.one(HoldRecord, "PUT", path, json={"decision": decision})
        return decided.deleted or 0

    async def passes(self, account: str | None, *, cursor: str | None, limit: int) -> ItemList[PassRecord]:
        """Passes of one account or of all, the newest first."""
        path = "/passes" if account is None else f"{_account(account)}/passes"
        found: list[PassRecord] = []
        while True:
            params = _given(cursor=cursor, limit=min(limit - len(found), PAGE))
            page = await self.remote.one(ItemList[PassRecord], "GET", path, params=params)
            found += page.items
            cursor = page.next_cursor
            if cursor is None or len(found) >= limit:
                return ItemList(items=found, next_cursor=cursor)

    async def devices(self, query: DeviceQuery, *, limit: int | None) -> AsyncGenerator[list[DeviceDocument]]:
        """Devices by serial number, in lists that fit into memory."""
        async with aclosing(self.export(query, form="ndjson", limit=limit)) as lines:
            async for chunk, _ in lines:
                yield [dict(_members(line)) for line in chunk.splitlines()]

    async def device(self, serial: str, account: str | None) -> DeviceDocument:
        """One device: the one that is there, else the one that went last."""
        serial = fold_serial(serial)
        if account is not None:
            found = await self.remote.document("GET", f"/devices/{quote(read_name(account))}/{quote(serial, safe='')}")
            return dict(found)
        query = DeviceQuery(search=serial, mode="exact", deleted="any")
        return _the_one(serial, [device async for batch in self.devices(query, limit=None) for device in batch])

    async def export(
        self, query: DeviceQuery, *, form: ExportForm, limit: int | None
    ) -> AsyncGenerator[tuple[bytes, int]]:
        """A file of devices in chunks of whole lines, each with about the number of devices in it."""
        params = _given(format=form, limit=limit, **{key: getattr(query, key) for key in query.__dataclass_fields__})
        rest = b""
        async with aclosing(self.remote.chunks("GET", "/devices/export", params=params)) as chunks:
            async for chunk in chunks:
                whole, line_end, rest = (rest + chunk).rpartition(b"\n")
                if line_end:
                    yield whole + line_end, whole.count(b"\n") + 1
        if rest:
            yield rest, 1

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
        while size := PAGE if left is None else min(left, PAGE):
            found, cursor = await self._changes(_given(account=account, serial=serial, cursor=cursor, limit=size))
            if not found:
                return
            yield found
            left = None if left is None else left - len(found)

    async def feed(self, cursor: str | None) -> tuple[list[ChangeDocument], str]:
        """The next changes of the feed, possibly none, and the cursor to go on with. Misuse for another feed's."""
        return await self._changes(_given(cursor=cursor, limit=PAGE))

    async def _changes(self, params: dict[str, Any]) -> tuple[list[ChangeDocument], str]:
        page = await self.remote.document("GET", "/changes", params=params)
        documents: list[ChangeDocument] = [dict(item) for item in _documents(page["items"])]
        return documents, msgspec.json.decode(page["next_cursor"], type=str)


def _account(name: str) -> str:
    """The path of an account. Misuse for what can't be a name, and so is none."""
    return f"/accounts/{quote(read_name(name))}"


def _given(**values: Any) -> dict[str, Any]:
    """Those that are not None."""
    return {name: value for name, value in values.items() if value is not None}


def _the_one(serial: str, found: Sequence[DeviceDocument]) -> DeviceDocument:
    """The device meant by a serial number alone; NotFound, or Misuse where several accounts have it."""
    devices = [{key: plain(value) for key, value in device.items()} for device in found]
    meant = [number for number, device in enumerate(devices) if device["serial_number"] == serial]
    live = [number for number in meant if devices[number]["deleted_at"] is None]
    if not meant:
        raise NotFound(f"no device {serial} is stored", way_out="sync its account, or see adept devices list")
    if len(live) > 1:
        names = ", ".join(str(devices[number]["account"]) for number in live)
        raise Misuse(f"device {serial} is in several accounts: {names}", way_out="name one with --account")
    return found[live[0] if live else max(meant, key=lambda number: str(devices[number]["changed_at"]))]
