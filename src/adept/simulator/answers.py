"""What the service answers: a status, a body and headers, and how the connection is to behave.

Error bodies are Apple's: a bare code as text. On request they are depsim's, the code in double quotes.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from http import HTTPStatus
from typing import Any

import msgspec

JSON_TYPE = "application/json;charset=UTF8"
TEXT_TYPE = "text/plain;charset=UTF8"

# When a connection breaks: before the request was acted on; after half the answer; after the act, before the answer.
BREAK_BEFORE, BREAK_DURING, BREAK_AFTER = "before", "during", "after"


@dataclass(frozen=True)
class Answer:
    """One answer. `breaks` says when the connection drops, None: it doesn't."""

    status: int
    body: bytes = b""
    content_type: str = TEXT_TYPE
    headers: Mapping[str, str] = field(default_factory=dict)
    delay_s: float = 0.0  # before the first byte
    body_delay_s: float = 0.0  # between the two halves of the body
    breaks: str | None = None

    def with_headers(self, **headers: str) -> Answer:
        """The same with more headers; underscores in names stand for dashes."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return replace(self, headers={**self.headers, **named})


class ServiceError(Exception):
    """An endpoint says no; carries the answer. An empty code is an empty body."""

    def __init__(self, status: int, code: str = "", **headers: str) -> None:
        super().__init__(f"{status} {code}")
        self.status = status
        self.code = code
        self.headers = headers

    def answer(self, *, quoted: bool) -> Answer:
        """The refusal as it goes on the wire."""
        return error(self.status, self.code, quoted=quoted).with_headers(**self.headers)


def error(status: int, code: str = "", *, quoted: bool = False) -> Answer:
    """An error of Apple's: the bare code, or the code in quotes."""
    return Answer(status, (f'"{code}"' if quoted and code else code).encode())


def success(value: Any) -> Answer:
    """200 with a JSON document."""
    return Answer(HTTPStatus.OK, msgspec.json.encode(value), JSON_TYPE)


def rendered(body: bytes) -> Answer:
    """200 with a document that is JSON already."""
    return Answer(HTTPStatus.OK, body, JSON_TYPE)
