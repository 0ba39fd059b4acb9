"""Errors that reach the application's edge: ours, the framework's, and fields that are wrong.

Programs are answered with problems, people with pages.
"""

from __future__ import annotations

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import Response

from adept.errors import AdeptError
from adept.web.problems import FieldError, Told, problem_of
from adept.web.ui.error_pages import error_page, is_page

_CODES = {
    400: ("bad_request", "the request can't be read"),
    404: ("not_found", "there is nothing at this address"),
    405: ("method_not_allowed", "this address doesn't take that method"),
    408: ("too_slow", "the request's body came too slowly"),
    413: ("too_large", "the request's body is larger than is taken here"),
}


def answer_failures(app: FastAPI) -> None:
    """Have the application answer errors with problems. What is not among them is a bug: see `RequestLog`."""
    app.add_exception_handler(AdeptError, _of_ours)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(HTTPException, _of_the_framework)


async def told(request: Request, problem: Told) -> Response:
    """The answer to a request that failed: a page where people look, a problem elsewhere."""
    return await error_page(request, problem) if is_page(request.url.path) else problem.response()


async def _of_ours(request: Request, error: Exception) -> Response:
    assert isinstance(error, AdeptError)
    return await told(request, problem_of(error))


async def _invalid(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    errors = [
        FieldError(field=".".join(map(str, each["loc"])), message=each["msg"].removeprefix("Value error, "))
        for each in error.errors()
    ]
    named = ", ".join(each.field for each in errors[:3])
    detail = f"the request has wrong or missing fields: {named}"
    return await told(request, Told(422, detail, "invalid_request", errors=errors))


async def _of_the_framework(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    code, detail = _CODES.get(error.status_code, ("http", error.detail))
    return await told(request, Told(error.status_code, detail, code, headers=dict(error.headers or {})))
