"""Who walks an account: a lease on its row, held by one walker at a time, renewed beside the page in flight.

The lease has a number, one more at each claim. Every write of a pass checks it (`leases.fence`), so that a walker that
slept through its lease writes nothing once another has taken over.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from adept.errors import Busy, StoreError
from adept.store import leases
from adept.store.accounts import StoredAccount
from adept.store.database import Store, Transaction

LEASE_S = 30.0


class LeaseLost(Exception):
    """Another walker has the account, or a person's decision ended this walk: write nothing more."""


@dataclass(slots=True)
class Lease:
    """The right to write for an account, as long as its row has this epoch."""

    account_id: int
    account_name: str
    epoch: int
    is_released: bool = False

    async def check(self, tx: Transaction, *, now: datetime) -> None:
        """Lock the account's row to the transaction's end; raises LeaseLost if the lease is another's."""
        if not await leases.fence(tx, self.account_id, self.epoch, now=now):
            raise LeaseLost

    async def account(self, tx: Transaction) -> StoredAccount:
        """As `check`, and the row."""
        account = await leases.fenced_account(tx, self.account_id, self.epoch)
        if account is None:
            raise LeaseLost
        return account

    async def update_account(self, tx: Transaction, columns: dict[str, Any]) -> None:
        """As `check`, and these columns of the row are set."""
        if not await leases.fenced_update(tx, self.account_id, self.epoch, columns):
            raise LeaseLost

    async def release(self, tx: Transaction) -> None:
        """Give the account back with the transaction's commit; after it nothing may be written under this lease."""
        await leases.release(tx, self.account_id, self.epoch)
        self.is_released = True


@asynccontextmanager
async def held_lease(
    store: Store,
    account_id: int,
    account_name: str,
    *,
    now: Callable[[], datetime],
    holder: str,
    lease_s: float = LEASE_S,
    due_only: bool = False,
) -> AsyncIterator[Lease]:
    """Claim the account, renew three times per `lease_s` while the body runs, release.

    Raises Busy if it is taken; with `due_only` also if there is nothing to be done for it any more.
    """
    async with store.writing() as tx:
        epoch = await leases.claim(tx, account_id, now=now(), holder=holder, lease_s=lease_s, due_only=due_only)
    if epoch is None:
        raise Busy(
            f"syncing account {account_name!r}: another process is at it",
            way_out="wait for that pass to end; a dead process frees the account within 30 seconds",
        )
    lease = Lease(account_id, account_name, epoch)
    renewing = asyncio.create_task(_renew_until_lost(store, lease, now=now, lease_s=lease_s))
    try:
        yield lease
    finally:
        renewing.cancel()
        with suppress(asyncio.CancelledError):
            await renewing
        if not lease.is_released:
            with suppress(StoreError):  # it runs out by itself
                async with store.writing() as tx:
                    await lease.release(tx)


async def _renew_until_lost(store: Store, lease: Lease, *, now: Callable[[], datetime], lease_s: float) -> None:
    while True:
        await asyncio.sleep(lease_s / 3)
        with suppress(StoreError):  # a busy database: the next turn comes before the lease runs out
            async with store.writing() as tx:
                if not await leases.renew(tx, lease.account_id, lease.epoch, now=now(), lease_s=lease_s):
                    return
