"""All there is to tell of one device: what Apple says, where else it is or was, and what became of it."""

from __future__ import annotations

from dataclasses import dataclass

from adept.protocol.device import fold_serial
from adept.records.device_lists import one_device
from adept.records.feed import history
from adept.records.timeline import Event, timeline
from adept.store.database import Store
from adept.store.device_filters import DeviceFilter
from adept.store.inventory import StoredDevice, device_rows

EVENTS = 200  # changes that are told at once: a move over their edge is told as its halves
PLACES = 100  # accounts that are told at most


@dataclass(frozen=True)
class DeviceStory:
    """A device of an account. `elsewhere` is the same serial number in other accounts, where it is there first."""

    device: StoredDevice
    elsewhere: tuple[StoredDevice, ...]
    events: tuple[Event, ...]
    older: str | None  # the cursor of what came before


async def device_story(store: Store, account: str, serial: str, *, cursor: str | None = None) -> DeviceStory:
    """The story of a device, also of one that is gone. NotFound for one that never was in that account."""
    device = await one_device(store, serial, account=account)
    async with store.reading() as tx:
        wanted = DeviceFilter(serial_number=fold_serial(serial), deleted=None)
        places = await device_rows(tx, wanted, limit=PLACES)
    others = [place for place in places if place.account_id != device.account_id]
    changes, older = await history(store, device.serial_number, cursor=cursor, limit=EVENTS)
    return DeviceStory(
        device,
        tuple(sorted(others, key=lambda place: (place.deleted_at is not None, place.account_name))),
        tuple(timeline(changes)),
        older,
    )
