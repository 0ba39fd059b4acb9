"""The service on the wire: a plain ASGI application, small because fetch and sync pass through it.

Routing and middleware would cost more than the answer does. A dropped connection needs the transport, which the
simulator's own HTTP server passes along (`running.py`); under another server the application raises
ConnectionResetError, and the server does what it does then.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, MutableMapping
from email.utils import formatdate
from typing import Any

from adept.simulator.answers import BREAK_DURING, Answer
from adept.simulator.requests import ServiceRequest

TRANSPORT = "adept.transport"
_LARGEST_BODY_BYTES = 8 * 1024 * 1024

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]


class ServiceApp:
    """ASGI over a function from request to answer."""

    def __init__(self, answer: Callable[[ServiceRequest], Answer]) -> None:
        self._answer = answer

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one HTTP request; other kinds of connections are ignored."""
        if scope["type"] != "http":
            return
        body = await _body(receive)
        if body is None:
            await _send(send, Answer(413))
            return
        answer = self._answer(_request(scope, body))
        if answer.delay_s:
            await asyncio.sleep(answer.delay_s)
        if answer.breaks:
            await _break(scope, send, answer)
            return
        await _send(send, answer)


def _request(scope: Scope, body: bytes) -> ServiceRequest:
    headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
    host = headers.get("host", "localhost")
    path: str = scope["path"]
    raw_path = scope.get("raw_path") or path.encode()
    query = scope["query_string"].decode("latin-1")
    url = f"{scope['scheme']}://{host}{raw_path.decode('latin-1')}" + (f"?{query}" if query else "")
    return ServiceRequest(scope["method"], path, url, query, headers, body)


async def _body(receive: Receive) -> bytes | None:
    """The whole body; None where it is larger than anything a client may mean."""
    message = await receive()
    body: bytes = message.get("body", b"")
    if not message.get("more_body"):
        return body
    parts, size = [body], len(body)
    while message.get("more_body"):
        message = await receive()
        parts.append(message.get("body", b""))
        size += len(parts[-1])
        if size > _LARGEST_BODY_BYTES:
            return None
    return b"".join(parts)


async def _send(send: Send, answer: Answer) -> None:
    await send(_start(answer))
    if answer.body_delay_s:
        half = len(answer.body) // 2
        await send({"type": "http.response.body", "body": answer.body[:half], "more_body": True})
        await asyncio.sleep(answer.body_delay_s)
        await send({"type": "http.response.body", "body": answer.body[half:]})
        return
    await send({"type": "http.response.body", "body": answer.body})


async def _break(scope: Scope, send: Send, answer: Answer) -> None:
    """Drop the connection, after half the answer or before any of it."""
    transport = scope.get("extensions", {}).get(TRANSPORT, {}).get("transport")
    if transport is None:
        raise ConnectionResetError(f"the simulator dropped the connection {answer.breaks} the answer")
    if answer.breaks == BREAK_DURING:
        await send(_start(answer))
        half = answer.body[: max(1, len(answer.body) // 2)]
        await send({"type": "http.response.body", "body": half, "more_body": True})
    transport.close()


def _start(answer: Answer) -> MutableMapping[str, Any]:
    headers = [
        (b"server", b"adept-simulator"),
        (b"date", formatdate(usegmt=True).encode()),  # real time, as for OAuth timestamps
        (b"content-type", answer.content_type.encode()),
        (b"content-length", str(len(answer.body)).encode()),
    ]
    headers += [(name.lower().encode(), value.encode()) for name, value in answer.headers.items()]
    return {"type": "http.response.start", "status": answer.status, "headers": headers}
