"""The wire: the one module that knows the HTTP library.

Sends a request, reads the answer once and within bounds, and turns the library's failures into ours. It repeats
nothing and follows no redirect: the credentials stay with the host they were meant for. Nothing is decided here that
`conversation` could decide.
"""

from __future__ import annotations

import time
from typing import TypeAlias

import httpx2

from adept.client.exchange import Answer, HttpRequest
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


class SyncLine:
    """Sends for threads. `http` is the caller's own client, which stays the caller's to close, or a transport."""

    def __init__(self, http: SyncHttp | None, *, timeout_s: float, trust_env: bool) -> None:
        self._ours = not isinstance(http, httpx2.Client)
        if isinstance(http, httpx2.Client):
            self._http = http
        elif http is None or isinstance(http, httpx2.BaseTransport):
            self._http = httpx2.Client(transport=http, trust_env=trust_env)
        else:
            raise Misuse(f"http must be an httpx2 Client or BaseTransport, not {type(http).__name__}")
        self._timeout_s = timeout_s

    def send(self, request: HttpRequest, *, about: str, endpoint: str) -> Answer:
        """Send and read the answer of any status; raises Unreachable, Malformed (too large, badly packed) or Misuse."""
        reading = _Reading(self._timeout_s, about=about, endpoint=endpoint)
        try:
            response = self._http.send(
                _build(self._http, request, self._timeout_s), stream=True, auth=None, follow_redirects=False
            )
            try:
                reading.begin(response)
                for chunk in response.iter_bytes():
                    if not reading.add(chunk):
                        break
            finally:
                response.close()
        except (httpx2.RequestError, RuntimeError) as error:
            raise reading.failure(error) from error
        return reading.answer()

    def close(self) -> None:
        """Close the connections, unless the HTTP client is the caller's."""
        if self._ours:
            self._http.close()


class AsyncLine:
    """Sends for tasks; otherwise as `SyncLine`."""

    def __init__(self, http: AsyncHttp | None, *, timeout_s: float, trust_env: bool) -> None:
        self._ours = not isinstance(http, httpx2.AsyncClient)
        if isinstance(http, httpx2.AsyncClient):
            self._http = http
        elif http is None or isinstance(http, httpx2.AsyncBaseTransport):
            self._http = httpx2.AsyncClient(transport=http, trust_env=trust_env)
        else:
            raise Misuse(f"http must be an httpx2 AsyncClient or AsyncBaseTransport, not {type(http).__name__}")
        self._timeout_s = timeout_s

    async def send(self, request: HttpRequest, *, about: str, endpoint: str) -> Answer:
        """As `SyncLine.send`."""
        reading = _Reading(self._timeout_s, about=about, endpoint=endpoint)
        try:
            response = await self._http.send(
                _build(self._http, request, self._timeout_s), stream=True, auth=None, follow_redirects=False
            )
            try:
                reading.begin(response)
                async for chunk in response.aiter_bytes():
                    if not reading.add(chunk):
                        break
            finally:
                await response.aclose()
        except (httpx2.RequestError, RuntimeError) as error:
            raise reading.failure(error) from error
        return reading.answer()

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
        self._deadline = time.monotonic() + ANSWER_TIMEOUTS * timeout_s
        self._about = about
        self._endpoint = endpoint
        self._chunks: list[bytes] = []
        self._size = 0
        self._status = 0
        self._headers: dict[str, str] = {}

    def begin(self, response: httpx2.Response) -> None:
        """Take status and headers; raises Malformed if the body announces itself as too large."""
        self._status = response.status_code
        self._headers = dict(response.headers)
        length = self._headers.get("content-length", "")
        if self._is_success and length.isdigit() and int(length) > ANSWER_BYTES:
            raise self._too_large()

    def add(self, chunk: bytes) -> bool:
        """Take a piece of the body; False if that is enough. Raises Malformed if too large, Unreachable if too late."""
        self._chunks.append(chunk)
        self._size += len(chunk)
        if time.monotonic() > self._deadline:
            seconds = f"{ANSWER_TIMEOUTS * self._timeout_s:g} s"
            raise self._unreachable(f"the answer had not ended after {seconds}", may_have_happened=True)
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
        """Our error for the library's."""
        if isinstance(error, RuntimeError):
            if "closed" in str(error):
                return Misuse(f"{self._about}: the client has been closed")
            raise error
        if isinstance(error, httpx2.DecodingError):
            return self._malformed("the answer is not compressed as it says", found="Content-Encoding")
        reason = str(error) or type(error).__name__
        if isinstance(error, httpx2.TimeoutException):
            what = "connection" if isinstance(error, _NOT_SENT) else "answer"
            reason = f"no {what} within {self._timeout_s:g} s"
        elif isinstance(error, _NOT_SENT):
            reason = f"no connection: {reason}"
        else:
            reason = f"the connection was lost: {reason}"
        return self._unreachable(reason, may_have_happened=not isinstance(error, _NOT_SENT))

    def _too_large(self) -> Malformed:
        return self._malformed(f"the answer is larger than {ANSWER_BYTES // 1024**2} MB", found="too many bytes")

    def _malformed(self, what: str, *, found: str) -> Malformed:
        return Malformed(f"{self._about}: {what}", endpoint=self._endpoint, field="$", found=found)

    def _unreachable(self, reason: str, *, may_have_happened: bool) -> Unreachable:
        return Unreachable(f"{self._about}: {reason}", endpoint=self._endpoint, may_have_happened=may_have_happened)
