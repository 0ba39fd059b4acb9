"""A request as the service sees it, and the log of all requests that tests count in.

The log holds neither bodies nor secrets: method, path, status, protocol version, user agent, server.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import islice
from typing import Any
from urllib.parse import parse_qs

import msgspec

from adept.simulator.answers import ServiceError

_REMEMBERED = 100_000


@dataclass
class ServiceRequest:
    """One request. Header names are in lower case; `url` is complete, as the client signed it."""

    method: str
    path: str
    url: str
    query: str
    headers: Mapping[str, str]
    body: bytes
    server_name: str | None = field(default=None)  # whose it was, once its session or its signature told

    @property
    def protocol_version(self) -> int:
        """What the client speaks; 1 where it doesn't say (or says no number), at most the newest we know."""
        text = self.headers.get("x-server-protocol-version", "")
        return min(max(int(text), 1), 10) if text.isascii() and text.isdigit() and len(text) < 10 else 1

    def parameter(self, name: str) -> str | None:
        """A parameter of the query; None where it is absent or empty."""
        return parse_qs(self.query).get(name, [None])[0]

    def document(self) -> dict[str, Any]:
        """The body as a JSON object. Raises MALFORMED_REQUEST_BODY if it isn't one or isn't declared as JSON."""
        declared = self.headers.get("content-type", "").partition(";")[0].strip().lower()
        if declared != "application/json":
            raise ServiceError(400, "MALFORMED_REQUEST_BODY")
        try:
            found = msgspec.json.decode(self.body)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            raise ServiceError(400, "MALFORMED_REQUEST_BODY") from None
        if not isinstance(found, dict):
            raise ServiceError(400, "MALFORMED_REQUEST_BODY")
        return found


class LoggedRequest(msgspec.Struct, frozen=True, kw_only=True):
    """One line of the log, without secrets. `status` is None where the connection was dropped unanswered."""

    number: int
    at: str
    method: str
    path: str
    status: int | None
    protocol_version: str | None
    user_agent: str | None
    server: str | None
    fault: str | None = None  # the fault's word, where one answered


class RequestLog:
    """The newest 100,000 requests, numbered from 1."""

    def __init__(self) -> None:
        self._lines: deque[LoggedRequest] = deque(maxlen=_REMEMBERED)
        self.count = 0

    def add(self, request: ServiceRequest, *, at: str, status: int | None, fault: str | None) -> None:
        """Write a line for an answered (or dropped) request."""
        self.count += 1
        self._lines.append(
            LoggedRequest(
                number=self.count,
                at=at,
                method=request.method,
                path=request.path,
                status=status,
                protocol_version=request.headers.get("x-server-protocol-version"),
                user_agent=request.headers.get("user-agent"),
                server=request.server_name,
                fault=fault,
            )
        )

    def since(self, number: int) -> list[LoggedRequest]:
        """The lines after that number, oldest first."""
        skipped = max(0, len(self._lines) - (self.count - number)) if number < self.count else len(self._lines)
        return list(islice(self._lines, skipped, None))
