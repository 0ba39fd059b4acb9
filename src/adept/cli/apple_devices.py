"""`adept apple details`, and how a device looks in a table."""

from __future__ import annotations

from typing import TYPE_CHECKING

from adept.cli.apple_batches import send_in_batches
from adept.cli.apple_bodies import join_maps
from adept.cli.apple_connection import DEFAULTS, AppleOptions, talking
from adept.cli.output import print_body
from adept.cli.serials import NO_FILE, SerialNumbers, SerialsFile, gather
from adept.cli.table import print_table

if TYPE_CHECKING:
    from adept.protocol.details import DeviceDetails
    from adept.protocol.device import Device

COLUMNS = ("SERIAL", "FAMILY", "OS", "MODEL", "DESCRIPTION", "COLOR", "PROFILE", "ASSIGNED TO SERVER")
SYNC_COLUMNS = ("WHEN", "WHAT", *COLUMNS)


def device_row(device: Device) -> tuple[object, ...]:
    """What a table shows of a device."""
    return (
        device.serial_number,
        device.device_family,
        device.os,
        device.model,
        device.description,
        device.color,
        device.profile_status,
        device.device_assigned_date,
    )


def sync_row(device: Device) -> tuple[object, ...]:
    """What a table shows of a device in a sync."""
    return (device.op_date, device.op_type, *device_row(device))


def details(*serials: SerialNumbers, source: SerialsFile = NO_FILE, apple: AppleOptions = DEFAULTS) -> None:
    """Print what Apple says of given devices; those it doesn't know are named as such."""
    from adept.client import endpoints
    from adept.client.batches import join_details

    wanted = gather(serials, source)
    with talking(apple) as client:
        sent = send_in_batches(client, wanted, endpoints.device_details)
    if sent.bodies and apple.json:
        print_body(join_maps(sent.bodies))
    elif sent.bodies:
        _show(join_details(sent.answers), sent.asked)
    sent.raise_if_cut_short()


def _show(found: DeviceDetails, wanted: list[str]) -> None:
    rows = [_row(found, serial) for serial in wanted]
    print_table(("ANSWER", *COLUMNS), rows, empty="")


def _row(found: DeviceDetails, serial: str) -> tuple[object, ...]:
    blanks = ("",) * (len(COLUMNS) - 1)
    if device := found.found.get(serial):
        return ("SUCCESS", *device_row(device))
    if entry := found.malformed.get(serial):
        return (f"can't be read: {entry.reason}", serial, *blanks)
    return (found.absent.get(serial, "no answer"), serial, *blanks)
