"""Errors as people see them: a page that says what happened and what to do, or the way to the login."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any
from urllib.parse import quote

from fastapi import Request
from starlette.responses import RedirectResponse, Response

from adept.errors import AdeptError
from adept.web.access import who_asks
from adept.web.problems import Told
from adept.web.request_id import current_request_id
from adept.web.service import Service
from adept.web.ui.rendering import Visit, show
from adept.web.ui.returning import keep, path_of

_FOR_PROGRAMS = ("/api/", "/dep/", "/static/", "/metrics", "/healthz", "/readyz")

TITLES: Mapping[int, str] = {
    400: "This request can't be read",
    403: "You may not do this",
    404: "There is nothing here",
    405: "This address can't be opened like that",
    408: "That took too long",
    409: "This can't be done as things are",
    413: "That is too large",
    422: "Something in this address or form is wrong",
    429: "Too many tries",
    500: "Something went wrong in adept",
    502: "Apple refused, or its answer can't be read",
    503: "The database can't be used at the moment",
    504: "Apple gave no usable answer",
}


def is_page(path: str) -> bool:
    """Whether people look at what is there, so that an error there is a page."""
    return not path.startswith(_FOR_PROGRAMS)


async def error_page(request: Request, problem: Told) -> Response:
    """The page for a problem. Nobody we know is shown the login, and gets back afterwards what was typed."""
    if problem.code == "not_known":
        return await _login(request)
    if problem.code == "role_needed":
        problem = replace(problem, way_out="ask an administrator to do it, or to give you the role")
    if problem.code == "bug":
        problem = replace(problem, way_out="report it, with the number of the request below")
    values: dict[str, Any] = {
        "title": TITLES.get(problem.status, "This didn't work"),
        "problem": problem,
        "request_id": current_request_id(),
        "back": path_of(request.headers.get("referer")),
    }
    visit = await _visit(request) if problem.status < 500 else None
    if visit is None:
        answer = show(request, "error_bare.html", status=problem.status, **values)
    else:
        answer = visit.show("error.html", here="", status=problem.status, **values)
    answer.headers.update(problem.to_send())
    return answer


async def _visit(request: Request) -> Visit | None:
    """Who sees the error, where we know: they keep the navigation."""
    service: Service = request.app.state.service
    try:
        caller = await who_asks(request, service)
    except AdeptError:
        return None
    return None if caller is None else Visit(request, service, caller)


async def _login(request: Request) -> Response:
    if request.headers.get("hx-request"):  # a part of a page, which tells it: who is typing there loses nothing
        return Response(status_code=401)
    if request.method in ("GET", "HEAD"):
        return RedirectResponse(_way_to_login(path_of(str(request.url))), status_code=303)
    async with request.form() as form:
        kept = keep(path_of(str(request.url)), form.multi_items())
    return show(request, "login.html", status=401, next=path_of(request.headers.get("referer")), kept=kept)


def _way_to_login(path: str) -> str:
    return f"/login?next={quote(path, safe='')}" if path != "/" else "/login"
