"""HTTP/1.1 for threads by the standard library: what `transport` takes where the way to Apple is a straight one.

A page of 1000 devices costs a quarter of the CPU it costs through httpx2, which stays the way for tasks, for proxies
and for whoever gives a transport of his own (docs/reference/benchmarks.md). Connections are kept alive and reused, the
last one first; one that the other side has closed meanwhile is dropped unseen. Nothing is repeated.
"""

from __future__ import annotations

import http.client
import io
import math
import select
import socket
import ssl
import time
import zlib
from collections import deque
from collections.abc import Iterator
from functools import partial
from typing import Any
from urllib.parse import urlsplit

from adept.client.exchange import HttpRequest

KEPT_S = 5.0  # an idle connection; httpx2 keeps them as long
CHUNK_BYTES = 64 * 1024


class WireFailure(Exception):
    """The connection failed. `sent` is whether the request may have reached the other side."""

    def __init__(self, reason: str, *, sent: bool) -> None:
        super().__init__(reason)
        self.sent = sent


class WireTimeout(WireFailure):
    """Nothing came within the time-out."""


class WireTooLong(WireFailure):
    """The answer had not ended when it had to, though something came now and then."""


class NotCompressed(Exception):
    """The body is not compressed as its header says."""


class WireAnswer:
    """Status and headers (names in lower case) as they came; `chunks` is the body, to be read once."""

    def __init__(self, wire: Wire, connection: http.client.HTTPConnection, response: http.client.HTTPResponse) -> None:
        self._wire = wire
        self._connection = connection
        self._response = response
        self._complete = False
        self.status = response.status
        self.headers: dict[str, str] = {}
        for name, value in response.getheaders():
            known = self.headers.get(name.lower())
            self.headers[name.lower()] = value if known is None else f"{known}, {value}"

    def chunks(self) -> Iterator[bytes]:
        """The body, decompressed, in pieces as they come; raises WireFailure and NotCompressed."""
        packed = self.headers.get("content-encoding", "").strip().lower() in ("gzip", "x-gzip")
        return self._unpacked() if packed else self._raw()

    def close(self) -> None:
        """Keep the connection if the body was read to its end, else drop it."""
        self._response.close()
        if self._complete and not self._response.will_close:
            self._wire.keep(self._connection)
        else:
            self._connection.close()

    def _raw(self) -> Iterator[bytes]:
        try:
            left = self._response.length
            if left is None:  # in chunks, or until the connection ends
                self._refuse_half_a_head()
                while chunk := self._response.read1(CHUNK_BYTES):
                    yield chunk
            else:  # not by read1 of the response: some versions of Python don't count with it
                while left > 0:
                    chunk = self._response.fp.read1(min(left, CHUNK_BYTES))
                    if not chunk:
                        raise WireFailure(f"{left} bytes of the answer are missing", sent=True)
                    left -= len(chunk)
                    yield chunk
        except TimeoutError as error:
            raise WireTimeout("", sent=True) from error
        except (OSError, http.client.HTTPException) as error:
            raise WireFailure(_reason(error), sent=True) from error
        self._complete = True

    def _refuse_half_a_head(self) -> None:
        """The standard library takes an end among the headers for the end of the headers, and misses the length."""
        response = self._response
        says_close = "close" in self.headers.get("connection", "").lower()
        if response.version == 11 and not response.chunked and not says_close:
            raise WireFailure("the answer doesn't say where it ends", sent=True)

    def _unpacked(self) -> Iterator[bytes]:
        unpack = zlib.decompressobj(zlib.MAX_WBITS | 16)
        begun = False
        try:
            for chunk in self._raw():
                begun = True
                yield unpack.decompress(chunk)
            yield unpack.flush()
        except zlib.error as error:
            raise NotCompressed from error
        if begun and not unpack.eof:
            raise NotCompressed


