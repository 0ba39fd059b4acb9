"""The session with Apple that all who use a server token share, on whatever machine: kept in the store, sealed.

It is read when a client makes its first call and when Apple refuses it, since another may have opened a new one
meanwhile; written when Apple opened it or rolled its token on. Who writes names the version it saw last: who was too
late takes over what the faster one wrote. What can't be read or written is done without: that costs a session more.
"""

from __future__ import annotations

import logging
from contextlib import suppress
from datetime import datetime, timedelta

from adept.client.async_client import AsyncClient
from adept.client.session import Held, Session
from adept.errors import ConfigError, StoreError
from adept.store import apple_sessions
from adept.store.apple_sessions import AppleSession
from adept.store.database import Store

log = logging.getLogger("adept.accounts")

# Assumed: how long a session lives without being used; Apple names no time, clients of the field take it for dead then.
ALIVE_FOR = timedelta(minutes=3)
TOUCHED_EVERY = timedelta(minutes=1)


def share_session(client: AsyncClient, store: Store, token_id: int) -> AsyncClient:
    """Have a client, which has not called yet, use the session that all users of that server token share."""
    client.session = SharedSession(store, token_id, client.setup.base_url)
    return client


class SharedSession(Session):
    """As `Session`, kept in the store between those who are given the same server token of the store."""

    def __init__(self, store: Store, token_id: int, base_url: str) -> None:
        super().__init__()
        self._store = store
        self._token_id = token_id
        self._base_url = base_url
        self._seen = 0  # the version of the row that we read or wrote last; 0: there was none
        self._stored: str | None = None  # the token that stands in the row, as far as we know
        self._saved_at: datetime | None = None

    async def catch_up(self, *, now: datetime) -> None:
        """Before the first call: use the session that is kept, if it should be alive still."""
        if self.held.token is None:
            await self._take(await self._read(), now=now)

    async def take_over(self, refused: Held, *, now: datetime) -> bool:
        """Apple refused ours: use what another has kept since. False where that is none."""
        kept = await self._read()
        if kept is None or kept.version == self._seen:
            return False
        return await self._take(kept, now=now) and self.held.token != refused.token

    async def keep(self, *, now: datetime) -> None:
        """Let others use it: written where it changed, and noted once a minute that it is in use."""
        token = self.held.token
        if token is None:
            return
        try:
            if token != self._stored:
                await self._replace(token, now=now)
            elif self._saved_at is not None and now - self._saved_at >= TOUCHED_EVERY:
                async with self._store.writing() as tx:
                    await apple_sessions.touch_session(tx, self._token_id, version=self._seen, now=now)
                self._saved_at = now
        except StoreError as error:
            log.info("session not kept for others", extra={"error_code": error.code})

    async def _replace(self, token: str, *, now: datetime) -> None:
        sealed = apple_sessions.seal_session(self._store.sealer, self._token_id, self._base_url, token)
        async with self._store.writing() as tx:
            version = await apple_sessions.replace_session(tx, self._token_id, sealed, version=self._seen, now=now)
            found = None if version else await apple_sessions.find_session(tx, self._token_id)
        if version is not None:
            self._seen, self._stored, self._saved_at = version, token, now
        else:  # somebody was faster: there is one session, theirs
            await self._take(found, now=now)

    async def _read(self) -> AppleSession | None:
        with suppress(StoreError):
            async with self._store.reading() as tx:
                return await apple_sessions.find_session(tx, self._token_id)
        return None

    async def _take(self, kept: AppleSession | None, *, now: datetime) -> bool:
        """Use it from now on; False where it is nothing to be used."""
        if kept is None:
            return False
        self._seen = kept.version
        try:
            token = apple_sessions.open_session(self._store.sealer, kept, self._base_url)
        except ConfigError:  # another service's, or sealed with a key that is gone
            return False
        self._stored, self._saved_at = token, kept.saved_at
        if now - kept.saved_at > ALIVE_FOR:
            return False
        self.adopt(token)
        return True
