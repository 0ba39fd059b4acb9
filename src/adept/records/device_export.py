"""Devices as files: NDJSON with every key, CSV with the keys that this version of adept knows."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import aclosing
from typing import Literal

from adept.records.csv_cells import csv_line
from adept.records.device_cells import CSV_COLUMNS, csv_lines
from adept.records.device_json import json_lines
from adept.records.device_query import EVERYTHING, DeviceQuery, device_filter
from adept.store.database import Store
from adept.store.device_streams import ExportedRow, stream_exported

ExportForm = Literal["csv", "ndjson"]
_AT_A_TIME = 1000
_LINES: dict[ExportForm, Callable[[Sequence[ExportedRow]], bytes]] = {"csv": csv_lines, "ndjson": json_lines}


async def export_devices(
    store: Store, query: DeviceQuery = EVERYTHING, *, form: ExportForm, limit: int | None = None
) -> AsyncGenerator[tuple[bytes, int]]:
    """The file in chunks of whole lines, each with the number of devices in it. NotFound for an unknown account."""
    head = csv_line(CSV_COLUMNS) if form == "csv" else b""
    async with (
        store.reading() as tx,
        aclosing(stream_exported(tx, await device_filter(tx, query), limit=limit, at_a_time=_AT_A_TIME)) as batches,
    ):
        async for batch in batches:
            yield head + _LINES[form](batch), len(batch)
            head = b""
    if head:
        yield head, 0
