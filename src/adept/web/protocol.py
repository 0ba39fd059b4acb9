"""HTTP on one connection, with bounds on how long a head may take and how large it may be.

uvicorn waits for ever for the rest of a head and takes any amount of it; it also reads on for ever where a body goes on
after its answer. Bodies that are waited for are `patience`'s business.
"""

from __future__ import annotations

import asyncio
import json
import logging
from http import HTTPStatus

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from adept.web.limits import CONNECTIONS, HEAD_LIMIT_BYTES, HEAD_TIMEOUT_S, LINGER_S
from adept.web.problems import MEDIA_TYPE

log = logging.getLogger("adept.web")


class CarefulProtocol(HttpToolsProtocol):
    """One connection. Its bounds are the class's; a test derives one with others."""

    head_timeout_s = HEAD_TIMEOUT_S
    head_limit_bytes = HEAD_LIMIT_BYTES
    linger_s = LINGER_S
    most_connections = CONNECTIONS

    _timer: asyncio.TimerHandle | None = None
    _head_bytes: int | None = 0  # None outside of a head
    _is_whole = False  # the request's body has come to its end

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn's
        """Begin to wait for the first head."""
        super().connection_made(transport)
        self._close_in(self.head_timeout_s)
        if len(self.connections) > self.most_connections:
            self._refuse(503, "too_many_connections", "adept has too many connections open")

    def connection_lost(self, exc: Exception | None) -> None:
        """Wait for nothing any more."""
        self._close_in(None)
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Take a part of a request."""
        super().data_received(data)
        if self._head_bytes is None:
            return
        self._head_bytes += len(data)
        if self._head_bytes > self.head_limit_bytes:
            self._refuse(431, "head_too_large", "the request's headers are larger than is taken here")

    def on_message_begin(self) -> None:
        """Begin a head."""
        super().on_message_begin()
        self._head_bytes, self._is_whole = 0, False
        self._close_in(self.head_timeout_s)

    def on_headers_complete(self) -> None:
        """End a head; from here on the application is in charge."""
        self._head_bytes = None
        self._close_in(None)
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        """End a body."""
        self._is_whole = True
        self._close_in(None)
        super().on_message_complete()

    def on_response_complete(self) -> None:
        """End an answer. What is left of the body may come for a while, so that the client gets to read the answer."""
        super().on_response_complete()
        if not self._is_whole:
            self._close_in(self.linger_s)

    def send_400_response(self, msg: str) -> None:
        """Refuse what is not HTTP."""
        del msg
        self._refuse(400, "bad_request", "this is not a request in HTTP")

    def _close_in(self, seconds: float | None) -> None:
        """Close the connection after that time, instead of any other time said before; never for None."""
        if self._timer is not None:
            self._timer.cancel()
        self._timer = None if seconds is None else self.loop.call_later(seconds, self._give_up)

    def _give_up(self) -> None:
        if not self.transport.is_closing():
            log.info("connection given up", extra={"address": self.client[0] if self.client else None})
            self.transport.close()

    def _refuse(self, status: int, code: str, detail: str) -> None:
        """Answer with a problem, where no application has got the request, and close."""
        if self.transport.is_closing():
            return
        phrase = HTTPStatus(status).phrase
        problem = {"type": "about:blank", "title": phrase, "status": status, "detail": detail, "code": code}
        body = json.dumps(problem).encode()
        head = (
            f"HTTP/1.1 {status} {phrase}\r\ncontent-type: {MEDIA_TYPE}\r\ncontent-length: {len(body)}\r\n"
            "connection: close\r\n\r\n"
        )
        self.transport.write(head.encode() + body)
        self.transport.close()
