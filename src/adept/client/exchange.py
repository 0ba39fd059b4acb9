"""One HTTP exchange as values: the request as it goes out, the answer as it came."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class HttpRequest:
    """A request with its secrets, ready to be sent; its repr shows neither headers nor body."""

    method: str
    base_url: str
    path: str  # from the root of the service, with the query
    headers: Mapping[str, str] = field(repr=False)
    body: bytes | None = field(default=None, repr=False)

    @property
    def url(self) -> str:
        """Where it goes."""
        return self.base_url + self.path


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer of any status. Header names in lower case. The body of an error is cut at 1 KiB."""

    status: int
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Exchange:
    """A request and its answer, as `record=` is told of them: with all secrets in it."""

    request: HttpRequest
    answer: Answer
