"""The control port: the portal's page and the control API as one ASGI application.

Pages of other origins may not post here: a browser that a stranger's page drives is turned away by its Origin, and a
name that somebody pointed at this machine by its Host.
"""

from __future__ import annotations

import ipaddress
from urllib.parse import urlsplit

from starlette.applications import Starlette
from starlette.types import ASGIApp, Receive, Scope, Send

from adept.errors import Misuse
from adept.simulator.control_api import ControlApi, error_answer
from adept.simulator.portal_page import PortalPage
from adept.simulator.simulator import Simulator


def control_app(simulator: Simulator) -> ASGIApp:
    """The application for the control port of this simulator."""
    routes = [*ControlApi(simulator).routes(), *PortalPage(simulator).routes()]
    return _SameOrigin(Starlette(routes=routes, max_body_size=8 * 1024 * 1024))


class _SameOrigin:
    """Turns away what a browser sends on behalf of another page."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            headers = {name: value.decode("latin-1") for name, value in scope["headers"]}
            host, origin = headers.get(b"host", ""), headers.get(b"origin")
            if not _is_plain(host) or (origin is not None and origin.partition("://")[2] != host):
                refused = error_answer(
                    Misuse("the simulator's portal takes requests from its own page and from programs")
                )
                refused.status_code = 403
                await refused(scope, receive, send)
                return
        await self._app(scope, receive, send)


def _is_plain(host: str) -> bool:
    """Whether the host is an address, or this machine by its own name."""
    try:
        name = urlsplit(f"//{host}").hostname or ""
    except ValueError:  # half an IPv6 address
        return False
    if name == "localhost" or name.endswith(".localhost"):
        return True
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return "." not in name  # a container's or a test's short name
    return True
