"""Answers that are made while they are sent."""

from __future__ import annotations

from starlette.responses import StreamingResponse
from starlette.types import Receive, Scope, Send


class Stream(StreamingResponse):
    """An answer from an async generator, which is closed however the answer ends.

    Starlette leaves one that a client has stopped reading to the garbage collector, with the transaction in it.
    """

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send the answer."""
        try:
            await super().__call__(scope, receive, send)
        finally:
            if hasattr(self.body_iterator, "aclose"):
                await self.body_iterator.aclose()
