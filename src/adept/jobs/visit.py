"""A visit to an account that is due: claim it, find out what is to be done, do it, and leave it due at a later time."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass
from datetime import datetime

from adept.accounts.standing import after_own_fault
from adept.accounts.tokens import Connect
from adept.errors import AdeptError, Busy, StoreError
from adept.jobs.account_pass import record_no_token, with_working_token
from adept.jobs.account_walk import AccountWalk
from adept.jobs.probe import probe
from adept.jobs.requests import no_token
from adept.jobs.schedule import Work, kind_due, work_for
from adept.store import passes
from adept.store import tokens as token_rows
from adept.store.accounts import StoredAccount, account_by_id
from adept.store.database import Store
from adept.store.due import DueAccount
from adept.store.tokens import StoredToken
from adept.sync.lease import LEASE_S, Lease, LeaseLost, held_lease
from adept.sync.outcome import PassKind, PassOutcome

log = logging.getLogger("adept.jobs")

Now = Callable[[], datetime]


@dataclass(frozen=True, slots=True)
class Visited:
    """What was done for an account. `outcome`: of its pass, None where there was none; `error`: why it is not well."""

    work: Work
    outcome: PassOutcome | None = None
    error: AdeptError | None = None


@dataclass(frozen=True, slots=True)
class Visitor:
    """Visits accounts for one process, which `holder` names in their rows; `random` gives numbers from 0 to 1."""

    store: Store
    connect: Connect
    now: Now
    holder: str
    random: Callable[[], float]
    lease_s: float = LEASE_S

    async def visit(self, due: DueAccount) -> Visited | None:
        """Do what is to be done for the account; None where another process was faster, or nothing is to be done.

        What adept itself fails at is logged, and the account is tried again later; after StoreError, which is raised
        for the caller to log, too.
        """
        async with AsyncExitStack() as stack:
            try:
                claimed = held_lease(
                    self.store,
                    due.id,
                    due.name,
                    now=self.now,
                    holder=self.holder,
                    lease_s=self.lease_s,
                    due_only=True,
                )
                lease = await stack.enter_async_context(claimed)
            except Busy:
                return None
            try:
                return await self._look_after(lease)
            except LeaseLost:
                log.info("account was taken away", extra={"account": due.name})
                return None
            except StoreError as error:
                await self._put_off(lease, error)
                raise
            except Exception as fault:
                log.exception("visit failed", extra={"account": due.name})
                told = _told(fault)
                await self._put_off(lease, told)
                return Visited(Work.NOTHING, error=told)

    async def _look_after(self, lease: Lease) -> Visited | None:
        async with self.store.reading() as tx:
            account = await account_by_id(tx, lease.account_id)
            tokens = await token_rows.tokens_of(tx, lease.account_id)
            queued = await passes.queued_pass(tx, lease.account_id)
        if account is None:
            return None
        states = {token.state for token in tokens}
        work = work_for(
            account,
            requested=PassKind(queued.kind) if queued is not None else None,
            has_token="active" in states,
            has_candidate="candidate" in states,
            now=self.now(),
        )
        match work:
            case Work.NOTHING:
                return None
            case Work.PROBE:
                return await self._probe(lease, account)
            case Work.SYNC | Work.FULL:
                return await self._walk(lease, account, tokens, work)

    async def _probe(self, lease: Lease, account: StoredAccount) -> Visited:
        """Probe; where that leaves a pass due, as it does when the breaker closes, it follows at once."""
        error = await probe(self.store, lease, account, connect=self.connect, now=self.now, random=self.random)
        async with self.store.reading() as tx:
            found = await account_by_id(tx, account.id)
            tokens = await token_rows.tokens_of(tx, account.id)
        if error is not None or found is None or found.paused or found.next_sync_at > self.now():
            return Visited(Work.PROBE, error=error)
        return await self._walk(lease, found, tokens, Work(kind_due(found, requested=None, now=self.now())))

    async def _walk(self, lease: Lease, account: StoredAccount, tokens: Sequence[StoredToken], work: Work) -> Visited:
        account, token, waits_for = await with_working_token(
            self.store, account, tokens, connect=self.connect, now=self.now
        )
        if token is None:
            await record_no_token(self.store, lease, waits_for, now=self.now, chance=self.random())
            return Visited(work, error=waits_for or no_token(account.name))
        walk = AccountWalk(self.store, lease, account, token, self.connect, self.now, self.random, waits_for)
        outcome = await walk.run(PassKind(work))
        return Visited(work, outcome, outcome.error)

    async def _put_off(self, lease: Lease, error: AdeptError) -> None:
        """What adept itself fails at is not tried again at once; where even that can't be written, the runner waits."""
        with suppress(LeaseLost, StoreError):
            async with self.store.writing() as tx:
                account = await lease.account(tx)
                await passes.fail_open(
                    tx, account.id, lease_epoch=lease.epoch, code=error.code, error=str(error), now=self.now()
                )
                await after_own_fault(tx, account, error, now=self.now(), chance=self.random())


def _told(fault: Exception) -> AdeptError:
    """What is told of a fault: an error of ours as it is, else no more than its kind."""
    if isinstance(fault, AdeptError):
        return fault
    return AdeptError(f"adept failed by a fault of its own ({type(fault).__name__})", way_out="its log says more")
