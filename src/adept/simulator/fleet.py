"""Plausible devices, bought in orders: same seed, same devices, whatever the clock says.

An order is some devices of one model and colour, assigned by one person on one day. What its devices have in common is
rendered once; each device then costs a few microseconds. The result is Apple's JSON of protocol version 10 as bytes.
"""

from __future__ import annotations

import random
from collections.abc import Container, Sequence
from datetime import UTC, datetime, timedelta
from itertools import count as count_up

import msgspec

from adept.simulator.catalogue import FAMILY_WEIGHTS, Model, models_of
from adept.simulator.clock import as_apple_time
from adept.simulator.identifiers import eid, imei, luhn_of_type, mac_address, new_serial, old_serial

FIRST_ORDER = datetime(2021, 1, 11, 8, 0, tzinfo=UTC)
LAST_ORDER = datetime(2026, 10, 1, 16, 0, tzinfo=UTC)
BUYERS = ("it@example.org", "purchasing@example.org", "a.meier@example.org", "devices@example.org")
_LARGEST_ORDER = 250
_TAGGED_SHARE = 0.6  # of orders
_STRANGE_SHARE = 0.1  # of orders, hostile fleets only


class Fleet:
    """An endless supply of new devices. `hostile` mixes in keys and device families of a later protocol version."""

    def __init__(self, seed: int, *, hostile: bool = False) -> None:
        self._random = random.Random(f"fleet {seed}")  # noqa: S311 - plausible, not secret
        self._hostile = hostile
        self._tags = count_up(1)

    def founding(self, count: int, families: Sequence[str] = ()) -> dict[str, bytes]:
        """The devices an organisation has at the start, oldest assignment first: serial number to document."""
        devices: dict[str, bytes] = {}
        span_s = (LAST_ORDER - FIRST_ORDER).total_seconds()
        while len(devices) < count:
            when = FIRST_ORDER + timedelta(seconds=int(span_s * len(devices) / count))
            size = min(count - len(devices), self._random.randint(1, _LARGEST_ORDER))
            devices |= self.order(size, families, when, taken=devices)
        return devices

    def order(self, count: int, families: Sequence[str], when: datetime, *, taken: Container[str]) -> dict[str, bytes]:
        """New devices of one model, of one of the families (any, if none is named), with serials outside `taken`."""
        model = self._model(families)
        render = self._Renderer(self, model, when)
        draw = self._random.getrandbits
        code = model.code if model.old_serials else None
        devices: dict[str, bytes] = {}
        while len(devices) < count:
            bits = draw(256)
            serial = new_serial(bits) if code is None else old_serial(bits, code)
            if serial not in taken and serial not in devices:
                devices[serial] = render(serial, bits >> 64)
        return devices

    def named(self, serials: Sequence[str], families: Sequence[str], when: datetime) -> dict[str, bytes]:
        """New devices of one model with serial numbers of the caller's choice."""
        render = self._Renderer(self, self._model(families), when)
        return {serial: render(_escaped(serial), self._random.getrandbits(192)) for serial in serials}

    def _model(self, families: Sequence[str]) -> Model:
        chosen = families or tuple(FAMILY_WEIGHTS)
        weights = [FAMILY_WEIGHTS[family] for family in chosen]
        return self._random.choice(models_of(self._random.choices(chosen, weights)[0]))

    class _Renderer:
        """One order: everything but what differs from device to device is rendered already."""

        def __init__(self, fleet: Fleet, model: Model, when: datetime) -> None:
            rng = fleet._random
            color, size = rng.choice(model.colors), rng.choice(model.sizes)
            strange = fleet._hostile and rng.random() < _STRANGE_SHARE
            what = {"model": model.name, "description": f"{model.short} {size} {color}", "color": color}
            where = {
                "profile_status": "empty",
                "device_assigned_by": rng.choice(BUYERS),
                "device_assigned_date": as_apple_time(when),
                "os": model.os,
                "device_family": "Hologram" if strange else model.family,
            }
            self._what, self._where = _members(what), _members(where)
            self._tail = ',"key_of_the_future":{"kind":"unknown","list":[1,null]}}' if strange else "}"
            self._tags = fleet._tags if rng.random() < _TAGGED_SHARE else None
            self._tac, self._ethernet = model.tac, model.has_ethernet
            self._tac_luhn = luhn_of_type(model.tac) if model.tac else 0

        def __call__(self, serial: str, bits: int) -> bytes:
            tag = f',"asset_tag":"A{next(self._tags):07d}"' if self._tags else ""
            text = (
                f'{{"serial_number":"{serial}"{self._what}{tag}{self._where},"wifi_mac_address":"{mac_address(bits)}",'
                f'"bluetooth_mac_address":"{mac_address(bits >> 27)}"'
            )
            if self._ethernet:
                text += f',"ethernet_mac_address":"{mac_address(bits >> 54)}"'
            if self._tac:
                number = imei(bits >> 81, self._tac, self._tac_luhn)
                text += f',"imei":["{number}"],"meid":["{number[:14]}"],"eid":"{eid(bits >> 101)}"'
            return (text + self._tail).encode()


def _escaped(text: str) -> str:
    return msgspec.json.encode(text).decode()[1:-1]


def _members(fields: dict[str, str]) -> str:
    return "," + msgspec.json.encode(fields).decode()[1:-1]
