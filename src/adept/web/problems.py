"""Errors as the API tells them: RFC 9457 problems, with our code, the way out, and the request's id.

`problem_of` decides what an error means over HTTP. Routes just raise.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any

from pydantic import BaseModel, ConfigDict, Field
from starlette.responses import JSONResponse, Response

from adept.errors import (
    AdeptError,
    Busy,
    ConfigError,
    Conflict,
    CursorExpired,
    Denied,
    Malformed,
    Misuse,
    NeedsPerson,
    NotFound,
    Refused,
    StoreError,
    TokenFileError,
    Unreachable,
)
from adept.web.request_id import current_request_id

MEDIA_TYPE = "application/problem+json"
STORE_RETRY_S = 5  # a locked or vanished database is worth another try after that

# The first kind that fits decides.
_STATUSES: tuple[tuple[type[AdeptError], int], ...] = (
    (NotFound, 404),
    (Conflict, 409),
    (CursorExpired, 410),
    (Misuse, 422),
    (TokenFileError, 422),
    (NeedsPerson, 409),
    (Busy, 409),
    (Refused, 502),
    (Malformed, 502),
    (Unreachable, 504),
    (StoreError, 503),
    (ConfigError, 500),
)


class FieldError(BaseModel):
    """What is wrong with one field of a request."""

    field: str = Field(description="Where it stands: `body.name`, `query.limit`.")
    message: str


class Problem(BaseModel):
    """An error (RFC 9457). `code` is a stable word for programs, `way_out` what to do about it."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "type": "about:blank",
                "title": "Not Found",
                "status": 404,
                "detail": "there is no account 'hq'",
                "code": "not_found",
                "way_out": None,
                "request_id": "5f2b7c9e0d4a4c0f9a6f3f1f0e1d2c3b",
            }
        }
    )

    type: str = "about:blank"
    title: str
    status: int
    detail: str
    code: str
    way_out: str | None = None
    request_id: str | None = None
    errors: list[FieldError] | None = Field(default=None, description="With `invalid_request`: each field at fault.")
    current: Any = Field(default=None, description="With `conflict`: what is there now.")
    retry_after_s: float | None = Field(default=None, description="How long to wait before another try.")


@dataclass(frozen=True)
class Told:
    """A problem to be answered, and the headers that go with it."""

    status: int
    detail: str
    code: str
    way_out: str | None = None
    errors: list[FieldError] | None = None
    current: Any = None
    retry_after_s: float | None = None
    headers: Mapping[str, str] = field(default_factory=dict)

    def to_send(self) -> dict[str, str]:
        """The headers of the answer, with how long to wait."""
        wait = {} if self.retry_after_s is None else {"Retry-After": str(math.ceil(self.retry_after_s))}
        return {**self.headers, **wait}

    def response(self) -> Response:
        """The answer; optional members are left out where there is nothing to say."""
        problem = Problem(
            title=HTTPStatus(self.status).phrase,
            status=self.status,
            detail=self.detail,
            code=self.code,
            way_out=self.way_out,
            request_id=current_request_id(),
            errors=self.errors,
            current=self.current,
            retry_after_s=self.retry_after_s,
        )
        absent = {name for name in ("errors", "current", "retry_after_s") if getattr(problem, name) is None}
        body = problem.model_dump(mode="json", exclude=absent)
        return JSONResponse(body, status_code=self.status, headers=self.to_send(), media_type=MEDIA_TYPE)


CHALLENGE = {"WWW-Authenticate": 'Bearer realm="adept"'}  # no 401 without one (RFC 9110, 11.6.1)
BUG = Told(500, "this is a bug in adept; the service's log has the traceback", "bug", "report it with the request_id")


def problem_of(error: AdeptError) -> Told:
    """What one of our errors means over HTTP."""
    if isinstance(error, Denied):
        retry_after_s = error.retry_after_s
        status = error.status
    else:
        status = next((status for kind, status in _STATUSES if isinstance(error, kind)), 500)
        retry_after_s = _retry_after_s(error)
    return Told(
        status,
        error.message,
        error.code,
        error.way_out,
        current=error.current if isinstance(error, Conflict) else None,
        retry_after_s=retry_after_s,
        headers=getattr(error, "headers", CHALLENGE if status == 401 else {}),
    )


def _retry_after_s(error: AdeptError) -> float | None:
    if isinstance(error, StoreError):
        return STORE_RETRY_S
    return error.retry_after_s if isinstance(error, (Refused, Unreachable)) else None


_WHEN = {
    400: "The request can't be read.",
    401: "Nobody we know: no session, no key, or one that is not valid (any more).",
    403: "Known, but not allowed; or a request that another site's page sent.",
    404: "It is not there.",
    405: "Not with this method.",
    408: "The body came too slowly.",
    409: "It can't be beside what is there, or somebody changed it meanwhile; or a person has to decide first.",
    410: "It was kept no longer.",
    413: "The body is larger than is taken here.",
    421: "The host that the request names is not served here.",
    422: "A field is missing or wrong.",
    428: "Say in If-Match which version you edit.",
    429: "Too many tries; wait.",
    500: "A bug in adept.",
    502: "Apple refused, or its answer can't be read.",
    503: "The database can't be used at the moment.",
    504: "No usable answer from Apple.",
}

PROBLEMS: dict[int | str, dict[str, Any]] = {
    status: {
        "description": told,
        "content": {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}},
    }
    for status, told in _WHEN.items()
}

ALWAYS = (400, 401, 403, 422, 500, 503)  # what any route with a role may answer


def responses(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """The `responses=` of a route or router: these problems, and those that any route may answer."""
    return {status: PROBLEMS[status] for status in sorted({*ALWAYS, *statuses})}
