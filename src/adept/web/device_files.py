"""Devices as a file that is downloaded, streamed: however many there are, the service's memory stays as it is."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing

from starlette.responses import Response

from adept.records.device_export import ExportForm, export_devices
from adept.records.device_query import DeviceQuery
from adept.store.database import Store
from adept.web.streaming import Stream

MEDIA_TYPES = {"csv": "text/csv; charset=utf-8", "ndjson": "application/x-ndjson"}


async def device_file(store: Store, query: DeviceQuery, *, form: ExportForm, limit: int | None = None) -> Response:
    """The file; what can't be answered is raised before the answer begins."""
    chunks = _chunks(store, query, form, limit)
    first = await anext(chunks, b"")
    disposition = {"Content-Disposition": f'attachment; filename="devices.{form}"'}
    return Stream(_with(first, chunks), media_type=MEDIA_TYPES[form], headers=disposition)


async def _chunks(store: Store, query: DeviceQuery, form: ExportForm, limit: int | None) -> AsyncGenerator[bytes]:
    async with aclosing(export_devices(store, query, form=form, limit=limit)) as exported:
        async for chunk, _devices in exported:
            yield chunk


async def _with(first: bytes, rest: AsyncGenerator[bytes]) -> AsyncGenerator[bytes]:
    async with aclosing(rest):
        yield first
        async for chunk in rest:
            yield chunk
