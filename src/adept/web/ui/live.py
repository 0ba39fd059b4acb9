"""Parts of a page that stay up to date: sent anew as server-sent events whenever they would look different."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Awaitable, Callable

import anyio
from fastapi.sse import format_sse_event
from starlette.responses import Response

from adept.errors import AdeptError
from adept.web.streaming import Stream

log = logging.getLogger("adept.web")

LOOK_EVERY_S = 1
PING_EVERY_S = 15
STREAM_S = 600  # then the browser comes back

Render = Callable[[], Awaitable[str]]


def live(render: Render, *, look_every_s: int = LOOK_EVERY_S) -> Response:
    """Send what `render` gives, at first and whenever it has changed. The browser puts it where it asked from."""
    headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
    return Stream(_fragments(render, look_every_s), media_type="text/event-stream", headers=headers)


async def _fragments(render: Render, look_every_s: int) -> AsyncIterator[bytes]:
    shown = None
    for second in range(0, STREAM_S, look_every_s):
        if second:
            await anyio.sleep(look_every_s)
        try:
            with anyio.CancelScope(shield=True):  # who goes away in the middle would leave the database's connection
                fragment = await render()
        except AdeptError as error:  # the database is away, or what was shown is gone: the browser asks again
            log.warning("live part ended", extra={"error_code": error.code, "error": str(error)})
            return
        if fragment != shown:
            shown = fragment
            yield format_sse_event(data_str=fragment)
        elif second % PING_EVERY_S == 0:
            yield format_sse_event(comment="still there")
