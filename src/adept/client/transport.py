"""The wire: the one module that knows the HTTP library.

Sends a request, reads the answer once and within bounds, and turns the library's failures into ours. It repeats
nothing and follows no redirect: the credentials stay with the host they were meant for. Nothing is decided here that
`conversation` could decide.
"""

from __future__ import annotations

import asyncio
import ssl
import time
from functools import cache
from typing import TypeAlias
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

import httpx2

from adept.client.exchange import Answer, HttpRequest
from adept.client.wire import NotCompressed, Wire, WireFailure, WireTimeout, WireTooLong
from adept.errors import AdeptError, Malformed, Misuse, Unreachable

SyncHttp: TypeAlias = httpx2.Client | httpx2.BaseTransport
AsyncHttp: TypeAlias = httpx2.AsyncClient | httpx2.AsyncBaseTransport

ANSWER_BYTES = 64 * 1024 * 1024  # of a 2xx answer; a page of 1000 devices has under 1 MB
ERROR_BYTES = 1024  # of any other
ANSWER_TIMEOUTS = 5  # the whole answer may take that many times the time-out

_NOT_SENT = (
    httpx2.ConnectError,
    httpx2.ConnectTimeout,
    httpx2.PoolTimeout,
    httpx2.ProxyError,
    httpx2.UnsupportedProtocol,
    httpx2.LocalProtocolError,
)


@cache
def trust(*, plain_http: bool) -> ssl.SSLContext:
    """Whom to trust: whom the system does, found out once, for it takes 50 ms; without TLS nobody."""
    return ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT) if plain_http else httpx2.create_ssl_context()


class SyncLine:
    """Sends for threads: over the caller's `http`, over httpx2 where the environment names a proxy, else over `wire`.

    A client given as `http` stays the caller's to close; a transport is closed with this. Plain http goes to this
    machine, past any proxy.
    """

    def __init__(self, http: SyncHttp | None, *, base_url: str, timeout_s: float, plain_http: bool) -> None:
        self._ours = not isinstance(http, httpx2.Client)
        self._way: Wire | httpx2.Client
        if isinstance(http, httpx2.Client):
            self._way = http
        elif isinstance(http, httpx2.BaseTransport):
            self._way = httpx2.Client(transport=http)
        elif http is not None:
            raise Misuse(f"http must be an httpx2 Client or BaseTransport, not {type(http).__name__}")
        elif plain_http or not has_proxy(base_url):
            self._way = Wire(base_url, timeout_s=timeout_s, trust=trust(plain_http=plain_http))
        else:
            self._way = httpx2.Client(verify=trust(plain_http=False))
        self._timeout_s = timeout_s

    def send(self, request: HttpRequest, *, about: str, endpoint: str) -> Answer:
        """Send and read the answer of any status; raises Unreachable, Malformed (too large, badly packed) or Misuse."""
        reading = _Reading(self._timeout_s, about=about, endpoint=endpoint)
        if isinstance(self._way, Wire):
            self._by_wire(self._way, request, reading)
        else:
            self._by_httpx2(self._way, request, reading)
        return reading.answer()

    def _by_httpx2(self, http: httpx2.Client, request: HttpRequest, reading: _Reading) -> None:
        try:
            response = http.send(_build(http, request, self._timeout_s), stream=True, auth=None, follow_redirects=False)
            try:
                reading.begin(response.status_code, dict(response.headers))
                for chunk in response.iter_bytes():
                    if not reading.add(chunk):
                        break
            finally:
                response.close()
        except (httpx2.RequestError, httpx2.InvalidURL, RuntimeError) as error:
            raise reading.failure(error) from error

    def _by_wire(self, wire: Wire, request: HttpRequest, reading: _Reading) -> None:
        if wire.is_closed:
            raise reading.closed()
        try:
            answer = wire.ask(request, ends_at_s=reading.ends_at_s)
            try:
                reading.begin(answer.status, answer.headers)
                for chunk in answer.chunks():
                    if not reading.add(chunk):
                        break
            finally:
                answer.close()
        except WireTooLong as error:
            raise reading.unended() from error
        except WireTimeout as error:
            raise reading.too_late(sent=error.sent) from error
        except WireFailure as error:
            raise reading.lost(str(error), sent=error.sent) from error
        except NotCompressed as error:
            raise reading.badly_packed() from error

    def close(self) -> None:
        """Close the connections, unless the HTTP client is the caller's."""
        if self._ours:
            self._way.close()


def has_proxy(base_url: str) -> bool:
    """Whether the environment, or the system, names a proxy for this host."""
    parts = urlsplit(base_url)
    proxies = getproxies()
    named = parts.scheme in proxies or "all" in proxies
    return named and not proxy_bypass(parts.netloc)


