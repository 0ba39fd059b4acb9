"""The feed of changes for other systems: whoever goes on with its cursor misses none."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec
from fastapi import APIRouter, Query, Response
from pydantic import BaseModel, Field

from adept.records.changes import ChangeRecord, change_document
from adept.records.feed import feed_page
from adept.web.access import ViewerDep
from adept.web.problems import responses
from adept.web.service import ServiceDep

router = APIRouter(tags=["changes"])

_encode = msgspec.json.Encoder().encode


class Feed(BaseModel):
    """Some changes, and where to go on."""

    items: list[ChangeRecord]
    next_cursor: str = Field(description="Where to go on: given also where there is nothing new yet.")


_FEED: dict[int | str, dict[str, Any]] = {200: {"model": Feed}}


@router.get("/changes", responses=responses(404, 410) | _FEED)
async def follow_changes(
    service: ServiceDep,
    _caller: ViewerDep,
    cursor: Annotated[
        str | None, Query(max_length=100, description="Those after it; without it, from the first.")
    ] = None,
    account: Annotated[str | None, Query(max_length=64, description="Of this account.")] = None,
    serial: Annotated[str | None, Query(max_length=64, description="Of this device.")] = None,
    limit: Annotated[int, Query(ge=1, le=1000, description="How many at most.")] = 100,
) -> Response:
    """Follow the changes that passes find, oldest first. Ask again with `next_cursor`, also where nothing came.

    410 where what follows the cursor is kept no longer, or the cursor is another database's.
    """
    page = await feed_page(service.store, account=account, serial=serial, cursor=cursor, limit=limit)
    document = {"items": [change_document(row) for row in page.items], "next_cursor": page.next_cursor}
    return Response(_encode(document), media_type="application/json")
