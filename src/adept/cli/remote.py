"""Asking a running service: one HTTP client, and problems as our errors again.

Knows nothing of what is asked for. Redirects are not followed: the key is for this service alone.
"""

from __future__ import annotations

import ssl
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from contextlib import asynccontextmanager
from types import TracebackType
from typing import Any, TypeVar
from urllib.parse import urlsplit

import httpx2
import msgspec
from pydantic import BaseModel, ValidationError

from adept.cli.told_errors import told_error
from adept.errors import AdeptError, ConfigError, Malformed, Misuse, Unreachable

API = "/api/v1"
CONNECT_TIMEOUT_S = 10.0
ANSWER_TIMEOUT_S = 300.0  # a token's upload waits for the service, which waits for Apple
_SAME_VERSION = "see that adept here and there are of the same version"

Shape = TypeVar("Shape", bound=BaseModel)


class Remote:
    """A service at a base URL, asked with an API key; an async context manager."""

    def __init__(self, url: str, key: str | None) -> None:
        self.url = url.rstrip("/")
        headers = {"Accept": "application/json"} | ({"Authorization": f"Bearer {key}"} if key else {})
        plain_http = urlsplit(url).scheme == "http"  # this machine: no proxy, no certificates
        self._http = httpx2.AsyncClient(
            headers=headers,
            timeout=httpx2.Timeout(ANSWER_TIMEOUT_S, connect=CONNECT_TIMEOUT_S),
            trust_env=not plain_http,
            verify=ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT) if plain_http else httpx2.create_ssl_context(),
            follow_redirects=False,
        )

    async def __aenter__(self) -> Remote:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self._http.aclose()

    async def body(self, method: str, path: str, **options: Any) -> bytes:
        """The answer's bytes; `path` begins behind /api/v1, `options` are httpx2's. Raises what the service tells."""
        async with self._asked(method, path, options) as answer:
            return await answer.aread()

    async def one(self, shape: type[Shape], method: str, path: str, **options: Any) -> Shape:
        """The answer as a value of the shape."""
        body = await self.body(method, path, **options)
        try:
            return shape.model_validate_json(body)
        except ValidationError as error:
            raise self._unreadable(method, path, body) from error

    async def document(self, method: str, path: str, **options: Any) -> dict[str, msgspec.Raw]:
        """The answer as a JSON object whose values stay as they came."""
        body = await self.body(method, path, **options)
        try:
            return msgspec.json.decode(body, type=dict[str, msgspec.Raw])
        except msgspec.MsgspecError as error:
            raise self._unreadable(method, path, body) from error

    async def chunks(self, method: str, path: str, **options: Any) -> AsyncGenerator[bytes]:
        """The answer in pieces as it comes. Unreachable where it breaks off."""
        async with self._asked(method, path, options) as answer:
            async for chunk in answer.aiter_bytes():
                yield chunk

    @asynccontextmanager
    async def _asked(self, method: str, path: str, options: Mapping[str, Any]) -> AsyncIterator[httpx2.Response]:
        """A good answer, its body unread; the connection is given back at the end."""
        try:
            async with self._http.stream(method, f"{self.url}{API}{path}", **options) as answer:
                if not answer.is_success:
                    raise self._refusal(answer, await answer.aread(), endpoint=f"{method} {path}")
                yield answer
        except httpx2.RequestError as error:
            raise self._lost(error, endpoint=f"{method} {path}") from error
        except httpx2.InvalidURL as error:
            raise Misuse(f"asking the service at {self.url}: this is no URL: {error}") from error

    def _refusal(self, answer: httpx2.Response, body: bytes, *, endpoint: str) -> AdeptError:
        """The error in an answer that is not a success; ConfigError or Unreachable where it is no problem of ours."""
        try:
            problem = msgspec.json.decode(body, type=_Problem)
        except msgspec.MsgspecError:
            return self._stranger(answer, endpoint=endpoint)
        return told_error(
            problem.code,
            problem.message,
            way_out=problem.way_out,
            status=answer.status_code,
            endpoint=endpoint,
            current=problem.current,
            retry_after_s=problem.retry_after_s,
        )

    def _stranger(self, answer: httpx2.Response, *, endpoint: str) -> AdeptError:
        told = f"the service at {self.url} answered {answer.status_code} to {endpoint}, but not as adept does"
        if answer.status_code >= 500:
            return Unreachable(told, endpoint=endpoint, status=answer.status_code)
        return ConfigError(told, way_out="see that ADEPT_SERVER is the URL at which adept serve is reached")

    def _lost(self, error: httpx2.RequestError, *, endpoint: str) -> Unreachable:
        reason = "no answer in time" if isinstance(error, httpx2.TimeoutException) else str(error)
        return Unreachable(
            f"asking the service at {self.url}: {reason or type(error).__name__}",
            endpoint=endpoint,
            way_out="see that adept serve is running there",
        )

    def _unreadable(self, method: str, path: str, body: bytes) -> Malformed:
        return Malformed(
            f"the service at {self.url} answered {method} {path} with what can't be read",
            endpoint=f"{method} {path}",
            field="$",
            found=body[:60].decode("utf-8", "replace"),
            way_out=_SAME_VERSION,
        )


class _FieldError(msgspec.Struct):
    field: str
    message: str


class _Problem(msgspec.Struct):
    """What we need of a problem (RFC 9457) of the service."""

    code: str
    detail: str
    way_out: str | None = None
    errors: list[_FieldError] | None = None
    current: object = None
    retry_after_s: float | None = None

    @property
    def message(self) -> str:
        """The problem in one sentence, with the fields at fault."""
        fields = "; ".join(f"{error.field}: {error.message}" for error in self.errors or ())
        return f"{self.detail}: {fields}" if fields else self.detail
