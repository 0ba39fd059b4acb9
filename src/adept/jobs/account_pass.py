"""One pass of an account that somebody wants now, whether it is due or not; or following the one that is under way."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from datetime import datetime

from adept.accounts.rhythm import no_jitter
from adept.accounts.standing import without_token
from adept.accounts.tokens import ActiveToken, Connect, active_token, opened_active, promote_candidate
from adept.errors import AdeptError, Busy
from adept.jobs.account_walk import AccountWalk
from adept.jobs.requests import check_not_paused, no_token
from adept.store import passes
from adept.store import tokens as token_rows
from adept.store.accounts import StoredAccount, account_by_id, account_named
from adept.store.audit import Actor
from adept.store.database import Store
from adept.store.passes import StoredPass
from adept.store.tokens import StoredToken
from adept.sync.lease import LEASE_S, Lease, LeaseLost, held_lease
from adept.sync.outcome import PassKind, PassOutcome, PassState, Progress

FOLLOW_EVERY_S = 0.5

Now = Callable[[], datetime]


async def run_pass(
    store: Store,
    name: str,
    *,
    connect: Connect,
    now: Now,
    holder: str,
    kind: PassKind = PassKind.SYNC,
    by: Actor | None = None,
    lease_s: float = LEASE_S,
    random: Callable[[], float] = no_jitter,
    on_progress: Callable[[Progress], None] | None = None,
) -> PassOutcome:
    """Walk an account to the end of what Apple has, and record how it is.

    A waiting candidate token is tried first. `holder` names this process in the account's row, `by` who asked for the
    pass, None where its time had come. Raises, before anything of a pass is written: NotFound for an unknown account,
    NeedsPerson for a paused one, Busy if another process walks it, and for an account without a working token what its
    candidate waits for, or NeedsPerson. What Apple refuses or fails at later is in the outcome's `error` and in the
    account's health.
    """
    async with store.reading() as tx:
        account = await account_named(tx, name)
        tokens = await token_rows.tokens_of(tx, account.id)
    check_not_paused(account)
    account, token, waits_for = await with_working_token(store, account, tokens, connect=connect, now=now)
    async with held_lease(store, account.id, account.name, now=now, holder=holder, lease_s=lease_s) as lease:
        try:
            if token is None:
                await record_no_token(store, lease, waits_for, now=now, chance=random())
                raise waits_for or no_token(account.name)
            walk = AccountWalk(store, lease, account, token, connect, now, random, waits_for)
            return await walk.run(kind, by=by, on_progress=on_progress)
        except LeaseLost:
            raise Busy(
                f"syncing account {account.name!r}: it was taken away before the pass began", way_out="try again"
            ) from None


async def with_working_token(
    store: Store, account: StoredAccount, tokens: Sequence[StoredToken], *, connect: Connect, now: Now
) -> tuple[StoredAccount, ActiveToken | None, AdeptError | None]:
    """Try the candidate token, if there is one: the account then, its token, and what the candidate still waits for."""
    if not any(token.state == "candidate" for token in tokens):
        return account, opened_active(store, tokens), None
    waits_for = await promote_candidate(store, account.id, connect=connect, now=now)
    async with store.reading() as tx:
        account = await account_by_id(tx, account.id) or account
    return account, await active_token(store, account.id), waits_for


async def record_no_token(store: Store, lease: Lease, waits_for: AdeptError | None, *, now: Now, chance: float) -> None:
    """Write down that the account can't be walked for want of a token, and end the pass that somebody waits for."""
    error = waits_for or no_token(lease.account_name)
    async with store.writing() as tx:
        account = await lease.account(tx)
        await passes.fail_open(tx, account.id, lease_epoch=0, code=error.code, error=str(error), now=now())
        await without_token(tx, account, waits_for, now=now(), chance=chance)


async def follow(store: Store, name: str, *, on_pass: Callable[[StoredPass], None] | None = None) -> StoredPass | None:
    """Follow the pass that another process runs to its end; returns its row, None where the account never had one."""
    async with store.reading() as tx:
        account = await account_named(tx, name)
    while True:
        async with store.reading() as tx:
            newest = await passes.passes_of(tx, account.id, limit=2)
            current = await account_by_id(tx, account.id)
        begun = [row for row in newest if row.state != PassState.QUEUED]
        if begun and on_pass is not None:
            on_pass(begun[0])
        if current is None or current.lease_until is None or not begun or begun[0].state != PassState.RUNNING:
            return begun[0] if begun else None
        await asyncio.sleep(FOLLOW_EVERY_S)
