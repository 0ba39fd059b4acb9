"""The session with Apple: its token, kept in memory, and how one is opened.

A session belongs to one server token. Clients of the same token may share one (`Client(…, session=other.session)`):
threads among themselves, and tasks of one event loop among themselves; whoever finds it dead renews it for all.

Apple may hand out a new session token with any answer. One that comes late, to a request that was sent before the
session was opened anew, is not taken: it would bring the dead session back.
Source: Apple, "Authenticating through Web Tokens" (read 2026-11).
"""

from __future__ import annotations

import asyncio
import threading
from dataclasses import dataclass, field
from datetime import datetime

from adept.client.exchange import Answer
from adept.client.refusals import session_refusal
from adept.protocol.error_codes import SESSION
from adept.protocol.session_token import decode_session_token, is_session_token


@dataclass(frozen=True, slots=True)
class Held:
    """What a request is sent with: the session token, None where there is none, and in which opened session."""

    token: str | None = field(repr=False)
    opening: int  # how many sessions there had been before, this one included
    is_adopted: bool = False  # somebody else opened it


class Session:
    """One session of one server token, shared by all who are given it. Its repr doesn't show the token."""

    def __init__(self) -> None:
        self._held = Held(None, 0)
        self._opened = 0
        self._write = threading.Lock()
        self.thread_lock = threading.Lock()  # whoever renews holds it: threads
        self.task_lock = asyncio.Lock()  # the same for tasks of one event loop

    @property
    def held(self) -> Held:
        """The current token, to be sent and later compared with."""
        return self._held

    @property
    def opened(self) -> int:
        """How many sessions were opened so far."""
        return self._opened

    def start(self, token: str) -> None:
        """Take the token of a session just opened."""
        with self._write:
            self._held = Held(token, self._held.opening + 1)
            self._opened += 1

    def adopt(self, token: str) -> None:
        """Take the token of a session that somebody else opened."""
        with self._write:
            self._held = Held(token, self._held.opening + 1, is_adopted=True)

    async def catch_up(self, *, now: datetime) -> None:
        """Before a call of `AsyncClient`'s: a place to take over what others have. This session is nobody else's."""

    async def take_over(self, refused: Held, *, now: datetime) -> bool:  # noqa: ARG002
        """Whether another session than the refused one, opened by others meanwhile, was taken over. Here never."""
        return False

    async def keep(self, *, now: datetime) -> None:
        """After a call of `AsyncClient`'s: a place to let others have it."""

    def roll(self, token: str | None, *, sent: Held) -> None:
        """Take the token that came with the answer to a request sent with `sent`; None or empty changes nothing."""
        if token is None or token == sent.token or not is_session_token(token):
            return
        with self._write:
            if self._held.opening == sent.opening:
                self._held = Held(token, sent.opening, sent.is_adopted)


def read_session(answer: Answer, *, now: datetime) -> str:
    """The token out of the answer to GET /session; raises what `session_refusal` says, or Malformed."""
    if not 200 <= answer.status < 300:
        raise session_refusal(answer, now=now)
    return decode_session_token(answer.body, endpoint=SESSION)
