"""/login and /logout."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Form, Request
from starlette.responses import Response

from adept.access.sessions import end_session, log_in
from adept.errors import Denied
from adept.records.access import has_anybody
from adept.web.access import PUBLIC, visitor_of, who_asks
from adept.web.service import ServiceDep
from adept.web.session_cookie import give_cookie, secret_in, take_cookie
from adept.web.ui.rendering import done_notices, go, show
from adept.web.ui.returning import Kept, kept_in, own_path
from adept.web.ui.troubles import trouble_of

router = APIRouter(include_in_schema=False, dependencies=[PUBLIC])

Text = Annotated[str, Form()]


@router.get("/login")
async def ask(request: Request, service: ServiceDep, next: str = "/") -> Response:  # noqa: A002  # as it is called in the address
    """The form; who is logged in already goes on, and where there is nobody yet the first one is named."""
    if await who_asks(request, service) is not None:
        return go(own_path(next))
    if not await has_anybody(service.store):
        return go("/setup")
    return show(request, "login.html", next=own_path(next), kept=None, notices=done_notices(request))


@router.post("/login")
async def open_(
    request: Request,
    service: ServiceDep,
    name: Text = "",
    password: Text = "",
    next: Text = "/",  # noqa: A002  # as above
    kept: Text = "",
) -> Response:
    """Log in and go on, with the form that was sent without a session where there is one."""
    typed = kept_in(kept)
    try:
        opened = await log_in(
            service.store,
            name,
            password,
            visitor=visitor_of(request),
            old_cookie=secret_in(request),
            now=service.now,
        )
    except Denied as denied:
        trouble = trouble_of(denied)
        return show(
            request,
            "login.html",
            status=trouble.status,
            notices=trouble.notices,
            typed={"name": name},
            next=own_path(next),
            kept=typed,
        )
    answer = go(own_path(next)) if typed is None else _give_back(request, typed, own_path(next))
    give_cookie(request, answer, opened.secret)
    return answer


@router.post("/logout")
async def close(request: Request, service: ServiceDep) -> Response:
    """End the session, if there is one."""
    caller = await who_asks(request, service)
    if caller is not None and caller.session_id is not None:
        await end_session(service.store, caller.actor.name, caller.session_id, by=caller.actor, now=service.now)
    answer = go("/login", done="logged_out")
    take_cookie(request, answer)
    return answer


def _give_back(request: Request, kept: Kept, path: str) -> Response:
    return show(request, "kept.html", kept=kept, next=path)
