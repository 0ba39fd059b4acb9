"""Observation: what became of each HTTP request to Apple and how long that took, for whoever measures.

Nothing secret is told, and the words are few: an endpoint and an outcome can be labels of a metric.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TypeAlias

from adept.client.exchange import Answer
from adept.errors import Malformed, Unreachable
from adept.protocol.error_codes import known_code, normalise_code


@dataclass(frozen=True, slots=True)
class Observation:
    """One request. `outcome` is `ok`, Apple's word where it is a known one, `HTTP_<status>`, or what befell us."""

    endpoint: str  # method and path without the query: "POST /devices/sync"
    outcome: str  # else: unreachable, malformed, interrupted
    took_s: float  # from the sending to the last byte of the answer


Observe: TypeAlias = Callable[[Observation], None]


@contextmanager
def observed(
    observe: Observe | None, endpoint: str, *, clock: Callable[[], float] = time.perf_counter
) -> Iterator[Callable[[Answer], Answer]]:
    """Tell `observe` of the request that the block makes, however it ends; the block shows its answer."""
    outcome = "interrupted"

    def show(answer: Answer) -> Answer:
        nonlocal outcome
        outcome = outcome_of(answer)
        return answer

    began = clock()
    try:
        yield show
    except (Unreachable, Malformed) as error:
        outcome = error.code
        raise
    finally:
        if observe is not None:
            observe(Observation(endpoint, outcome, clock() - began))


def outcome_of(answer: Answer) -> str:
    """One of few words for an answer of any status."""
    if 200 <= answer.status < 300:
        return "ok"
    known = known_code(normalise_code(answer.body) or "")
    return known.value if known else f"HTTP_{answer.status}"
