"""/theme: light, dark, or as the system has it; kept by the browser."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

from fastapi import APIRouter, Form, Request
from starlette.responses import Response

from adept.web.access import PUBLIC
from adept.web.ui.rendering import THEME_COOKIE, go
from adept.web.ui.returning import path_of

router = APIRouter(include_in_schema=False, dependencies=[PUBLIC])

_YEAR_S = 365 * 86_400


class Theme(StrEnum):
    """The colours of the page."""

    LIGHT = "light"
    DARK = "dark"
    AUTO = "auto"


@router.post("/theme")
async def choose(request: Request, theme: Annotated[Theme, Form()]) -> Response:
    """Show the page that one was on in other colours."""
    answer = go(path_of(request.headers.get("referer")))
    if theme is Theme.AUTO:
        answer.delete_cookie(THEME_COOKIE)
    else:
        answer.set_cookie(
            THEME_COOKIE, theme, max_age=_YEAR_S, httponly=True, samesite="lax", secure=request.url.scheme == "https"
        )
    return answer
