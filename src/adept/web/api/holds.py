"""Holds: deletions that wait for a person, because too many devices would go at once."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

from fastapi import APIRouter, Path
from pydantic import BaseModel, ConfigDict, Field

from adept.records.holds import HoldDetails, HoldRecord, hold_list, one_hold
from adept.records.lists import ItemList
from adept.store.accounts import account_named
from adept.sync import holds
from adept.web.access import OperatorDep, ViewerDep
from adept.web.api.accounts import AccountName
from adept.web.problems import responses
from adept.web.service import ServiceDep

router = APIRouter(tags=["accounts"])

HoldId = Annotated[int, Path(ge=1, le=2**53, description="The hold's id.", examples=[3])]


class Decision(StrEnum):
    """What a person decides of a hold."""

    CONFIRM = "confirm"  # delete its devices
    DISCARD = "discard"  # keep them


class HoldDecision(BaseModel):
    """A person's decision."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"decision": "discard"}]})

    decision: Decision = Field(description="`confirm` deletes the devices still in the hold, `discard` keeps them.")


@router.get("/accounts/{name}/holds", responses=responses(404))
async def list_holds(name: AccountName, service: ServiceDep, _caller: ViewerDep) -> ItemList[HoldRecord]:
    """List the account's holds, decided ones too, the newest first."""
    return ItemList(items=await hold_list(service.store, name))


@router.get("/accounts/{name}/holds/{hold_id}", responses=responses(404))
async def show_hold(name: AccountName, hold_id: HoldId, service: ServiceDep, _caller: ViewerDep) -> HoldDetails:
    """Show one hold with the serial numbers that it would delete."""
    return await one_hold(service.store, name, hold_id)


@router.put("/accounts/{name}/holds/{hold_id}", responses=responses(404, 409, 413))
async def decide_hold(
    name: AccountName, hold_id: HoldId, decided: HoldDecision, service: ServiceDep, caller: OperatorDep
) -> HoldDetails:
    """Confirm or discard a hold. Deciding the same again changes nothing; 409 where it ended otherwise.

    A pass in progress ends, and the account is walked again at once.
    """
    async with service.store.reading() as tx:
        account = await account_named(tx, name)
    act = holds.confirm if decided.decision is Decision.CONFIRM else holds.discard
    await act(service.store, account, hold_id, by=caller.actor, now=service.now())
    service.wake()
    return await one_hold(service.store, name, hold_id)
