"""Passes: the walks over accounts, asked for and looked at."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Path, Query, Response, status
from pydantic import BaseModel, ConfigDict, Field

from adept.jobs.requests import request_pass
from adept.records.lists import ItemList
from adept.records.passes import PassRecord, one_pass, pass_list
from adept.sync.outcome import PassKind
from adept.web.access import OperatorDep, ViewerDep
from adept.web.api.accounts import AccountName
from adept.web.problems import responses
from adept.web.routes import API_PREFIX
from adept.web.service import ServiceDep

router = APIRouter(tags=["passes"])

PassId = Annotated[int, Path(ge=1, le=2**53, description="The pass's id.", examples=[7])]
Limit = Annotated[int, Query(ge=1, le=1000, description="How many at most.")]
Cursor = Annotated[str | None, Query(max_length=100, description="The next_cursor of the page before.")]

_ASKED_FOR: dict[int | str, dict[str, Any]] = {
    202: {
        "description": "It will be walked at once; follow it at Location.",
        "headers": {"Location": {"description": "The pass.", "schema": {"type": "string"}}},
    }
}


class PassRequest(BaseModel):
    """A pass that somebody asks for."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"kind": "sync"}]})

    kind: PassKind = Field(
        default=PassKind.SYNC, description="`sync` asks for what changed, `full` for everything as well."
    )


@router.post(
    "/accounts/{name}/passes", status_code=status.HTTP_202_ACCEPTED, responses=responses(404, 409, 413) | _ASKED_FOR
)
async def start_pass(
    name: AccountName, wanted: PassRequest, response: Response, service: ServiceDep, caller: OperatorDep
) -> PassRecord:
    """Ask for a pass of the account, and get where to follow it.

    Where one is running or waiting that does what was asked for, it is that one. 409 for an account that is paused or
    has no server token.
    """
    queued = await request_pass(service.store, name, wanted.kind, by=caller.actor, now=service.now)
    service.wake()
    response.headers["Location"] = f"{API_PREFIX}/passes/{queued.id}"
    return await one_pass(service.store, queued.id)


@router.get("/accounts/{name}/passes", responses=responses(404))
async def list_passes_of_account(
    name: AccountName, service: ServiceDep, _caller: ViewerDep, limit: Limit = 100, cursor: Cursor = None
) -> ItemList[PassRecord]:
    """List the account's passes, the newest first."""
    return await pass_list(service.store, name, cursor=cursor, limit=limit)


@router.get("/passes", responses=responses())
async def list_passes(
    service: ServiceDep, _caller: ViewerDep, limit: Limit = 100, cursor: Cursor = None
) -> ItemList[PassRecord]:
    """List the passes of all accounts, the newest first."""
    return await pass_list(service.store, cursor=cursor, limit=limit)


@router.get("/passes/{pass_id}", responses=responses(404))
async def show_pass(pass_id: PassId, service: ServiceDep, _caller: ViewerDep) -> PassRecord:
    """Show one pass: where it is, or how it ended."""
    return await one_pass(service.store, pass_id)
