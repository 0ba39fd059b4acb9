"""Clients that send too much, or send or take too slowly: what they are given is in `limits`.

Not the framework's own limit on bodies: that one replaces every answer to a body that says it is too long, also a
problem, by a line of text.
"""

from __future__ import annotations

import asyncio
from time import monotonic

from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from adept.web.limits import ANSWER_PAUSE_S, BODY_PAUSE_S, BODY_TIMEOUT_S, JSON_LIMIT_BYTES

_GONE: Message = {"type": "http.disconnect"}


class TooSlow(Exception):
    """The client takes nothing of the answer any more."""


class Patience:
    """Ends a request whose body is too long with 413, one whose body comes too slowly with 408.

    Where the answer isn't taken it is dropped.
    """

    def __init__(
        self,
        app: ASGIApp,
        *,
        body_limit_bytes: int = JSON_LIMIT_BYTES,
        body_pause_s: float = BODY_PAUSE_S,
        body_timeout_s: float = BODY_TIMEOUT_S,
        answer_pause_s: float = ANSWER_PAUSE_S,
    ) -> None:
        self.app = app
        self._body_limit_bytes = body_limit_bytes
        self._body_pause_s = body_pause_s
        self._body_timeout_s = body_timeout_s
        self._answer_pause_s = answer_pause_s

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve the request, with bounds on what it takes from the client and how long it waits for it."""
        if scope["type"] != "http":
            return await self.app(scope, receive, send)
        deadline = monotonic() + self._body_timeout_s
        size_bytes = 0
        is_whole = is_answered = False

        async def receiving() -> Message:
            nonlocal size_bytes, is_whole
            if is_whole:  # from now on this waits for the client to leave
                return await receive()
            try:
                self._check(max(size_bytes, _announced_bytes(scope)))
                async with asyncio.timeout(min(self._body_pause_s, deadline - monotonic())):
                    message = await receive()
                size_bytes += len(message.get("body", b""))
                self._check(size_bytes)
            except (TimeoutError, HTTPException) as error:
                if is_answered:  # nobody is left to be told
                    return _GONE
                if isinstance(error, HTTPException):
                    raise
                raise HTTPException(408) from None  # the connection is closed by the protocol, once this was read
            is_whole = not message.get("more_body", False)
            return message

        async def sending(message: Message) -> None:
            nonlocal is_answered
            is_answered = True
            try:
                async with asyncio.timeout(self._answer_pause_s):
                    await send(message)
            except TimeoutError:
                raise TooSlow from None

        return await self.app(scope, receiving, sending)

    def _check(self, size_bytes: int) -> None:
        if size_bytes > self._body_limit_bytes:
            raise HTTPException(413)


def _announced_bytes(scope: Scope) -> int:
    """The length that the body says it has; 0 where it says none."""
    said = Headers(scope=scope).get("content-length", "")
    return int(said) if said.isdecimal() and said.isascii() else 0
