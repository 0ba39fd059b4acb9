"""What Apple says of one device right now, beside what is stored. Stores nothing."""

from __future__ import annotations

from dataclasses import dataclass

import msgspec

from adept.accounts.shared_session import share_session
from adept.accounts.tokens import Connect, active_token
from adept.errors import Malformed, Misuse, NeedsPerson, NotFound
from adept.protocol.device import Device, fold_serial, is_serial_number
from adept.store.accounts import account_named
from adept.store.database import Store
from adept.store.devices import documents
from adept.sync.changes import differences

_ENDPOINT = "POST /devices"


@dataclass(frozen=True)
class LiveDevice:
    """Apple's answer: the device, or the status that stands for its absence. `stored` is what the store has of it."""

    device: Device | None
    status: str | None
    stored: str | None


async def ask_apple(store: Store, account: str, serial: str, *, connect: Connect) -> LiveDevice:
    """Ask Apple about one serial number with the token of an account.

    NotFound for an unknown account, Misuse for what can't be a serial number, NeedsPerson where the account has no
    working token; what Apple refuses is raised.
    """
    serial = fold_serial(serial)
    if not is_serial_number(serial):
        raise Misuse(f"{serial[:40]!r} is no serial number", field="serial")
    async with store.reading() as tx:
        row = await account_named(tx, account)
        stored = (await documents(tx, row.id, [serial])).get(serial)
    token = await active_token(store, row.id)
    if token is None:
        raise NeedsPerson(f"account {row.name!r} has no working server token", way_out="upload one")
    async with connect(token.secret, row.base_url) as client:
        details = await share_session(client, store, token.id).device_details([serial])
    if serial in details.malformed:
        wrong = details.malformed[serial]
        raise Malformed(
            f"asking about device {serial}: Apple's description can't be read: {wrong.reason}",
            endpoint=_ENDPOINT,
            field=f"$.devices.{serial}",
            found=wrong.reason,
        )
    return LiveDevice(details.found.get(serial), details.absent.get(serial), stored)


def live_document(found: LiveDevice) -> dict[str, object]:
    """The answer as one JSON object for msgspec to write.

    `differences` names each key whose value differs, as `stored` and as `apple` has it; null where there is nothing to
    compare.
    """
    if found.device is None:
        return {"found": False, "status": found.status or "NOT_ANSWERED", "device": None, "differences": None}
    told = None
    if found.stored is not None:
        was, is_now = differences(found.stored, found.device.document)
        told = {"stored": was, "apple": is_now}
    document = msgspec.Raw(found.device.document)
    return {"found": True, "status": found.device.response_status, "device": document, "differences": told}


async def known_serial(store: Store, account: str, serial: str) -> str:
    """The serial number as it is stored. NotFound for an account or device that is not there and never was."""
    serial = fold_serial(serial)
    async with store.reading() as tx:
        row = await account_named(tx, account)
        if serial not in await documents(tx, row.id, [serial]):
            raise NotFound(f"no device {serial} is stored in account {row.name!r}")
    return serial
