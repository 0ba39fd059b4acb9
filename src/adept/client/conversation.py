"""What one call to Apple may lead to: the whole policy of sessions, repeats and fallbacks, without any I/O.

Rules:
1. A call without a session opens one first.
2. 401, or 403 FORBIDDEN, says that the session is dead: it is renewed once and the call replayed once. Where the
   renewal only took over a session that somebody else had opened, and that one is dead too, one is opened after all.
   Every other 403 says something about us (terms, permission) that a new session can't heal, and is never replayed.
3. 429 and 503 with Retry-After are waited for and repeated, at most twice, as long as all waits of the call together
   stay within its budget; not where the call forbids it (`Repeat`). GET /session is waited for in the same way.
4. 405 is answered once by the call's other method, where it has one.
5. Nothing else is repeated. A failure of the connection is never: the caller knows whether it may be.

So one call makes at most: open, try, renew, replay (three of these for authentication's sake), two repeats and one
fallback.

    (no session) ──Renew──▶ Request ──2xx─────────────────────▶ value
                   ▲          │──401, 403 FORBIDDEN, once──Renew──▶ again
                   │          │──429, 503 + Retry-After, twice──Pause──▶ again
                   │          │──405, once──▶ again by the other method
                   │          └──else──▶ error
                   └──Pause── 429, 503 + Retry-After from GET /session

`converse` is a generator: it yields `Request`, `Pause` and `Renew`; whoever drives it sends an `Answer` back for
`Request`, None for the others, and throws in what went wrong. It returns the call's value.
Source: Apple, "Authenticating through Web Tokens", "Interpreting Error Codes" (read 2026-11). Observed: 403 FORBIDDEN
for an unknown session, from Apple's simulator after a restart (nanodep).
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from dataclasses import dataclass
from datetime import datetime
from typing import TypeAlias, TypeVar

from adept.client.call import Call, Repeat
from adept.client.exchange import Answer
from adept.client.refusals import refusal
from adept.client.session import Held, Session
from adept.errors import AdeptError, Refused, Unreachable
from adept.protocol.session_token import SESSION_HEADER

T = TypeVar("T")

_SESSION_KEY = SESSION_HEADER.lower()
REPEATS = 2  # after Retry-After, in one call


@dataclass(frozen=True, slots=True)
class Request:
    """Send the call by this method in this session; the answer is an `Answer` of any status, or a thrown error."""

    method: str
    held: Held


@dataclass(frozen=True, slots=True)
class Pause:
    """Wait."""

    seconds: float


@dataclass(frozen=True, slots=True)
class Renew:
    """Open a new session, alone, and only if the current one is still the refused one; throw in what went wrong.

    `may_adopt`: one that somebody else opened meanwhile will do.
    """

    refused: Held
    may_adopt: bool = True


Step: TypeAlias = Request | Pause | Renew
Conversation: TypeAlias = Generator[Step, Answer | None, T]


def converse(call: Call[T], session: Session, *, wait_budget_s: float, now: Callable[[], datetime]) -> Conversation[T]:
    """Carry one call through to its value or its error, by the rules above."""
    patience = _Patience(wait_budget_s)
    method, fallback = call.method, call.fallback_method
    renewals = 0
    may_adopt = session.held.token is not None
    if session.held.token is None:
        yield from _renew(session.held, patience)
    while True:
        held = session.held
        answer = yield Request(method, held)
        assert answer is not None  # the driver's part of the bargain
        session.roll(answer.headers.get(_SESSION_KEY), sent=held)
        if 200 <= answer.status < 300:
            return call.decode(answer.body, endpoint=call.endpoint)
        error = refusal(answer, endpoint=call.endpoint, about=call.about, now=now())
        if _is_dead_session(error) and (renewals == 0 or (renewals == 1 and may_adopt and held.is_adopted)):
            renewals += 1
            yield from _renew(held, patience, may_adopt=may_adopt and renewals == 1)
        elif answer.status == 405 and fallback is not None:
            method, fallback = fallback, None
        elif _may_repeat(call.repeat, answer.status) and (seconds := patience.for_(error)) is not None:
            yield Pause(seconds)
        else:
            raise error


def _renew(refused: Held, patience: _Patience, *, may_adopt: bool = True) -> Generator[Step, Answer | None, None]:
    while True:
        try:
            yield Renew(refused, may_adopt)
        except (Refused, Unreachable) as error:
            seconds = patience.for_(error) if _may_repeat(Repeat.FREELY, error.status) else None
            if seconds is None:
                raise
        else:
            return
        yield Pause(seconds)


class _Patience:
    """What is left of the call's waits: their seconds and their number."""

    def __init__(self, budget_s: float) -> None:
        self.left_s = budget_s
        self.repeats = REPEATS

    def for_(self, error: AdeptError) -> float | None:
        """Spend the wait that the error asks for; None where it asks for none or more than is left."""
        seconds = error.retry_after_s if isinstance(error, Refused | Unreachable) else None
        if seconds is None or seconds > self.left_s or self.repeats == 0:
            return None
        self.left_s -= seconds
        self.repeats -= 1
        return seconds


def _is_dead_session(error: AdeptError) -> bool:
    return isinstance(error, Refused) and (error.status == 401 or (error.status, error.code) == (403, "FORBIDDEN"))


def _may_repeat(repeat: Repeat, status: int | None) -> bool:
    return repeat is not Repeat.NEVER and (status == 429 or (status == 503 and repeat is Repeat.FREELY))
