"""The cookie that holds a session's secret: out of reach of scripts, of other sites, and over TLS of plain HTTP."""

from __future__ import annotations

from fastapi import Request, Response

from adept.access.sessions import LIFETIME


def name_of_cookie(request: Request) -> str:
    """What the cookie is called; the prefix makes browsers hold it to this very host and to TLS."""
    return "__Host-adept_session" if _is_tls(request) else "adept_session"


def secret_in(request: Request) -> str | None:
    """The session's secret that came with the request."""
    return request.cookies.get(name_of_cookie(request)) or None


def give_cookie(request: Request, response: Response, secret: str) -> None:
    """Let the browser keep the session's secret."""
    response.set_cookie(
        name_of_cookie(request),
        secret,
        max_age=int(LIFETIME.total_seconds()),
        path="/",
        secure=_is_tls(request),
        httponly=True,
        samesite="lax",
    )


def take_cookie(request: Request, response: Response) -> None:
    """Let the browser forget the session's secret."""
    response.delete_cookie(name_of_cookie(request), path="/", secure=_is_tls(request), httponly=True, samesite="lax")


def _is_tls(request: Request) -> bool:
    return request.url.scheme == "https"
