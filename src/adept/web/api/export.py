"""Devices as a file, streamed: however many there are, the service's memory stays as it is."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Annotated, Any

from fastapi import APIRouter, Query
from pydantic import Field
from starlette.responses import Response

from adept.records.device_export import ExportForm, export_devices
from adept.web.access import ViewerDep
from adept.web.api.device_shapes import DeviceFilters
from adept.web.problems import responses
from adept.web.service import Service, ServiceDep
from adept.web.streaming import Stream

router = APIRouter(tags=["devices"])

MEDIA_TYPES = {"csv": "text/csv; charset=utf-8", "ndjson": "application/x-ndjson"}
_FILES: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "The file.",
        "content": {media.partition(";")[0]: {"schema": {"type": "string"}} for media in MEDIA_TYPES.values()},
    }
}


class DeviceExport(DeviceFilters):
    """Filters and form of an export."""

    format: ExportForm = Field(
        default="csv", description="csv has the keys that this version knows, ndjson has all, an object a line."
    )
    limit: int | None = Field(default=None, ge=1, description="How many at most; without it, all.")


@router.get("/devices/export", responses=responses(404) | _FILES, response_class=Response)
async def export_devices_as_file(
    asked: Annotated[DeviceExport, Query()], service: ServiceDep, _caller: ViewerDep
) -> Response:
    """Export devices by serial number: Apple's keys beside ours, as CSV or NDJSON.

    A cell of a CSV file that a spreadsheet would run as a formula gets an apostrophe in front.
    """
    chunks = _chunks(service, asked)
    first = await anext(chunks, b"")  # what can't be answered is told before the answer begins
    disposition = {"Content-Disposition": f'attachment; filename="devices.{asked.format}"'}
    return Stream(_with(first, chunks), media_type=MEDIA_TYPES[asked.format], headers=disposition)


async def _chunks(service: Service, asked: DeviceExport) -> AsyncGenerator[bytes]:
    exported = export_devices(service.store, asked.query(), form=asked.format, limit=asked.limit)
    async with aclosing(exported) as chunks:
        async for chunk, _devices in chunks:
            yield chunk


async def _with(first: bytes, rest: AsyncGenerator[bytes]) -> AsyncGenerator[bytes]:
    async with aclosing(rest):
        yield first
        async for chunk in rest:
            yield chunk
