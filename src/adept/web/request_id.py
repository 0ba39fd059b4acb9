"""The id of a request: in its log line, in every problem, in the audit log, and in the answer's X-Request-Id."""

from __future__ import annotations

import re
from contextvars import ContextVar
from uuid import uuid4

HEADER = "x-request-id"
_USABLE = re.compile(r"[A-Za-z0-9_-]{8,64}")
_current: ContextVar[str | None] = ContextVar("adept_request_id", default=None)


def current_request_id() -> str | None:
    """The id of the request this task works for; None outside of one."""
    return _current.get()


def begin_request(offered: str | None) -> str:
    """From now on this task works for a request; its id is the one its client offers, if that will do."""
    request_id = offered if offered is not None and _USABLE.fullmatch(offered) else uuid4().hex
    _current.set(request_id)
    return request_id
