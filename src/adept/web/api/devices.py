"""Devices: lists of them, one of them, its history, and what Apple says of it now."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec
from fastapi import APIRouter, Query, Response

from adept.records.changes import ChangeRecord, change_document
from adept.records.device_lists import device_page, one_device, page_document
from adept.records.devices import device_document
from adept.records.feed import history
from adept.records.lists import ItemList
from adept.records.live_device import ask_apple, known_serial, live_document
from adept.web.access import OperatorDep, ViewerDep
from adept.web.api.accounts import AccountName
from adept.web.api.device_shapes import DeviceListing, DeviceListShape, DeviceShape, LiveDeviceShape, Serial
from adept.web.problems import responses
from adept.web.service import ServiceDep

router = APIRouter(tags=["devices"])

_encode = msgspec.json.Encoder().encode


def _answers(model: Any) -> dict[int | str, dict[str, Any]]:
    return {200: {"model": model}}


def _json(document: object) -> Response:
    return Response(_encode(document), media_type="application/json")


@router.get("/devices", responses=responses(404) | _answers(DeviceListShape))
async def list_devices(asked: Annotated[DeviceListing, Query()], service: ServiceDep, _caller: ViewerDep) -> Response:
    """List devices, or search for some."""
    page = await device_page(
        service.store,
        asked.query(),
        sort=asked.sort,
        descending=asked.order == "desc",
        cursor=asked.cursor,
        limit=asked.limit,
        with_total=asked.cursor is None,
    )
    return _json(page_document(page))


@router.get("/devices/{name}/{serial}", responses=responses(404) | _answers(DeviceShape))
async def show_device(name: AccountName, serial: Serial, service: ServiceDep, _caller: ViewerDep) -> Response:
    """Show one device with all that Apple says of it; also when it is gone."""
    return _json(device_document(await one_device(service.store, serial, account=name)))


@router.get("/devices/{name}/{serial}/changes", responses=responses(404) | _answers(ItemList[ChangeRecord]))
async def list_changes_of_device(
    name: AccountName,
    serial: Serial,
    service: ServiceDep,
    _caller: ViewerDep,
    cursor: Annotated[str | None, Query(max_length=100, description="The next_cursor of the page before.")] = None,
    limit: Annotated[int, Query(ge=1, le=1000, description="How many at most.")] = 100,
) -> Response:
    """List what passes found new about a device, in all the accounts it has been in, the newest first."""
    known = await known_serial(service.store, name, serial)
    rows, following = await history(service.store, known, cursor=cursor, limit=limit)
    return _json({"items": [change_document(row) for row in rows], "next_cursor": following})


@router.post("/devices/{name}/{serial}/ask", responses=responses(404, 409, 502, 504) | _answers(LiveDeviceShape))
async def ask_about_device(name: AccountName, serial: Serial, service: ServiceDep, _caller: OperatorDep) -> Response:
    """Ask Apple about a device now, and compare with what is stored. Nothing is stored."""
    return _json(live_document(await ask_apple(service.store, name, serial, connect=service.connect)))
