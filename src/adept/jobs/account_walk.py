"""One pass of an account whose lease is held, and the health that it leaves behind."""

from __future__ import annotations

import logging
from collections.abc import Callable
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from adept.accounts.identity import identity_columns, identity_of
from adept.accounts.shared_session import share_session
from adept.accounts.standing import after_failure, after_good_pass
from adept.accounts.tokens import ActiveToken, Connect, active_token
from adept.client.async_client import AsyncClient
from adept.errors import AdeptError
from adept.protocol.pages import MAXIMUM_LIMIT
from adept.store.accounts import StoredAccount
from adept.store.audit import Actor
from adept.store.database import Store, Transaction
from adept.sync.engine import walk_account
from adept.sync.lease import Lease, LeaseLost
from adept.sync.outcome import PageLimits, PassKind, PassOutcome, Progress

log = logging.getLogger("adept.jobs")

IDENTITY_AGE = timedelta(days=1)  # GET /account is asked again after that: limits and names change

Now = Callable[[], datetime]


def page_limits(account: StoredAccount) -> PageLimits:
    """Devices per page: what Apple said of the account, 1000 where it said nothing; fewer where a person wants it."""
    most = min(account.page_size or MAXIMUM_LIMIT, MAXIMUM_LIMIT)
    said = identity_of(account)
    if said is None:
        return PageLimits(fetch=most, sync=most)
    fetch, sync = said.limit_for("/server/devices"), said.limit_for("/devices/sync")
    return PageLimits(
        fetch=min(fetch.maximum, most) if fetch else most,
        sync=min(sync.maximum, most) if sync else most,
    )


@dataclass(slots=True)
class AccountWalk:
    """One pass of an account whose lease is held; `token` is the one it uses, also where it is renewed in mid-pass.

    `waits_for`: why the account's candidate, if it has one, could not take the token's place.
    """

    store: Store
    lease: Lease
    account: StoredAccount
    token: ActiveToken
    connect: Connect
    now: Now
    random: Callable[[], float]
    waits_for: AdeptError | None = None
    _clients: AsyncExitStack = field(default_factory=AsyncExitStack)
    _is_stale: bool = False  # what Apple says of the account is to be asked again

    async def run(
        self,
        kind: PassKind,
        *,
        by: Actor | None = None,
        on_progress: Callable[[Progress], None] | None = None,
    ) -> PassOutcome:
        """Walk, and record how the account is. Raises LeaseLost where it was lost before there was a pass."""
        self._is_stale = self.account.identity_at is None or self.now() - self.account.identity_at > IDENTITY_AGE
        async with self._clients:
            client = await self._client()
            outcome = await walk_account(
                self.store,
                self.lease,
                client,
                kind=kind,
                now=self.now,
                conclude=self._conclude,
                limits=page_limits(self.account),
                by=by,
                renewed_client=self._renewed_client,
                on_progress=on_progress,
            )
            if outcome.error is None and self._is_stale:
                await self._refresh_identity(client)
        return outcome

    async def _client(self) -> AsyncClient:
        client = await self._clients.enter_async_context(self.connect(self.token.secret, self.account.base_url))
        return share_session(client, self.store, self.token.id)

    async def _renewed_client(self) -> AsyncClient | None:
        newest = await active_token(self.store, self.account.id)
        if newest is None or newest.id == self.token.id:
            return None
        self.token = newest
        return await self._client()

    async def _conclude(self, tx: Transaction, account: StoredAccount, outcome: PassOutcome) -> None:
        now, chance = self.now(), self.random()
        if outcome.error is None:
            await after_good_pass(tx, account, now=now, chance=chance)
        else:
            await after_failure(
                tx, account, outcome.error, token_id=self.token.id, waits_for=self.waits_for, now=now, chance=chance
            )
        if outcome.error is not None or not self._is_stale:
            await self.lease.release(tx)

    async def _refresh_identity(self, client: AsyncClient) -> None:
        """Keep what Apple says of the account now; a failure is no trouble, the next pass asks again."""
        try:
            found = await client.account()
        except AdeptError as error:
            log.info("identity not refreshed", extra={"account": self.account.name, "error_code": error.code})
            return
        with suppress(LeaseLost):
            async with self.store.writing() as tx:
                await self.lease.update_account(tx, {**identity_columns(found), "identity_at": self.now()})
