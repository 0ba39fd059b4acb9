"""The progress of a pass as server-sent events.

The walker writes its counts into the pass's row with each page, whichever process it is; here that row is read once a
second. A stream ends with its pass, or after ten minutes: then the client comes back with the id of the last event.
"""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator
from typing import Annotated, Any

import anyio
from fastapi import APIRouter, Header, Response, status
from fastapi.sse import format_sse_event

from adept.errors import NotFound, StoreError
from adept.records.passes import PassRecord, one_pass
from adept.store.database import Store
from adept.web.access import ViewerDep
from adept.web.api.passes import PassId
from adept.web.problems import responses
from adept.web.service import ServiceDep
from adept.web.streaming import Stream

log = logging.getLogger("adept.web")

router = APIRouter(tags=["passes"])

MEDIA_TYPE = "text/event-stream"
LOOK_EVERY_S = 1
PING_EVERY_S = 15
STREAM_S = 600
_GOING_ON = ("queued", "running")

_EVENTS: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "Events `progress` while it goes on, then `end`; or `gone` where its account was removed.",
        "content": {
            MEDIA_TYPE: {
                "schema": {"type": "string"},
                "example": 'event: progress\ndata: {"id":7,"state":"running","pages":3}\nid: running-3-3000-0\n',
            }
        },
    },
    204: {"description": "The client has seen the end of this pass: nothing will follow."},
}


@router.get("/passes/{pass_id}/events", response_class=Response, responses=responses(404) | _EVENTS)
async def follow_pass(
    pass_id: PassId,
    service: ServiceDep,
    _caller: ViewerDep,
    last_event_id: Annotated[
        str | None, Header(alias="Last-Event-ID", description="The id of the last event that was seen.")
    ] = None,
) -> Response:
    """Follow a pass: an event whenever it has come further, with the pass as its data, until it has ended."""
    found = await one_pass(service.store, pass_id)
    if found.state not in _GOING_ON and last_event_id == _place(found):
        return Response(status_code=status.HTTP_204_NO_CONTENT)
    headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
    return Stream(_events(service.store, found, last_event_id), media_type=MEDIA_TYPE, headers=headers)


async def _events(store: Store, found: PassRecord, seen: str | None) -> AsyncIterator[bytes]:
    for second in range(0, STREAM_S, LOOK_EVERY_S):
        if second:
            await anyio.sleep(LOOK_EVERY_S)
            try:
                found = await one_pass(store, found.id)
            except NotFound:
                yield format_sse_event(event="gone", data_str="{}")
                return
            except StoreError as error:
                log.warning("pass not followed on", extra={"pass": found.id, "error": str(error)})
                return  # the client comes back
        place, goes_on = _place(found), found.state in _GOING_ON
        if place != seen:
            seen = place
            data = found.model_dump_json()
            yield format_sse_event(event="progress" if goes_on else "end", data_str=data, id=place)
        elif second % PING_EVERY_S == 0:
            yield format_sse_event(comment="still there")
        if not goes_on:
            return


def _place(found: PassRecord) -> str:
    """How far the pass has come, as the id of an event."""
    return f"{found.state}-{found.pages}-{found.devices}-{found.requests}"
