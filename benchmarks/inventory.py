"""Reading a big inventory: what people ask for, and exports; in one process, as the service does it but for HTTP.

`python -m benchmarks.inventory ask DATABASE_URL TIMES` asks each question so many times, each time for something else,
and prints a Run whose `extra` holds for each question the milliseconds that half and 95 of 100 answers took, and the
milliseconds of CPU that half of them cost this process (SQLite works in it, PostgreSQL doesn't).
`python -m benchmarks.inventory export DATABASE_URL FORM` exports everything; count is devices.
"""

from __future__ import annotations

import asyncio
import random
import sys
import time
from collections.abc import Callable
from contextlib import aclosing
from datetime import timedelta
from typing import Any

import msgspec

from adept.records.device_cursor import write_cursor
from adept.records.device_export import export_devices
from adept.records.device_lists import device_page, page_document
from adept.records.device_query import DeviceQuery
from adept.store.database import Store, open_store
from adept.store.device_filters import DeviceFilter
from adept.store.device_pages import Order, Place, SortKey
from adept.store.inventory import StoredDevice, device_rows
from benchmarks.fleets import PROFILES
from benchmarks.measuring import Watch, report
from benchmarks.passes import KEY

Asked = dict[str, Any]
Ask = Callable[[random.Random, StoredDevice], Asked]


def _query(**words: Any) -> Asked:
    return {"query": DeviceQuery(**words), "with_total": True}


def _behind(device: StoredDevice) -> str:
    place = Place(device.serial_number, device.account_id, is_dense=True)
    return write_cursor(place, DeviceQuery(), Order())


def _mac(device: StoredDevice) -> str:
    found: str = msgspec.json.decode(device.document)["wifi_mac_address"]
    return found


# What is asked, of a device that is there, and the milliseconds that 95 of 100 answers may take at a million devices.
QUESTIONS: dict[str, tuple[Ask, float]] = {
    "the first page": (lambda *_: _query(), 50),
    "a page far behind": (lambda _, device: {"cursor": _behind(device)}, 50),
    "sorted by model": (lambda dice, _: _query() | {"sort": SortKey.MODEL, "descending": dice.random() < 0.5}, 50),
    "sorted by last change": (lambda *_: _query() | {"sort": SortKey.CHANGED_AT, "descending": True}, 50),
    "sorted by arrival": (lambda *_: _query() | {"sort": SortKey.FIRST_SEEN_AT, "descending": True}, 50),
    "one account": (lambda _, device: _query(account=device.account_name), 50),
    "one account, last changes": (
        lambda _, device: _query(account=device.account_name) | {"sort": SortKey.CHANGED_AT, "descending": True},
        50,
    ),
    "one family": (lambda dice, _: _query(family=dice.choice(("iPad", "Mac", "Vision", "iPod"))), 50),
    "one family by model": (
        lambda dice, _: _query(family=dice.choice(("Mac", "Vision"))) | {"sort": SortKey.MODEL, "descending": True},
        50,
    ),
    "one state": (lambda dice, _: _query(status=dice.choice(("assigned", "pushed", "removed"))), 50),
    "one profile": (lambda dice, _: _query(profile=dice.choice(PROFILES)), 50),
    "changed within a day": (
        lambda _, device: _query(changed_since=device.changed_at, changed_until=device.changed_at + timedelta(days=1)),
        50,
    ),
    "what is gone": (lambda *_: _query(deleted="true"), 50),
    "a serial number": (
        lambda _, device: _query(search=device.serial_number, mode="exact", field="serial_number"),
        50,
    ),
    "the beginning of a serial number": (
        lambda dice, device: _query(
            search=device.serial_number[: dice.randint(2, 8)], mode="prefix", field="serial_number"
        ),
        50,
    ),
    "part of a serial number": (
        lambda dice, device: _query(search=device.serial_number[3 : dice.randint(6, 10)], field="serial_number"),
        200,
    ),
    "account, family and state": (
        lambda _, device: _query(account=device.account_name, family=device.device_family, status="pushed"),
        200,
    ),
    "a serial number in any field": (lambda _, device: _query(search=device.serial_number, mode="exact"), 50),
    "the beginning of any field": (
        lambda dice, device: _query(search=device.serial_number[: dice.randint(2, 8)], mode="prefix"),
        50,
    ),
    "an asset tag": (lambda _, device: _query(search=device.asset_tag or "A0000001", mode="exact"), 50),
    "a MAC address": (lambda _, device: _query(search=_mac(device), mode="exact"), 50),
    "part of a description": (lambda _, device: _query(search=(device.description or "")[4:12]), 600),
    "part of a MAC address": (lambda _, device: _query(search=_mac(device)[6:14]), 600),
    "what isn't there": (lambda dice, _: _query(search=f"zz{dice.randint(0, 999)}zz"), 600),
}


async def some_devices(store: Store, dice: random.Random, count: int) -> list[StoredDevice]:
    """Devices here and there."""
    found: list[StoredDevice] = []
    async with store.reading() as tx:
        while len(found) < count:
            place = (dice.randint(1, 20), "".join(dice.choices("CDFGHJKLMNPQRTVWXY", k=3)))
            found += await device_rows(tx, DeviceFilter(), after=place, limit=1)
    return found


async def _ask(store: Store, asked: Asked) -> bytes:
    return msgspec.json.encode(page_document(await device_page(store, **asked)))


async def ask(url: str, times: int) -> None:
    """Every question in turn."""
    dice = random.Random(3)
    async with open_store(url, secret_keys=[KEY], data_dir=None, migrate=False) as store:
        samples = await some_devices(store, dice, times)
        told: dict[str, float] = {}
        with Watch() as watch:
            for name, (question, _) in QUESTIONS.items():
                took, cost = [], []
                for sample in samples:
                    asked = question(dice, sample)
                    started, began = time.perf_counter(), time.process_time()
                    await _ask(store, asked)
                    took.append((time.perf_counter() - started) * 1000)
                    cost.append((time.process_time() - began) * 1000)
                took.sort()
                told[f"{name}: cpu"] = sorted(cost)[len(cost) // 2]
                told[f"{name}: p50"] = took[len(took) // 2]
                told[f"{name}: p95"] = took[min(len(took) - 1, int(len(took) * 0.95))]
        report(watch.run(times * len(QUESTIONS), told))


async def export(url: str, form: Any) -> None:
    """Everything, thrown away."""
    async with open_store(url, secret_keys=[KEY], data_dir=None, migrate=False) as store:
        count = size = 0
        with Watch() as watch:
            async with aclosing(export_devices(store, DeviceQuery(deleted="any"), form=form)) as chunks:
                async for chunk, devices in chunks:
                    count, size = count + devices, size + len(chunk)
        report(watch.run(count, {"bytes": size}))


if __name__ == "__main__":
    what, database, argument = sys.argv[1:]
    asyncio.run(ask(database, int(argument)) if what == "ask" else export(database, argument))
