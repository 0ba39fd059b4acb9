"""What is done on /accounts/{name}: syncing, pausing, deciding a hold, changing the settings, removing the account."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

from fastapi import APIRouter, Form, Path
from starlette.responses import Response

from adept.accounts import registry
from adept.errors import AdeptError, Conflict
from adept.jobs.requests import request_pass
from adept.store.accounts import account_named
from adept.sync import holds
from adept.sync.outcome import PassKind
from adept.web.ui.account import path_of, show_account
from adept.web.ui.dep_accounts import HERE
from adept.web.ui.rendering import Visit
from adept.web.ui.troubles import trouble_of, wrong
from adept.web.ui.visits import AdminVisit, OperatorVisit

router = APIRouter(include_in_schema=False, prefix="/accounts/{name}")

Text = Annotated[str, Form()]
Version = Annotated[int, Form(ge=0, lt=2**53)]
HoldId = Annotated[int, Path(ge=1, lt=2**53)]


class Decision(StrEnum):
    """What a person decides of a hold."""

    CONFIRM = "confirm"
    DISCARD = "discard"


@router.post("/passes")
async def sync(visit: OperatorVisit, name: str, kind: Annotated[PassKind, Form()] = PassKind.SYNC) -> Response:
    """Sync now, or everything."""
    try:
        await request_pass(visit.service.store, name, kind, by=visit.caller.actor, now=visit.service.now)
    except AdeptError as error:
        return await show_account(visit, name, trouble=trouble_of(error))
    visit.service.wake()
    return _back(visit, name, "sync_asked" if kind is PassKind.SYNC else "full_sync_asked")


@router.post("/pause")
async def pause(visit: OperatorVisit, name: str) -> Response:
    """Sync it no more until it is resumed."""
    await registry.pause(visit.service.store, name, by=visit.caller.actor, now=visit.service.now)
    return _back(visit, name, "account_paused")


@router.post("/resume")
async def resume(visit: OperatorVisit, name: str) -> Response:
    """Sync it again."""
    await registry.resume(visit.service.store, name, by=visit.caller.actor, now=visit.service.now)
    visit.service.wake()
    return _back(visit, name, "account_resumed")


@router.post("/holds/{hold_id}")
async def decide(visit: OperatorVisit, name: str, hold_id: HoldId, decision: Annotated[Decision, Form()]) -> Response:
    """Delete the devices of a hold, or keep them."""
    service = visit.service
    async with service.store.reading() as tx:
        account = await account_named(tx, name)
    act = holds.confirm if decision is Decision.CONFIRM else holds.discard
    try:
        await act(service.store, account, hold_id, by=visit.caller.actor, now=service.now())
    except Conflict as error:
        return await show_account(visit, name, trouble=trouble_of(error))
    service.wake()
    return _back(visit, name, "hold_confirmed" if decision is Decision.CONFIRM else "hold_discarded")


@router.post("/settings")
async def change(
    visit: AdminVisit,
    name: str,
    version: Version,
    interval_s: Annotated[int, Form()],
    page_size: Text = "",
) -> Response:
    """Change the interval and the page size; no page size is as many as Apple gives."""
    typed = {"interval_s": str(interval_s), "page_size": page_size}
    size = page_size.strip()
    if size and not size.isdecimal():
        return await show_account(visit, name, trouble=wrong(page_size="this is not a number"), typed=typed)
    try:
        await registry.change(
            visit.service.store,
            name,
            version=version,
            interval_s=interval_s,
            page_size=int(size) if size else None,
            by=visit.caller.actor,
            now=visit.service.now,
        )
    except AdeptError as error:
        is_conflict = isinstance(error, Conflict)
        return await show_account(visit, name, trouble=trouble_of(error), typed=typed, meanwhile=is_conflict)
    visit.service.wake()
    return _back(visit, name, "account_changed")


@router.post("/remove")
async def remove(visit: AdminVisit, name: str, confirm: Text = "") -> Response:
    """Remove the account, once its name was typed."""
    if confirm.strip().lower() != name.strip().lower():
        told = wrong(confirm=f"type the account's name, {name}, to remove it")
        return await show_account(visit, name, trouble=told, typed={"confirm": confirm})
    await registry.remove(visit.service.store, name, by=visit.caller.actor, now=visit.service.now)
    return visit.go(HERE, done="account_removed")


def _back(visit: Visit, name: str, done: str) -> Response:
    return visit.go(path_of(name), done=done)
