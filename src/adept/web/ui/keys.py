"""/keys: making and revoking API keys. They are listed on /people."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated

from fastapi import APIRouter, Form
from starlette.responses import Response

from adept.access.keys import create_key, revoke_key
from adept.access.roles import Role
from adept.errors import AdeptError
from adept.records.access import new_key_record
from adept.web.ui.people import HERE, show_people
from adept.web.ui.troubles import trouble_of
from adept.web.ui.visits import AdminVisit

router = APIRouter(include_in_schema=False)


@router.get("/keys")
async def look(visit: AdminVisit) -> Response:
    """They are among the people."""
    return visit.go(HERE)


@router.post("/keys")
async def make(
    visit: AdminVisit,
    role: Annotated[Role, Form()],
    days: Annotated[int, Form(ge=0, le=3650)],
    name: Annotated[str, Form()] = "",
    secrets: Annotated[bool, Form()] = False,
) -> Response:
    """Make a key and show it, this once. `days` until it ends; 0 is never. Sent again, it is refused by its name."""
    service = visit.service
    try:
        visit.caller.check_may_give(role, may_read_secrets=secrets)
        row, key = await create_key(
            service.store,
            name,
            role=role,
            may_read_secrets=secrets,
            expires_at=service.now() + timedelta(days=days) if days else None,
            by=visit.caller.actor,
            now=service.now,
        )
    except AdeptError as error:
        typed = {"name": name, "role": role, "days": str(days), "secrets": "yes" if secrets else ""}
        return await show_people(visit, new="key", trouble=trouble_of(error), typed=typed)
    url = f"{visit.request.base_url}api/v1/accounts"
    return visit.show("key.html", here=HERE, status=201, key=new_key_record(row, key), url=url)


@router.post("/keys/{name}/revoke")
async def revoke(visit: AdminVisit, name: str) -> Response:
    """Revoke a key; harmless where it was already."""
    await revoke_key(visit.service.store, name, by=visit.caller.actor, now=visit.service.now)
    return visit.go(HERE, done="key_revoked")
