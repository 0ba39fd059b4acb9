"""/devices/{account}/{serial}: all that is known of one device, what became of it, and what Apple says of it now."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec
from fastapi import APIRouter, Query
from starlette.responses import Response

from adept.errors import AdeptError
from adept.records.device_story import device_story
from adept.records.live_device import LiveDevice, ask_apple, live_document
from adept.web.ui.device_fields import LABELS, field_rows, unsaid, value_of
from adept.web.ui.device_rows import device_path, device_row
from adept.web.ui.devices import HERE
from adept.web.ui.rendering import Visit
from adept.web.ui.troubles import Trouble, trouble_of
from adept.web.ui.visits import OperatorVisit, ViewerVisit
from adept.web.ui.words import ABSENCES, DELETED_REASONS, DEVICE_THERE, EVENT_KINDS

router = APIRouter(include_in_schema=False)

PATH = f"{HERE}/{{account}}/{{serial:path}}"  # a serial number may be anything that can be printed


@router.get(PATH)
async def look(
    visit: ViewerVisit, account: str, serial: str, before: Annotated[str | None, Query(max_length=100)] = None
) -> Response:
    """The device; `before` goes on in its history."""
    return await _show(visit, account, serial, before=before)


@router.post(PATH)
async def ask(visit: OperatorVisit, account: str, serial: str) -> Response:
    """Ask Apple now, and mark what is different from what is stored. Nothing is stored: a reload asks again."""
    service = visit.service
    try:
        live = await ask_apple(service.store, account, serial, connect=service.connect)
    except AdeptError as error:
        return await _show(visit, account, serial, trouble=trouble_of(error))
    return await _show(visit, account, serial, live=live)


async def _show(
    visit: Visit,
    account: str,
    serial: str,
    *,
    before: str | None = None,
    live: LiveDevice | None = None,
    trouble: Trouble | None = None,
) -> Response:
    story = await device_story(visit.service.store, account, serial, cursor=before)
    document = story.device.document
    told = live_document(live) if live is not None else None
    differing = _differing(told)
    apples = msgspec.json.decode(live.device.document) if live is not None and live.device is not None else None
    return visit.show(
        "device.html",
        here=HERE,
        trouble=trouble,
        device=device_row(story.device),
        elsewhere=[device_row(place) for place in story.elsewhere],
        events=story.events,
        before=before,
        older=story.older,
        fields=field_rows(document, apples, differing=differing),
        unsaid=unsaid(document, apples),
        document=msgspec.json.format(document, indent=2),
        live=told,
        differing=differing,
        labels=LABELS,
        absences=ABSENCES,
        device_there=DEVICE_THERE,
        event_kinds=EVENT_KINDS,
        deleted_reasons=DELETED_REASONS,
        device_path=device_path,
        value_of=value_of,
    )


def _differing(told: dict[str, Any] | None) -> frozenset[str]:
    """The keys whose values differ from what Apple says now."""
    if told is None or told["differences"] is None:
        return frozenset()
    return frozenset(told["differences"]["stored"]) | frozenset(told["differences"]["apple"])
