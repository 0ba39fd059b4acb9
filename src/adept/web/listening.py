"""An application on a listening socket: uvicorn, without its own ideas on signals, logs and whom to believe."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import os
import socket
import ssl
from collections.abc import Iterator, Sequence
from typing import Any

import uvicorn

from adept.errors import Busy, ConfigError
from adept.web.limits import KEEP_ALIVE_S
from adept.web.protocol import CarefulProtocol

GRACE_S = 3  # what requests in flight get to end when the service stops; then they are cancelled
_BACKLOG = 512


def listen(host: str, port: int) -> socket.socket:
    """A listening socket; port 0 is any free one. Busy where the port is taken, ConfigError where it can't be had."""
    listener = None
    try:
        [(family, *_, address), *_others] = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        # named TCP, so that asyncio turns Nagle's algorithm off: it would hold answers in two parts back for 40 ms
        listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
        if os.name == "posix":  # elsewhere this option would let two processes share a port
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
        listener.listen(_BACKLOG)
    except (OSError, UnicodeError) as error:  # the latter for a name that can be none
        if listener is not None:
            listener.close()
        if isinstance(error, OSError) and error.errno == errno.EADDRINUSE:
            raise Busy(
                f"port {port} on {host} is in use", way_out="choose another one with --port, or 0 for any that is free"
            ) from error
        raise ConfigError(f"can't listen on {host} port {port}: {error}") from error
    listener.setblocking(False)
    return listener


class Listening:
    """An application that is served on a socket from `start` to `stop`."""

    def __init__(
        self,
        app: Any,
        listener: socket.socket,
        *,
        tls: ssl.SSLContext | None = None,
        trusted_proxies: Sequence[str] = (),
        grace_s: int = GRACE_S,
        protocol: type[CarefulProtocol] = CarefulProtocol,
    ) -> None:
        config = uvicorn.Config(
            app,
            http=protocol,
            ws="none",
            lifespan="off",
            log_config=None,
            access_log=False,
            server_header=False,
            # left alone, uvicorn believes what anybody on this machine says of where a request comes from
            proxy_headers=bool(trusted_proxies),
            forwarded_allow_ips=list(trusted_proxies),
            timeout_keep_alive=KEEP_ALIVE_S,
            timeout_graceful_shutdown=grace_s,
            ssl_context_factory=None if tls is None else lambda _config, _default: tls,
            backlog=_BACKLOG,
        )
        self._server = _Server(config)
        self._listener = listener
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> asyncio.Task[None]:
        """Begin to serve; returns, when connections are taken, the task that serves them."""
        self._task = asyncio.create_task(self._server.serve(sockets=[self._listener]), name="server")
        began = asyncio.create_task(self._server.began.wait())
        await asyncio.wait({self._task, began}, return_when=asyncio.FIRST_COMPLETED)
        if self._task.done():
            began.cancel()
            self._task.result()  # raises what it ended with
        return self._task

    async def stop(self) -> None:
        """Take no connection any more, give requests in flight their time, then cut them off. Also where not begun."""
        self._server.should_exit = True
        if self._task is None:
            self._listener.close()
            return
        await self._task
        await asyncio.gather(*self._server.server_state.tasks, return_exceptions=True)  # those that were cut off


class _Server(uvicorn.Server):
    """Tells when it has begun, and leaves signals to whoever runs the process."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.began = asyncio.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Take connections from here on."""
        await super().startup(sockets)
        self.began.set()

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Signals belong to the process."""
        yield
