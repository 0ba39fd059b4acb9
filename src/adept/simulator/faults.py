"""Faults on order: which request gets which, and when.

A fault is a word (`fault_words.py`) for one endpoint. It waits for `after` requests to that endpoint to pass, then
strikes `count` times in a row, or, with a `share`, each request with that probability, drawn from a seeded source,
until `count` is used up. Several faults of one endpoint are served in the order they were given, as depsim does.
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import Any

from adept.errors import ConfigError
from adept.simulator.fault_words import ENDPOINTS, Word, find_word

ANY = "*"


@dataclass
class Fault:
    """One order. `count` None: for ever. `seconds` overrides the word's own number (Retry-After, a delay)."""

    endpoint: str  # `post_server_devices`, or `*` for all
    word: Word
    count: int | None
    share: float | None = None
    after: int = 0
    seconds: float | None = None

    def as_json(self) -> dict[str, Any]:
        """What GET /state and GET /faults tell of it."""
        return {
            "endpoint": self.endpoint,
            "response": self.word.name,
            "count": self.count,
            "share": self.share,
            "after": self.after,
            "seconds": self.seconds,
        }


class Faults:
    """The faults in force, in order."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(f"faults {seed}")  # noqa: S311 - a simulation
        self._waiting: list[Fault] = []

    def add(
        self,
        endpoint: str,
        response: str,
        *,
        count: int | None = None,
        share: float | None = None,
        after: int = 0,
        seconds: float | None = None,
    ) -> Fault:
        """Order a fault. Without `count` it strikes once, or without end where a `share` is given.

        `endpoint` is depsim's spelling (`post_server_devices`, with or without `_responses`), `POST /server/devices`,
        or `*`. Raises ConfigError for an endpoint or a word nobody knows, or a number that can't be.
        """
        key = endpoint_key(endpoint)
        if count is None and share is None:
            count = 1
        if count is not None and count < 1:
            raise ConfigError(f"fault {response!r} for {endpoint}: count is at least 1, not {count}")
        if share is not None and not 0 < share <= 1:
            raise ConfigError(f"fault {response!r} for {endpoint}: share is above 0 and at most 1, not {share}")
        if after < 0:
            raise ConfigError(f"fault {response!r} for {endpoint}: after is 0 or more, not {after}")
        fault = Fault(key, find_word(response, key), count, share, after, seconds)
        self._waiting.append(fault)
        return fault

    def clear(self) -> None:
        """Forget all faults."""
        self._waiting.clear()

    def strike(self, endpoint: str) -> Fault | None:
        """The fault that this request to the endpoint gets; None for good service. Uses it up by one."""
        for fault in self._waiting:
            if fault.endpoint not in (endpoint, ANY):
                continue
            if fault.after > 0:
                fault.after -= 1
                continue
            if fault.share is not None and self._random.random() >= fault.share:
                continue
            if fault.count is not None:
                fault.count -= 1
                if fault.count == 0:
                    self._waiting.remove(fault)
            return fault
        return None

    def as_json(self) -> list[dict[str, Any]]:
        """All of them, for people and tests to see."""
        return [fault.as_json() for fault in self._waiting]


def endpoint_key(endpoint: str) -> str:
    """depsim's spelling of an endpoint given in any of ours. Raises ConfigError for one that doesn't exist."""
    key = endpoint.strip().lower().removesuffix("_responses")
    method, _, path = key.partition(" ")
    if path:
        key = method + path.strip().replace("/", "_").replace("-", "_")
    if key != ANY and key not in ENDPOINTS:
        raise ConfigError(
            f"there is no endpoint {endpoint!r}", way_out=f"the endpoints are {', '.join(sorted(ENDPOINTS))}"
        )
    return key
