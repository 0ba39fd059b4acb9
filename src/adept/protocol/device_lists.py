"""The devices of a page at once: one pass in C where all are as Apple documents them, else one by one.

A page is parsed twice, once for the devices' own bytes and once for their values, which is still less work than reading
each device from its bytes. Whatever the quick way is unsure of is left to `decode_device`, so both give the same.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import msgspec
from msgspec.structs import force_setattr

from adept.protocol.answers import UNREADABLE, has_escaped_nul, is_too_deep
from adept.protocol.device import Device, MalformedDevice, are_in_utc, decode_device, is_clean


class _Page(msgspec.Struct):
    devices: list[Device] | None = None


_decode = msgspec.json.Decoder(_Page).decode


def decode_devices(body: bytes, raws: list[msgspec.Raw]) -> tuple[tuple[Device, ...], tuple[MalformedDevice, ...]]:
    """The devices of a page of UTF-8, in order, and those that can't be read; `raws` are the same unread."""
    documents = list(map(bytes, raws))  # copies: else each device would keep the whole page in memory
    devices = _decode_quickly(body)
    if devices is not None and _are_plain(body, devices) and not any(map(is_too_deep, documents)):
        for device, document in zip(devices, documents, strict=True):
            force_setattr(device, "document", document)
        return tuple(devices), ()
    entries = list(map(decode_device, documents) if devices is None else _recheck(devices, documents))
    return (
        tuple(entry for entry in entries if isinstance(entry, Device)),
        tuple(entry for entry in entries if isinstance(entry, MalformedDevice)),
    )


def _decode_quickly(body: bytes) -> list[Device] | None:
    """All devices without their documents; None where one of them is not as documented.

    Empty strings are read as null where no backslash is: there, two quotes side by side are nothing else.
    """
    try:
        return _decode(body).devices or []
    except UNREADABLE:
        if b"\\" in body or b'""' not in body:
            return None
        return _decode_quickly(body.replace(b'""', b"null"))


def _are_plain(body: bytes, devices: list[Device]) -> bool:
    """Whether no device needs a second look; an odd serial number is enough for a no."""
    serials = "".join([device.serial_number for device in devices])
    is_sound = not serials or (serials.isalnum() and serials.upper() == serials)
    return is_sound and not has_escaped_nul(body) and are_in_utc(devices)


def _recheck(devices: Iterable[Device], documents: Iterable[bytes]) -> Iterator[Device | MalformedDevice]:
    for device, document in zip(devices, documents, strict=True):
        if is_clean(document, device):
            force_setattr(device, "document", document)
            yield device
        else:
            yield decode_device(document)
