"""/people: who may log in, and the API keys; for administrators."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Form
from starlette.responses import Response

from adept.access.roles import Role
from adept.access.users import add_user
from adept.errors import AdeptError
from adept.records.access import key_list, user_list
from adept.web.ui.rendering import Visit
from adept.web.ui.troubles import Trouble, trouble_of
from adept.web.ui.visits import AdminVisit

router = APIRouter(include_in_schema=False)

HERE = "/people"
Text = Annotated[str, Form()]


@router.get("/people")
async def look(visit: AdminVisit, new: str = "", revoked: bool = False) -> Response:
    """Users and keys; `new` opens the form for a user or a key, `revoked` shows the revoked keys too."""
    return await show_people(visit, new=new, revoked=revoked)


@router.post("/people")
async def add(visit: AdminVisit, role: Annotated[Role, Form()], name: Text = "", password: Text = "") -> Response:
    """Add a user."""
    try:
        visit.caller.check_may_give(role, may_read_secrets=role is Role.ADMIN)
        await add_user(
            visit.service.store, name, role=role, password=password, by=visit.caller.actor, now=visit.service.now
        )
    except AdeptError as error:
        return await show_people(visit, new="user", trouble=trouble_of(error), typed={"name": name, "role": role})
    return visit.go(HERE, done="user_added")


async def show_people(
    visit: Visit,
    *,
    new: str = "",
    revoked: bool = False,
    trouble: Trouble | None = None,
    typed: dict[str, Any] | None = None,
) -> Response:
    """The page, with the form that `new` names open."""
    return visit.show(
        "people.html",
        here=HERE,
        new=new,
        revoked=revoked,
        users=await user_list(visit.service.store),
        keys=await key_list(visit.service.store, with_revoked=revoked),
        trouble=trouble,
        typed=typed or {},
    )
