"""Runs a simulator on real sockets: the service on one port, the portal with its control API on another.

Both are served by one thread with one event loop of its own, over uvicorn's HTTP protocol. Nothing here waits for
anything but sockets, so stopping takes milliseconds.
"""

from __future__ import annotations

import asyncio
import errno
import logging
import os
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import uvicorn
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.server import ServerState

from adept.errors import Busy, ConfigError
from adept.protocol.server_token import ServerToken
from adept.simulator.control_app import control_app
from adept.simulator.service_app import TRANSPORT, ServiceApp
from adept.simulator.simulator import Simulator

_LARGEST_PORT = 65535
_BACKLOG = 512
_KEEP_ALIVE_S = 120
_SEND_BUFFER_BYTES = 1024 * 1024  # a page in one write
_STOP_WAIT_S = 10


class Running:
    """A simulator that listens. `url` is Apple's base URL for clients, `control_url` the portal's."""

    def __init__(self, simulator: Simulator, url: str, control_url: str, stop: Callable[[], None]) -> None:
        self.simulator = simulator
        self.url = url
        self.control_url = control_url
        self._stop = stop

    @property
    def token(self) -> ServerToken:
        """The first server's present token."""
        return self.simulator.token

    @property
    def ready_line(self) -> str:
        """What tells scripts that both ports listen."""
        return f"ready service={self.url} control={self.control_url}"

    def stop(self) -> None:
        """Close both ports and all connections; harmless if done before."""
        self._stop()


@contextmanager
def serve(simulator: Simulator, *, host: str = "127.0.0.1", port: int = 0, control_port: int = 0) -> Iterator[Running]:
    """Listen until the block ends. Port 0 picks a free one.

    Raises Busy if a port is taken, ConfigError if it can't be listened on for another reason.
    """
    service_socket = _listen(host, port)
    try:
        control_socket = _listen(host, control_port)
    except BaseException:
        service_socket.close()
        raise
    thread = _ServerThread([(service_socket, ServiceApp(simulator.answer)), (control_socket, control_app(simulator))])
    running = Running(simulator, _url(service_socket), _url(control_socket), thread.stop)
    thread.start()
    try:
        yield running
    finally:
        thread.stop()


def _listen(host: str, port: int) -> socket.socket:
    if not 0 <= port <= _LARGEST_PORT:
        raise ConfigError(f"can't listen on {host} port {port}: ports go from 0 to {_LARGEST_PORT}")
    listener = None
    try:
        [(family, *_, address), *_others] = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        # named TCP, so that asyncio turns Nagle's algorithm off: it would hold every answer's body back for 40 ms
        listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
        if os.name == "posix":  # elsewhere this option would let two processes share a port
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _SEND_BUFFER_BYTES)
        listener.bind(address)
        listener.listen(_BACKLOG)
    except (OSError, UnicodeError) as error:  # the latter for a name that can be none
        if listener is not None:
            listener.close()
        if isinstance(error, OSError) and error.errno == errno.EADDRINUSE:
            raise Busy(
                f"port {port} on {host} is in use", way_out="choose another one, or 0 for any that is free"
            ) from error
        raise ConfigError(f"can't listen on {host} port {port}: {error}") from error
    listener.setblocking(False)
    return listener


def _url(listener: socket.socket) -> str:
    host, port = listener.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


class _Protocol(HttpToolsProtocol):
    """uvicorn's protocol, which lets the application get at the transport to drop a connection."""

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self.scope["extensions"] = {TRANSPORT: {"transport": self.transport}}


class _ServerThread:
    """One thread, one event loop, several listening sockets with an application each."""

    def __init__(self, listeners: list[tuple[socket.socket, Any]]) -> None:
        self._listeners = listeners
        self._thread = threading.Thread(target=self._run, name="adept-simulator", daemon=True)
        self._loop = asyncio.new_event_loop()
        self._ready = threading.Event()
        self._done: asyncio.Event = asyncio.Event()

    def start(self) -> None:
        """Start, and return when both ports accept connections."""
        self._thread.start()
        self._ready.wait()

    def stop(self) -> None:
        """Stop and wait for the thread's end."""
        if self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._done.set)
            self._thread.join(_STOP_WAIT_S)

    def _run(self) -> None:
        try:
            with asyncio.Runner(loop_factory=lambda: self._loop) as runner:
                runner.run(self._serve())
        finally:
            self._ready.set()  # whoever waits for a start that failed must not wait for ever

    async def _serve(self) -> None:
        loop = asyncio.get_running_loop()
        states, servers = [], []
        for listener, app in self._listeners:
            state, server = await _start_server(loop, listener, app)
            states.append(state)
            servers.append(server)
        self._ready.set()
        await self._done.wait()
        for server in servers:
            server.close()
        for state in states:
            for connection in list(state.connections):
                connection.transport.abort()
            for task in list(state.tasks):
                task.cancel()


async def _start_server(
    loop: asyncio.AbstractEventLoop, listener: socket.socket, app: Any
) -> tuple[ServerState, asyncio.Server]:
    config = uvicorn.Config(
        app,
        http=_Protocol,
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        proxy_headers=False,
        server_header=False,
        date_header=False,
        timeout_keep_alive=_KEEP_ALIVE_S,
        backlog=_BACKLOG,
    )
    config.load()
    logging.getLogger("uvicorn.error").addFilter(_is_news)
    state = ServerState()

    def protocol() -> asyncio.Protocol:
        return _Protocol(config=config, server_state=state, app_state={}, _loop=loop)

    return state, await loop.create_server(protocol, sock=listener, backlog=_BACKLOG)


def _is_news(record: logging.LogRecord) -> bool:
    """An application that ends without its whole answer is what a dropped connection looks like: no news."""
    message = record.getMessage()
    return "without completing response" not in message and "without starting response" not in message