class AsyncLine:
    """Sends for tasks; otherwise as `SyncLine`."""

    def __init__(self, http: AsyncHttp | None, *, timeout_s: float, plain_http: bool) -> None:
        self._ours = not isinstance(http, httpx2.AsyncClient)
        if isinstance(http, httpx2.AsyncClient):
            self._http = http
        elif http is None or isinstance(http, httpx2.AsyncBaseTransport):
            trusted = trust(plain_http=plain_http or http is not None)
            self._http = httpx2.AsyncClient(transport=http, verify=trusted, trust_env=not plain_http)
        else:
            raise Misuse(f"http must be an httpx2 AsyncClient or AsyncBaseTransport, not {type(http).__name__}")
        self._timeout_s = timeout_s

    async def send(self, request: HttpRequest, *, about: str, endpoint: str) -> Answer:
        """As `SyncLine.send`."""
        reading = _Reading(self._timeout_s, about=about, endpoint=endpoint)
        try:
            async with asyncio.timeout(ANSWER_TIMEOUTS * self._timeout_s):
                await self._read(request, reading)
        except TimeoutError as error:
            raise reading.unended() from error
        except (httpx2.RequestError, httpx2.InvalidURL, RuntimeError) as error:
            raise reading.failure(error) from error
        return reading.answer()

    async def _read(self, request: HttpRequest, reading: _Reading) -> None:
        response = await self._http.send(
            _build(self._http, request, self._timeout_s), stream=True, auth=None, follow_redirects=False
        )
        try:
            reading.begin(response.status_code, dict(response.headers))
            async for chunk in response.aiter_bytes():
                if not reading.add(chunk):
                    break
        finally:
            await response.aclose()

    async def aclose(self) -> None:
        """As `SyncLine.close`."""
        if self._ours:
            await self._http.aclose()


def _build(http: httpx2.Client | httpx2.AsyncClient, request: HttpRequest, timeout_s: float) -> httpx2.Request:
    return http.build_request(
        request.method, request.url, headers=dict(request.headers), content=request.body, timeout=timeout_s
    )


class _Reading:
    """One answer as it comes in, within bounds of size and time."""

    def __init__(self, timeout_s: float, *, about: str, endpoint: str) -> None:
        self._timeout_s = timeout_s
        self.ends_at_s = time.monotonic() + ANSWER_TIMEOUTS * timeout_s
        self._about = about
        self._endpoint = endpoint
        self._chunks: list[bytes] = []
        self._size = 0
        self._status = 0
        self._headers: dict[str, str] = {}

    def begin(self, status: int, headers: dict[str, str]) -> None:
        """Take status and headers, names in lower case; raises Malformed if the body says that it is too large."""
        self._status = status
        self._headers = headers
        length = headers.get("content-length", "")
        if self._is_success and length.isdigit() and int(length) > ANSWER_BYTES:
            raise self._too_large()

    def add(self, chunk: bytes) -> bool:
        """Take a piece of the body; False if that is enough. Raises Malformed if too large, Unreachable if too late."""
        self._chunks.append(chunk)
        self._size += len(chunk)
        if time.monotonic() > self.ends_at_s:
            raise self.unended()
        if not self._is_success:
            return self._size < ERROR_BYTES
        if self._size > ANSWER_BYTES:
            raise self._too_large()
        return True

    @property
    def _is_success(self) -> bool:
        return 200 <= self._status < 300

    def answer(self) -> Answer:
        """What was read."""
        body = self._chunks[0] if len(self._chunks) == 1 else b"".join(self._chunks)
        return Answer(self._status, self._headers, body if self._is_success else body[:ERROR_BYTES])

    def failure(self, error: Exception) -> AdeptError:
        """Our error for one of httpx2's; raises what is none of them."""
        sent = not isinstance(error, _NOT_SENT)
        if isinstance(error, httpx2.TimeoutException):
            return self.too_late(sent=sent)
        if isinstance(error, httpx2.DecodingError):
            return self.badly_packed()
        if isinstance(error, httpx2.RequestError):
            return self.lost(str(error) or type(error).__name__, sent=sent)
        if isinstance(error, httpx2.InvalidURL):
            return Misuse(f"{self._about}: this is no URL: {error}")
        if "closed" in str(error):
            return self.closed()
        raise error

    def too_late(self, *, sent: bool) -> Unreachable:
        """The error for silence."""
        what = "answer" if sent else "connection"
        return self._unreachable(f"no {what} within {self._timeout_s:g} s", sent=sent)

    def unended(self) -> Unreachable:
        """The error for an answer that comes by drops."""
        return self._unreachable(f"the answer had not ended after {ANSWER_TIMEOUTS * self._timeout_s:g} s", sent=True)

    def lost(self, reason: str, *, sent: bool) -> Unreachable:
        """The error for a connection that could not be made or broke off."""
        return self._unreachable(f"{'the connection was lost' if sent else 'no connection'}: {reason}", sent=sent)

    def badly_packed(self) -> Malformed:
        """The error for a body that can't be decompressed."""
        return self._malformed("the answer is not compressed as it says", found="Content-Encoding")

    def closed(self) -> Misuse:
        """The error for a closed client."""
        return Misuse(f"{self._about}: the client has been closed")

    def _too_large(self) -> Malformed:
        return self._malformed(f"the answer is larger than {ANSWER_BYTES // 1024**2} MB", found="too many bytes")

    def _malformed(self, what: str, *, found: str) -> Malformed:
        return Malformed(f"{self._about}: {what}", endpoint=self._endpoint, field="$", found=found)

    def _unreachable(self, reason: str, *, sent: bool) -> Unreachable:
        return Unreachable(f"{self._about}: {reason}", endpoint=self._endpoint, may_have_happened=sent)
