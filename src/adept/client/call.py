"""A call: what to ask of Apple and how to read the answer, as a value.

It knows nothing of sessions, hosts, headers or sockets; `conversation` knows what may be repeated, a client sends.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Generic, Protocol, TypeVar

import msgspec

from adept.errors import Malformed

T = TypeVar("T")
Result = TypeVar("Result", covariant=True)


class Repeat(StrEnum):
    """When a call may be sent again after Apple asked us to wait (the replay under a new session is another matter).

    Apple answers a dead session before it looks at the request, so that replay is harmless for every call.
    """

    FREELY = "freely"  # after 429 and 503: doing it twice is doing it once
    WHEN_REFUSED = "when_refused"  # after 429 only: a 503 may stand before or after the deed
    NEVER = "never"


class Decode(Protocol[Result]):
    """How the body of a 2xx answer becomes a value; raises `Malformed` and nothing else."""

    def __call__(self, body: bytes, *, endpoint: str) -> Result: ...


@dataclass(frozen=True, slots=True)
class Call(Generic[T]):
    """One question to Apple, whose answer is a `T`."""

    method: str
    path: str  # from the root of the service, with the query
    about: str  # what is being tried, for messages: "assigning profile 4F2A to 12 devices"
    decode: Decode[T]
    body: bytes | None = None
    repeat: Repeat = Repeat.FREELY
    fallback_method: str | None = None  # to be tried once where `method` is answered by 405

    @property
    def endpoint(self) -> str:
        """Method and path without the query, as errors and logs name it: `GET /profile`."""
        return f"{self.method} {self.path.partition('?')[0]}"


def nothing(body: bytes, *, endpoint: str) -> None:
    """The decoder of answers whose body Apple doesn't document: whatever it is, it is not looked at."""


def as_sent(call: Call[T]) -> Call[bytes]:
    """The same call answered by Apple's body unchanged; only that it is a JSON object is checked.

    Where Apple documents no body it comes as it is, be it empty.
    """
    decode = _body if call.decode is nothing else _object
    return Call(call.method, call.path, call.about, decode, call.body, call.repeat, call.fallback_method)


def _body(body: bytes, *, endpoint: str) -> bytes:  # noqa: ARG001 # it is a Decode
    return body


_read_object: Callable[[bytes], object] = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode


def _object(body: bytes, *, endpoint: str) -> bytes:
    try:
        _read_object(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        excerpt = body[:80].decode("utf-8", "replace")
        raise Malformed(
            f"{endpoint}: Apple's answer is not a JSON object: {error} (it begins {excerpt!r})",
            endpoint=endpoint,
            field="$",
            found=excerpt,
        ) from error
    return body
