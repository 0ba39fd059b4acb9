"""The server token of an account: its history, and how a new one comes in."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response, status

from adept.accounts.exchange import upload_token
from adept.records.accounts import TokenRecord, account_details
from adept.records.lists import ItemList
from adept.records.tokens import TokenOutcomeRecord, token_outcome_record
from adept.web.access import AdminDep, ViewerDep
from adept.web.api.accounts import AccountName
from adept.web.problems import responses
from adept.web.service import ServiceDep
from adept.web.uploads import UPLOAD_EITHER_WAY, files_of

router = APIRouter(tags=["accounts"])

_KEPT: dict[int | str, dict[str, Any]] = {
    202: {
        "model": TokenOutcomeRecord,
        "description": "Kept as candidate: Apple can't be asked about it yet. It is tried again by itself.",
    }
}


@router.get("/accounts/{name}/token", responses=responses(404))
async def list_tokens(name: AccountName, service: ServiceDep, _caller: ViewerDep) -> ItemList[TokenRecord]:
    """List the account's server tokens, the newest first: when they end and why they ended, never a secret."""
    return ItemList(items=(await account_details(service.store, name)).tokens)


@router.put(
    "/accounts/{name}/token",
    responses=responses(404, 409, 413, 502) | _KEPT,
    openapi_extra=UPLOAD_EITHER_WAY,
)
async def put_token(
    name: AccountName,
    request: Request,
    response: Response,
    service: ServiceDep,
    caller: AdminDep,
    replace_server: Annotated[
        bool, Query(description="Take the token of another MDM server: its devices replace those of the account.")
    ] = False,
) -> TokenOutcomeRecord:
    """Take a server token: open it, ask Apple whose it is, and switch to it. The account is synced at once.

    The body is the `.p7m` of Apple's portal, made for any certificate this account ever gave out, by itself or as the
    field `file` of a form. Until the new token is accepted the old one works; on any error nothing was changed.
    """
    files = await files_of(request)
    outcome = await upload_token(
        service.store,
        name,
        files["file"],
        key=files.get("key"),
        replace_server=replace_server,
        connect=service.connect,
        by=caller.actor,
        now=service.now,
    )
    service.wake()
    if not outcome.is_active:
        response.status_code = status.HTTP_202_ACCEPTED
    return token_outcome_record(outcome)
