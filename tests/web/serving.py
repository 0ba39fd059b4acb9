"""How tests of the frame serve an application of their own, and talk to it below HTTP."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import Any

from adept.web.listening import Listening, listen
from adept.web.protocol import CarefulProtocol

PATIENCE_S = 20.0


@asynccontextmanager
async def served(app: Any, **options: Any) -> AsyncIterator[int]:
    """Serve an application on this machine while the block runs; yields the port."""
    listener = listen("127.0.0.1", 0)
    port: int = listener.getsockname()[1]
    listening = Listening(app, listener, grace_s=1, **options)
    await listening.start()
    try:
        yield port
    finally:
        await listening.stop()


@dataclass
class Line:
    """A bare connection."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    async def send(self, *parts: bytes) -> None:
        """Send; that the other end has closed is for `rest` to tell."""
        with suppress(ConnectionError):
            self.writer.write(b"".join(parts))
            await self.writer.drain()

    async def answer(self) -> tuple[int, bytes]:
        """The next answer with a length: its status and its body."""
        head = await asyncio.wait_for(self.reader.readuntil(b"\r\n\r\n"), PATIENCE_S)
        lengths = [line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")]
        body = await asyncio.wait_for(self.reader.readexactly(int(lengths[0].split(b":")[1])), PATIENCE_S)
        return int(head.split()[1]), body

    async def rest(self) -> bytes:
        """Everything until the other end closes."""
        with suppress(ConnectionResetError):
            return await asyncio.wait_for(self.reader.read(), PATIENCE_S)
        return b""


@asynccontextmanager
async def line_to(port: int) -> AsyncIterator[Line]:
    """A connection to the port."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        yield Line(reader, writer)
    finally:
        writer.close()
        with suppress(ConnectionError):
            await writer.wait_closed()


def protocol_with(**bounds: float) -> type[CarefulProtocol]:
    """The protocol with other bounds."""
    return type("BoundedProtocol", (CarefulProtocol,), bounds)
