"""API keys, for programs and for other commands of adept. A key is shown once, when it is made."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path, Query, Response
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from adept.access.keys import create_key, revoke_key
from adept.records.access import KeyRecord, NewKeyRecord, key_list, new_key_record, one_key
from adept.records.lists import ItemList
from adept.web.access import AdminDep, Role
from adept.web.problems import responses
from adept.web.service import ServiceDep

router = APIRouter(prefix="/keys", tags=["access"])

Name = Annotated[str, Path(max_length=200, examples=["backup"])]


class NewKey(BaseModel):
    """What the key is for, and what it may."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={"example": {"name": "backup", "role": "viewer", "expires_at": "2030-01-01T00:00:00Z"}},
    )

    name: str = Field(max_length=200, description="Up to 64 of a-z, 0-9 and . _ @ + -.")
    role: Role
    may_read_secrets: bool = Field(default=False, description="Whether answers with secrets of tokens are for it.")
    expires_at: AwareDatetime | None = Field(default=None, description="Null: it doesn't expire.")


@router.get("")
async def list_(
    _caller: AdminDep,
    service: ServiceDep,
    revoked: Annotated[bool, Query(description="Those too that were revoked.")] = False,
) -> ItemList[KeyRecord]:
    """The keys, by name."""
    return ItemList(items=await key_list(service.store, with_revoked=revoked))


@router.post("", status_code=201, responses=responses(409))
async def create(body: NewKey, caller: AdminDep, service: ServiceDep, response: Response) -> NewKeyRecord:
    """Make a key. This answer is the only one that has the key itself."""
    caller.check_may_give(body.role, may_read_secrets=body.may_read_secrets)
    row, key = await create_key(
        service.store,
        body.name,
        role=body.role,
        may_read_secrets=body.may_read_secrets,
        expires_at=body.expires_at,
        by=caller.actor,
        now=service.now,
    )
    response.headers["Location"] = f"/api/v1/keys/{row.name}"
    return new_key_record(row, key)


@router.get("/{name}", responses=responses(404))
async def show(name: Name, _caller: AdminDep, service: ServiceDep) -> KeyRecord:
    """One key; where the name was used again, the one that is good."""
    return await one_key(service.store, name)


@router.delete("/{name}", status_code=204, responses=responses(404))
async def revoke(name: Name, caller: AdminDep, service: ServiceDep) -> None:
    """Revoke a key: it is worth nothing from the next request on."""
    await revoke_key(service.store, name, by=caller.actor, now=service.now)
