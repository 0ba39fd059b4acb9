"""Devices as a file."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Query
from pydantic import Field
from starlette.responses import Response

from adept.records.device_export import ExportForm
from adept.web.access import ViewerDep
from adept.web.api.device_shapes import DeviceFilters
from adept.web.device_files import MEDIA_TYPES, device_file
from adept.web.problems import responses
from adept.web.service import ServiceDep

router = APIRouter(tags=["devices"])

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
    """Export devices: Apple's keys beside ours, as CSV or NDJSON.

    They come by serial number; where 10,000 or more are wanted, in the order in which adept first saw them.

    A cell of a CSV file that a spreadsheet would run as a formula gets an apostrophe in front.
    """
    return await device_file(service.store, asked.query(), form=asked.format, limit=asked.limit)
