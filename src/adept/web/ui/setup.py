"""/setup: the first administrator, named by who holds the link that the service printed when it started.

The link's secret stands behind its #, where no log sees it; a script moves it into the form, and without script it is
pasted there.
"""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Form, Request
from starlette.responses import Response

from adept.access.setup import set_up
from adept.errors import AdeptError
from adept.records.access import has_anybody
from adept.web.access import PUBLIC, visitor_of
from adept.web.service import ServiceDep
from adept.web.session_cookie import give_cookie
from adept.web.ui.rendering import go, show
from adept.web.ui.troubles import Trouble, trouble_of, wrong

router = APIRouter(include_in_schema=False, dependencies=[PUBLIC])

Text = Annotated[str, Form()]
TYPED_TWICE = "the two passwords are not the same"


@router.get("/setup")
async def ask(request: Request, service: ServiceDep) -> Response:
    """The form; where somebody is there already, the login."""
    if await has_anybody(service.store):
        return go("/login")
    return show(request, "setup.html")


@router.post("/setup")
async def name_first(
    request: Request,
    service: ServiceDep,
    secret: Text = "",
    name: Text = "",
    password: Text = "",
    password_again: Text = "",
) -> Response:
    """Name the first administrator, who is logged in then."""
    secret = secret.strip().rpartition("#")[2]  # the whole link will do
    if password != password_again:
        return _again(request, wrong(password_again=TYPED_TWICE), name=name, secret=secret)
    try:
        opened = await set_up(
            service.store,
            secret=secret,
            name=name,
            password=password,
            visitor=visitor_of(request),
            now=service.now,
        )
    except AdeptError as error:
        return _again(request, trouble_of(error), name=name, secret=secret)
    answer = go("/")
    give_cookie(request, answer, opened.secret)
    return answer


def _again(request: Request, trouble: Trouble, **typed: str) -> Response:
    return show(
        request, "setup.html", status=trouble.status, errors=trouble.errors, notices=trouble.notices, typed=typed
    )
