"""The id of a request: in its log line, in every problem, in the audit log, and in the answer's X-Request-Id."""

from __future__ import annotations

import re
from contextvars import ContextVar
from uuid import uuid4

HEADER = "x-request-id"
_USABLE = re.compile(rb"[A-Za-z0-9_-]{8,64}")
_current: ContextVar[str | None] = ContextVar("adept_request_id", default=None)


def current_request_id() -> str | None:
    """The id of the request this task works for; None outside of one."""
    return _current.get()


def begin_request(offered: bytes | None) -> str:
    """From now on this task works for a request; its id is the one its client offers, if that will do."""
    usable = offered is not None and _USABLE.fullmatch(offered)
    request_id = offered.decode() if usable and offered is not None else uuid4().hex
    _current.set(request_id)
    return request_id
