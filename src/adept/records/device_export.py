"""Devices as files: NDJSON with every key, CSV with the keys that this version of adept knows."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Literal

import msgspec

from adept.protocol.device import DEVICE_KEYS
from adept.records.csv_cells import csv_line
from adept.records.device_lists import device_batches
from adept.records.device_query import EVERYTHING, DeviceQuery
from adept.records.devices import OURS_LAST, device_document, plain
from adept.store.database import Store
from adept.store.inventory import ListedDevice

ExportForm = Literal["csv", "ndjson"]
CSV_COLUMNS = ("account", *(key for key in DEVICE_KEYS if key != "response_status"), *OURS_LAST)


async def export_devices(
    store: Store, query: DeviceQuery = EVERYTHING, *, form: ExportForm, limit: int | None = None
) -> AsyncGenerator[tuple[bytes, int]]:
    """The file in chunks, each with the number of devices in it; the first is the head of a CSV file."""
    line = _csv_line if form == "csv" else _ndjson_line
    if form == "csv":
        yield csv_line(CSV_COLUMNS), 0
    left = limit
    async with aclosing(device_batches(store, query)) as batches:
        async for found in batches:
            batch = found if left is None else found[:left]
            yield b"".join(map(line, batch)), len(batch)
            if left is not None and (left := left - len(batch)) <= 0:
                return


def _csv_line(device: ListedDevice) -> bytes:
    values = {key: plain(found) for key, found in device_document(device).items()}
    return csv_line([values.get(column) for column in CSV_COLUMNS])


def _ndjson_line(device: ListedDevice) -> bytes:
    return msgspec.json.encode(device_document(device)) + b"\n"
