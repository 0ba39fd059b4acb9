"""The ASGI application: what is served, errors as problems, and the frame around every request."""

from __future__ import annotations

from pathlib import Path

from fastapi import FastAPI
from starlette.middleware import Middleware
from starlette.staticfiles import StaticFiles

from adept import __version__
from adept.web.binding import served_hosts
from adept.web.failures import answer_failures
from adept.web.gate import Gate
from adept.web.headers import STATIC, SecureHeaders
from adept.web.patience import Patience
from adept.web.request_log import RequestLog
from adept.web.routes import API_PREFIX, api_routers, other_routers
from adept.web.service import Service

_STATIC_FILES = Path(__file__).with_name("static")


def create_app(service: Service) -> FastAPI:
    """The application that serves `service`. What comes first in the frame is outermost."""
    frame = [
        Middleware(SecureHeaders),
        Middleware(RequestLog),
        Middleware(Gate, hosts=served_hosts(service.settings)),
        Middleware(Patience),
    ]
    app = FastAPI(
        title="adept",
        version=__version__,
        openapi_url=None,
        redirect_slashes=False,
        middleware=frame,
    )
    app.state.service = service
    for router in api_routers():
        app.include_router(router, prefix=API_PREFIX)
    for router in other_routers():
        app.include_router(router)
    app.mount(STATIC, StaticFiles(directory=_STATIC_FILES))
    answer_failures(app)
    return app