class _Bounded(io.RawIOBase):
    """What comes from a socket until the monotonic clock says `ends_at_s`; then WireTooLong, even between two bytes."""

    def __init__(self, stream: io.RawIOBase, sock: socket.socket, *, ends_at_s: float) -> None:
        self._stream = stream
        self._sock = sock
        self._ends_at_s = ends_at_s

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any, /) -> int | None:
        left_s = self._ends_at_s - time.monotonic()
        if left_s <= 0:
            raise WireTooLong("", sent=True)
        is_last = left_s < (self._sock.gettimeout() or 0)
        if is_last:
            self._sock.settimeout(left_s)
        try:
            return self._stream.readinto(buffer)
        except TimeoutError:
            if is_last:
                raise WireTooLong("", sent=True) from None
            raise

    def close(self) -> None:
        self._stream.close()
        super().close()


class _BoundedResponse(http.client.HTTPResponse):
    """The standard library's, whose head and body have to be there by a time."""

    def __init__(self, sock: socket.socket, *more: Any, ends_at_s: float, **named: Any) -> None:
        super().__init__(sock, *more, **named)
        self.fp = io.BufferedReader(_Bounded(self.fp.detach(), sock, ends_at_s=ends_at_s))


class Wire:
    """Connections to one host. May be shared by threads."""

    def __init__(self, base_url: str, *, timeout_s: float, trust: ssl.SSLContext, kept_s: float = KEPT_S) -> None:
        parts = urlsplit(base_url)
        self._host, self._port = parts.hostname or "", parts.port
        self._prefix = parts.path
        self._trust = trust if parts.scheme == "https" else None
        self._timeout_s = timeout_s
        self._kept_s = kept_s
        self._idle: deque[tuple[float, http.client.HTTPConnection]] = deque()
        self.is_closed = False

    def ask(self, request: HttpRequest, *, ends_at_s: float = math.inf) -> WireAnswer:
        """Send a request and read the head of its answer; raises WireFailure.

        The answer, head and body, has to be there when the monotonic clock says `ends_at_s`.
        """
        connection = self._connection()
        bounded: Any = partial(_BoundedResponse, ends_at_s=ends_at_s)  # called, and no more, by the standard library
        connection.response_class = bounded
        try:
            connection.sock.settimeout(self._timeout_s)
            headers = {"Accept-Encoding": "gzip", **request.headers}
            connection.request(request.method, self._prefix + request.path, request.body, headers)
            return WireAnswer(self, connection, connection.getresponse())
        except WireFailure:
            connection.close()
            raise
        except TimeoutError as error:
            connection.close()
            raise WireTimeout("", sent=True) from error
        except (OSError, http.client.HTTPException) as error:
            connection.close()
            raise WireFailure(_reason(error), sent=True) from error

    def keep(self, connection: http.client.HTTPConnection) -> None:
        """Keep a connection for the next request."""
        if self.is_closed:
            connection.close()
        else:
            self._idle.append((time.monotonic(), connection))

    def close(self) -> None:
        """Close what is idle now, and the rest when it becomes so."""
        self.is_closed = True
        while self._idle:
            self._idle.pop()[1].close()

    def _connection(self) -> http.client.HTTPConnection:
        while True:
            try:
                since, kept = self._idle.pop()
            except IndexError:
                return self._connect()
            if time.monotonic() - since < self._kept_s and not _is_stale(kept.sock):
                return kept
            kept.close()

    def _connect(self) -> http.client.HTTPConnection:
        if self._trust is None:
            connection = http.client.HTTPConnection(self._host, self._port, timeout=self._timeout_s)
        else:
            connection = http.client.HTTPSConnection(
                self._host, self._port, timeout=self._timeout_s, context=self._trust
            )
        try:
            connection.connect()
        except TimeoutError as error:
            connection.close()
            raise WireTimeout("", sent=False) from error
        except OSError as error:
            connection.close()
            raise WireFailure(_reason(error), sent=False) from error
        return connection


def _is_stale(sock: socket.socket) -> bool:
    """Whether there is something to read where nothing should be: an end of the connection, as a rule."""
    if not hasattr(select, "poll"):  # Windows
        return bool(select.select([sock], [], [], 0)[0])
    poll = select.poll()
    poll.register(sock, select.POLLIN)
    return bool(poll.poll(0))


def _reason(error: Exception) -> str:
    return str(error) or type(error).__name__
