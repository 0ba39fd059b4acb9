"""Sessions: who may call, until when, and how their tokens roll.

A session is opened with a verified OAuth header and lives for 180 seconds of inactivity by the simulator's clock. Its
token begins with the ten digits of the time, as clients of the field expect. On request every n-th answer carries a new
token; the one before stays good as long as the session lives, so that callers who share it are not thrown out.

Source: Apple, "Get a Session Token" (read 2026-11): any response may carry a new token.
Assumed: the 180 seconds (Apple says "extended inactivity"); several sessions of one server live side by side; those of
a token that was replaced or revoked end with it.
"""

from __future__ import annotations

import random
from dataclasses import dataclass

from adept.simulator.clock import Clock
from adept.simulator.organisation import MdmServer

DEFAULT_LIFE_S = 180


@dataclass
class Session:
    """One open session. `access_token` is the server token it was opened with."""

    server: MdmServer
    access_token: str
    used_at_s: int
    requests: int = 0
    requests_left: int | None = None  # hostile: how many more it will take


class Sessions:
    """All open sessions, by each token that names them."""

    def __init__(self, clock: Clock, *, seed: int, life_s: int = DEFAULT_LIFE_S, rotate_every: int = 0) -> None:
        self._clock = clock
        self._random = random.Random(f"sessions {seed} {clock.now().timestamp()}")  # noqa: S311 - a simulation
        self._by_token: dict[str, Session] = {}
        self.life_s = life_s
        self.rotate_every = rotate_every  # 0: tokens don't roll

    def open(self, server: MdmServer, *, requests_left: int | None = None) -> str:
        """Open a session for the owner of the server's present token; gives the session token."""
        assert server.credentials is not None
        now_s = self._clock.now_s()
        self._forget_dead(now_s)
        session = Session(server, server.credentials.access_token, now_s, requests_left=requests_left)
        return self._name(session)

    def find(self, token: str) -> Session | None:
        """The living session of that token, which thereby lives on; None where there is none (any more)."""
        session = self._by_token.get(token)
        if session is None or not self._is_alive(session, now_s := self._clock.now_s()):
            return None
        session.used_at_s = now_s
        session.requests += 1
        if session.requests_left is not None:
            session.requests_left -= 1
        return session

    def rolled(self, session: Session, *, is_due: bool = False) -> str | None:
        """A new token for the session where it is time for one; now, if `is_due`."""
        if is_due or (self.rotate_every and session.requests % self.rotate_every == 0):
            return self._name(session)
        return None

    def close(self, session: Session) -> None:
        """End one session, under all its tokens."""
        self._by_token = {token: other for token, other in self._by_token.items() if other is not session}

    def close_all(self) -> None:
        """End every session, as a restart of the service does."""
        self._by_token.clear()

    def __len__(self) -> int:
        now_s = self._clock.now_s()
        return len({id(session) for session in self._by_token.values() if self._is_alive(session, now_s)})

    def _name(self, session: Session) -> str:
        token = f"{self._clock.now_s():010d}{self._random.getrandbits(216):054x}"
        self._by_token[token] = session
        return token

    def _is_alive(self, session: Session, now_s: int) -> bool:
        current = session.server.credentials
        return (
            now_s - session.used_at_s <= self.life_s
            and current is not None
            and current.access_token == session.access_token
            and (session.requests_left is None or session.requests_left > 0)
        )

    def _forget_dead(self, now_s: int) -> None:
        if len(self._by_token) > 1000:
            self._by_token = {
                token: session for token, session in self._by_token.items() if self._is_alive(session, now_s)
            }
