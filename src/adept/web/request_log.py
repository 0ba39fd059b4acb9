"""The outer edge of every request: its id, its line in the log, and the last catch.

Nothing gets past it: an error that nobody foresaw is logged with its traceback and told as a bug; a request that is
cut off at the service's end just ends.
"""

from __future__ import annotations

import asyncio
import logging
from time import perf_counter
from typing import Any

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import ClientDisconnect, Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from adept.web.failures import told
from adept.web.patience import TooSlow
from adept.web.problems import BUG
from adept.web.request_id import HEADER, begin_request

log = logging.getLogger("adept.web")


class RequestLog:
    """Writes one line per request: who asked what, the answer's status, how long it took."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer the request, and log it once the answer has been sent."""
        if scope["type"] != "http":
            return await self.app(scope, receive, send)
        request_id = begin_request(Headers(scope=scope).get(HEADER))
        scope.setdefault("state", {})
        began = perf_counter()
        status: int | None = None

        async def sending(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                MutableHeaders(scope=message)[HEADER] = request_id
            await send(message)

        trouble: str | None = None
        try:
            await self.app(scope, receive, sending)
        except asyncio.CancelledError:  # the server's last resort; nothing above this task waits for it
            trouble = "cut off: the service stopped"
        except ClientDisconnect:
            trouble = "cut off: the client left"
        except TooSlow:
            trouble = "cut off: the client took nothing of the answer"
        except Exception:
            log.exception("request failed", extra=_asked(scope))
            trouble = "failed"
            if status is None:
                await (await told(Request(scope), BUG))(scope, receive, sending)
        log.log(
            logging.WARNING if trouble or status is None or status >= 500 else logging.INFO,
            "request answered" if trouble is None else "request not answered whole",
            extra=_asked(scope)
            | {"status": status, "took_s": round(perf_counter() - began, 4)}
            | ({"trouble": trouble} if trouble else {}),
        )
        return None


def _asked(scope: Scope) -> dict[str, Any]:
    """Who asked what. The query is left out: what people search for is theirs."""
    client = scope.get("client")
    return {
        "method": scope["method"],
        "path": scope["path"],
        "address": client[0] if client else None,
        "actor": scope["state"].get("actor"),
    }
