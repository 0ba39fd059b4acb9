"""The ASGI application: routes, errors as problems, and the frame around every request."""

from __future__ import annotations

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import Response

from adept import __version__
from adept.errors import AdeptError
from adept.web.problems import FieldError, Told, problem_of
from adept.web.routes import API_PREFIX, api_routers, other_routers
from adept.web.service import Service

JSON_LIMIT_BYTES = 1024 * 1024

_CODES = {400: "bad_request", 404: "not_found", 405: "method_not_allowed", 413: "too_large"}


def create_app(service: Service) -> FastAPI:
    """The application that serves `service`."""
    app = FastAPI(
        title="adept",
        version=__version__,
        openapi_url=None,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        max_body_size=JSON_LIMIT_BYTES,
    )
    app.state.service = service
    for router in api_routers():
        app.include_router(router, prefix=API_PREFIX)
    for router in other_routers():
        app.include_router(router)
    app.add_exception_handler(AdeptError, _told)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(HTTPException, _framework)
    return app


async def _told(_request: Request, error: Exception) -> Response:
    assert isinstance(error, AdeptError)
    return problem_of(error).response()


async def _invalid(_request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    errors = [FieldError(field=".".join(map(str, e["loc"])), message=e["msg"]) for e in error.errors()]
    return Told(422, "the request has wrong or missing fields", "invalid_request", errors=errors).response()


async def _framework(_request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    code = _CODES.get(error.status_code, "http")
    return Told(error.status_code, error.detail, code, headers=dict(error.headers or {})).response()
