"""/people/{name}: one's own password and sessions; for administrators also everybody's, and their roles."""

from __future__ import annotations

from typing import Annotated, Any
from urllib.parse import quote

from fastapi import APIRouter, Form, Path
from starlette.responses import Response

from adept.access import users
from adept.access.roles import Role
from adept.access.sessions import end_session, end_sessions
from adept.errors import AdeptError, Conflict, Denied
from adept.records.access import one_user, session_list
from adept.web.access import is_user, needs_admin_or, visitor_of
from adept.web.ui.browsers import browser_of
from adept.web.ui.people import HERE
from adept.web.ui.rendering import Visit, go
from adept.web.ui.setup import TYPED_TWICE
from adept.web.ui.troubles import Trouble, trouble_of, wrong
from adept.web.ui.visits import AdminVisit, ViewerVisit

router = APIRouter(include_in_schema=False, prefix="/people/{name}")

Text = Annotated[str, Form()]
Version = Annotated[int, Form(ge=0, lt=2**53)]


@router.get("")
async def look(visit: ViewerVisit, name: str) -> Response:
    """One user: their role, whether they can log in, their sessions."""
    needs_admin_or(name, visit.caller)
    return await _show(visit, name)


@router.post("/role")
async def give_role(visit: AdminVisit, name: str, role: Annotated[Role, Form()], version: Version) -> Response:
    """Give a user another role."""
    try:
        visit.caller.check_may_give(role, may_read_secrets=role is Role.ADMIN)
        await _change(visit, name, role=role, version=version)
    except (Conflict, Denied) as error:
        return await _show(visit, name, trouble=trouble_of(error), typed={"role": role})
    return _back(visit, name, "role_changed")


@router.post("/disable")
async def disable(visit: AdminVisit, name: str, version: Version) -> Response:
    """Let a user log in no more, and end their sessions."""
    try:
        await _change(visit, name, disabled=True, version=version)
    except Conflict as error:
        return await _show(visit, name, trouble=trouble_of(error))
    return _back(visit, name, "user_disabled")


@router.post("/enable")
async def enable(visit: AdminVisit, name: str, version: Version) -> Response:
    """Let a user log in again."""
    try:
        await _change(visit, name, disabled=False, version=version)
    except Conflict as error:
        return await _show(visit, name, trouble=trouble_of(error))
    return _back(visit, name, "user_enabled")


@router.post("/password")
async def set_password(
    visit: ViewerVisit, name: str, old_password: Text = "", password: Text = "", password_again: Text = ""
) -> Response:
    """Change one's own password, which needs the old one; or, as an administrator, set somebody's."""
    needs_admin_or(name, visit.caller)
    is_own = is_user(name, visit.caller)
    if password != password_again:
        return await _show(visit, name, trouble=wrong(password_again=TYPED_TWICE))
    try:
        if is_own:
            await _change_own(visit, old=old_password, new=password)
        else:
            await _set(visit, name, password)
    except Denied as denied:
        return await _show(visit, name, trouble=trouble_of(denied, at="old_password" if is_own else None))
    except AdeptError as error:
        return await _show(visit, name, trouble=trouble_of(error))
    return _back(visit, name, "password_changed" if is_own else "password_set")


@router.post("/sessions/{session_id}/end")
async def end_one(visit: ViewerVisit, name: str, session_id: Annotated[int, Path(ge=1, lt=2**53)]) -> Response:
    """End a session; one's own is a logout."""
    needs_admin_or(name, visit.caller)
    await end_session(visit.service.store, name, session_id, by=visit.caller.actor, now=visit.service.now)
    if session_id == visit.caller.session_id:
        return go("/login", done="logged_out")
    return _back(visit, name, "session_ended")


@router.post("/sessions/end")
async def end_all(visit: ViewerVisit, name: str) -> Response:
    """End all sessions of a user, the one that asks for it too."""
    needs_admin_or(name, visit.caller)
    await end_sessions(visit.service.store, name, by=visit.caller.actor, now=visit.service.now)
    if is_user(name, visit.caller):
        return go("/login", done="logged_out")
    return _back(visit, name, "sessions_ended")


async def _change(visit: Visit, name: str, **changes: Any) -> None:
    await users.change_user(visit.service.store, name, by=visit.caller.actor, now=visit.service.now, **changes)


async def _change_own(visit: Visit, *, old: str, new: str) -> None:
    await users.change_own_password(
        visit.service.store,
        visit.caller.actor.name,
        old=old,
        new=new,
        session_id=visit.caller.session_id,
        visitor=visitor_of(visit.request),
        by=visit.caller.actor,
        now=visit.service.now,
    )


async def _set(visit: Visit, name: str, password: str) -> None:
    role = (await one_user(visit.service.store, name)).role
    visit.caller.check_may_give(role, may_read_secrets=role is Role.ADMIN)
    await users.set_password(visit.service.store, name, password, by=visit.caller.actor, now=visit.service.now)


async def _show(
    visit: Visit, name: str, *, trouble: Trouble | None = None, typed: dict[str, Any] | None = None
) -> Response:
    service = visit.service
    user = await one_user(service.store, name)
    sessions = await session_list(service.store, user.name, now=service.now())
    is_own = is_user(name, visit.caller)
    return visit.show(
        "person.html",
        here="/me" if is_own else HERE,
        person=user,
        is_own=is_own,
        sessions=[(session, browser_of(session.user_agent)) for session in sessions],
        this_session=visit.caller.session_id,
        trouble=trouble,
        typed=typed or {},
    )


def _back(visit: Visit, name: str, done: str) -> Response:
    return visit.go(f"{HERE}/{quote(name)}", done=done)
