"""Clients that send or take slowly: how long they are waited for, see `limits`."""

from __future__ import annotations

import asyncio
from time import monotonic

from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from adept.web.limits import ANSWER_PAUSE_S, BODY_PAUSE_S, BODY_TIMEOUT_S


class TooSlow(Exception):
    """The client takes nothing of the answer any more."""


class Patience:
    """Ends a request whose body comes too slowly with 408, and one whose answer isn't taken by dropping it."""

    def __init__(
        self,
        app: ASGIApp,
        *,
        body_pause_s: float = BODY_PAUSE_S,
        body_timeout_s: float = BODY_TIMEOUT_S,
        answer_pause_s: float = ANSWER_PAUSE_S,
    ) -> None:
        self.app = app
        self._body_pause_s = body_pause_s
        self._body_timeout_s = body_timeout_s
        self._answer_pause_s = answer_pause_s

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve the request, with bounds on what it waits for the client."""
        if scope["type"] != "http":
            return await self.app(scope, receive, send)
        deadline = monotonic() + self._body_timeout_s
        is_whole = False

        async def receiving() -> Message:
            nonlocal is_whole
            if is_whole:  # from now on this waits for the client to leave
                return await receive()
            try:
                async with asyncio.timeout(min(self._body_pause_s, deadline - monotonic())):
                    message = await receive()
            except TimeoutError:
                raise HTTPException(408, "the request's body came too slowly", {"Connection": "close"}) from None
            is_whole = not message.get("more_body", False)
            return message

        async def sending(message: Message) -> None:
            try:
                async with asyncio.timeout(self._answer_pause_s):
                    await send(message)
            except TimeoutError:
                raise TooSlow from None

        return await self.app(scope, receiving, sending)
