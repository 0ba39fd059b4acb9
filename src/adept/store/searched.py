"""The text that a device is found by: what identifies and describes it, in one column.

Each value stands on a line of its own, in one case and without colons, so that a value that begins with a text, or is
it, is found as well as one that holds it. The order of the values is that of their worth: the end of an overlong text
is cut off.
"""

from __future__ import annotations

import re

from adept.protocol.device import Device

SEARCHED_BYTES = 1500  # of UTF-8: an index entry of PostgreSQL ends at 2704 bytes, with all that stands in it
_SEPARATED = re.compile(r"[0-9a-f]+(?:[. -][0-9a-f]+)+")


def searched_text(device: Device) -> str:
    """What the device is found by."""
    macs = (device.wifi_mac_address, device.bluetooth_mac_address, device.ethernet_mac_address)
    values = (
        device.serial_number,
        *(device.imei or ()),
        *(device.meid or ()),
        device.eid,
        *[mac.replace("-", "") for mac in macs if mac],
        device.asset_tag,
        device.model,
        device.description,
    )
    text = folded("\n".join([value for value in values if value]))
    if len(text) > SEARCHED_BYTES // 4:
        text = text.encode()[:SEARCHED_BYTES].decode("utf-8", "ignore")
    return f"\n{text}\n"


def folded(text: str) -> str:
    """The text as searching knows it: in one case, the same on both engines whatever the language, without colons."""
    return text.casefold().replace(":", "")


def sought(words: str) -> tuple[str, ...]:
    """What to look for in the searched texts: the words, and where they may be a MAC address or IMEI that somebody
    wrote with hyphens, dots or blanks, that without them."""
    text = folded(words.strip())
    if _SEPARATED.fullmatch(text):
        return text, re.sub(r"[. -]", "", text)
    return (text,)
