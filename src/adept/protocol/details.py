"""Details: what POST /devices says of the serial numbers it was asked for.

Unknown and foreign serial numbers are no error: they come inside the answer, with a status and nothing else.
Source: Apple, "Get Device Details" (read 2026-11). Observed: DEPy's published output of 2016 has NOT_ACCESSIBLE where
Apple's page says NOT_FOUND; anything but SUCCESS means absent.
"""

from __future__ import annotations

import msgspec

from adept.protocol.answers import UNREADABLE, malformed, read_object, split_object
from adept.protocol.device import Device, MalformedDevice, decode_device, fold_serial

SUCCESS = "SUCCESS"


class DeviceDetails(msgspec.Struct, frozen=True, kw_only=True):
    """The answer by folded serial number. A serial number in none of the three was not answered for."""

    found: dict[str, Device]
    absent: dict[str, str]  # with Apple's response_status: NOT_FOUND, NOT_ACCESSIBLE, or what Apple adds
    malformed: dict[str, MalformedDevice]  # says nothing about whether the device is there


def decode_details(body: bytes, *, endpoint: str) -> DeviceDetails:
    """Read the details; a missing `devices` is an empty answer; raises Malformed where it is not a map."""
    what = "a map of devices"
    keys = read_object(body, endpoint=endpoint, what=what)
    try:
        entries = split_object(bytes(keys.get("devices", b"{}")))
    except UNREADABLE as error:
        raise malformed(body, str(error), endpoint=endpoint, what=what, field="$.devices") from error
    details = DeviceDetails(found={}, absent={}, malformed={})
    for serial, raw in entries.items():
        _file(details, fold_serial(serial), bytes(raw))
    for serial in details.found:  # one that came twice, in two spellings, is there
        details.absent.pop(serial, None)
        details.malformed.pop(serial, None)
    return details


def _file(details: DeviceDetails, serial: str, document: bytes) -> None:
    """Put one entry where it belongs. One without a status is there: only Apple's word makes a device absent."""
    device = decode_device(document, serial_number=serial)
    if isinstance(device, MalformedDevice):
        details.malformed[serial] = device
    elif device.response_status not in (None, SUCCESS):
        details.absent[serial] = str(device.response_status)
    elif device.serial_number != serial:
        reason = f"asked for {serial}, described {device.serial_number}"
        details.malformed[serial] = MalformedDevice(serial, reason, document)
    else:
        details.found[serial] = device
