"""What stands between adept and the simulated Apple and breaks: `python proxy.py PORT TARGET_PORT`, told by lines.

    reset before N    the next N requests: the connection is reset before any of it got through
    reset during N    the next N answers: reset after half of what has come of it
    reset after N     the next N answers: reset when it is here, before any of it is passed on
    slow SECONDS N    the next N answers come so many seconds later

Bytes are passed as they come, so a request is what follows an answer and an answer what follows a request.
"""

from __future__ import annotations

import asyncio
import socket
import struct
import sys
from collections import deque
from contextlib import suppress
from dataclasses import dataclass, field

CHUNK_BYTES = 256 * 1024
RESET = struct.pack("ii", 1, 0)  # linger for no time: the other end is told at once


@dataclass
class Orders:
    """What is to happen to the next requests and answers."""

    requests: deque[None] = field(default_factory=deque)
    answers: deque[tuple[str, float]] = field(default_factory=deque)

    def take(self, line: str) -> None:
        match line.split():
            case ["reset", "before", count]:
                self.requests.extend([None] * int(count))
            case ["reset", when, count]:
                self.answers.extend([(when, 0.0)] * int(count))
            case ["slow", seconds, count]:
                self.answers.extend([("slow", float(seconds))] * int(count))


@dataclass
class Connection:
    """One connection of adept's and the one to Apple that goes with it."""

    orders: Orders
    ours: asyncio.StreamWriter
    theirs: asyncio.StreamWriter
    is_waiting: bool = False  # for the beginning of an answer

    async def pass_requests(self, reader: asyncio.StreamReader) -> None:
        while chunk := await reader.read(CHUNK_BYTES):
            if not self.is_waiting and self.orders.requests:
                self.orders.requests.popleft()
                return self.reset()
            self.is_waiting = True
            self.theirs.write(chunk)
            await self.theirs.drain()
        return self.theirs.close()

    async def pass_answers(self, reader: asyncio.StreamReader) -> None:
        while chunk := await reader.read(CHUNK_BYTES):
            if self.is_waiting and self.orders.answers:
                what, seconds = self.orders.answers.popleft()
                if what == "during":
                    self.ours.write(chunk[: len(chunk) // 2])
                    await self.ours.drain()
                if what != "slow":
                    return self.reset()
                await asyncio.sleep(seconds)
            self.is_waiting = False
            self.ours.write(chunk)
            await self.ours.drain()
        return self.ours.close()

    def reset(self) -> None:
        """Drop both ends, as a box on the way does that loses its memory."""
        for writer in (self.ours, self.theirs):
            writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
            writer.transport.abort()


async def main(port: int, target_port: int) -> None:
    orders = Orders()

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            their_reader, theirs = await asyncio.open_connection("127.0.0.1", target_port)
            connection = Connection(orders, writer, theirs)
            with suppress(OSError):
                await asyncio.gather(connection.pass_requests(reader), connection.pass_answers(their_reader))
            theirs.close()
        writer.close()

    server = await asyncio.start_server(connected, "127.0.0.1", port, backlog=512)
    lines = asyncio.StreamReader()
    loop = asyncio.get_running_loop()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(lines), sys.stdin)
    print("ready", flush=True)
    async with server:
        while line := await lines.readline():
            orders.take(line.decode())


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]), int(sys.argv[2])))
