"""One pass of one account, from the lease to the health that it leaves behind."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass
from datetime import datetime, timedelta

from adept.accounts.health import Diagnosis, Health, is_about_the_token, next_sync_at, when_failed, when_well
from adept.accounts.identity import identity_columns, identity_of, organisation
from adept.accounts.switch import health_columns
from adept.accounts.tokens import ActiveToken, Connect, active_token, opened_active, promote_candidate
from adept.client.async_client import AsyncClient
from adept.errors import AdeptError, NeedsPerson
from adept.protocol.pages import MAXIMUM_LIMIT
from adept.store import holds, passes
from adept.store import tokens as token_rows
from adept.store.accounts import StoredAccount, account_by_id, account_named, add_failure, update_account
from adept.store.database import Store, Transaction
from adept.store.passes import StoredPass
from adept.sync.engine import walk_account
from adept.sync.lease import LEASE_S, Lease, LeaseLost, held_lease
from adept.sync.outcome import PageLimits, PassKind, PassOutcome, PassState, Progress, retry_after_s

log = logging.getLogger("adept.jobs")

IDENTITY_AGE = timedelta(days=1)  # GET /account is asked again after that: limits and names change
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
    lease_s: float = LEASE_S,
    due_only: bool = False,
    on_progress: Callable[[Progress], None] | None = None,
) -> PassOutcome:
    """Walk an account to the end of what Apple has, and record how it is.

    A waiting candidate token is tried first. `holder` names this process in the account's row. Raises, before anything
    of a pass is written: Misuse for an unknown account, NeedsPerson for a paused one, Busy if another process walks
    it, and for an account without a working token what its candidate waits for, or NeedsPerson. What Apple refuses or
    fails at later is in the outcome's `error` and in the account's health.
    """
    account, token, waits_for = await _ready(store, name, connect=connect, now=now)
    async with held_lease(store, account, now=now, holder=holder, lease_s=lease_s, due_only=due_only) as lease:
        if token is None:
            await _record_no_token(store, lease, waits_for, now=now)
            raise waits_for or _no_token(account.name)
        async with AsyncExitStack() as clients:
            used = _Credentials(store, account, connect, clients, token)
            is_stale = account.identity_at is None or now() - account.identity_at > IDENTITY_AGE

            async def conclude(tx: Transaction, outcome: PassOutcome) -> None:
                await _record(tx, account.id, outcome.error, used.token, now=now())
                if not is_stale:
                    await lease.release(tx)

            client = await used.client()
            outcome = await walk_account(
                store,
                lease,
                client,
                kind=kind,
                now=now,
                conclude=conclude,
                limits=page_limits(account),
                renewed_client=used.renewed_client,
                on_progress=on_progress,
            )
            if outcome.error is None and is_stale:
                await _refresh_identity(store, lease, client, now=now)
        return outcome


async def _ready(
    store: Store, name: str, *, connect: Connect, now: Now
) -> tuple[StoredAccount, ActiveToken | None, AdeptError | None]:
    """The account, its working token, and what its candidate, if it has one, still waits for."""
    async with store.reading() as tx:
        account = await account_named(tx, name)
        rows = await token_rows.tokens_of(tx, account.id)
    if account.paused:
        raise NeedsPerson(
            f"account {account.name!r} is paused", way_out=f"let it go on with adept accounts resume {account.name}"
        )
    if not any(row.state == "candidate" for row in rows):
        return account, opened_active(store, rows), None
    waits_for = await promote_candidate(store, account.id, connect=connect, now=now)
    async with store.reading() as tx:
        account = await account_named(tx, name)
    return account, await active_token(store, account.id), waits_for


async def _refresh_identity(store: Store, lease: Lease, client: AsyncClient, *, now: Now) -> None:
    """Keep what Apple says of the account now; a failure is no trouble, the next pass asks again."""
    try:
        found = await client.account()
    except AdeptError as error:
        log.info("identity not refreshed", extra={"account": lease.account_name, "error_code": error.code})
        return
    with suppress(LeaseLost):
        async with store.writing() as tx:
            await lease.check(tx, now=now())
            await update_account(tx, lease.account_id, **identity_columns(found), identity_at=now())


async def follow(store: Store, name: str, *, on_pass: Callable[[StoredPass], None] | None = None) -> StoredPass | None:
    """Follow the pass that another process runs to its end; returns its row, None where the account never had one."""
    async with store.reading() as tx:
        account = await account_named(tx, name)
    while True:
        async with store.reading() as tx:
            rows = await passes.passes_of(tx, account.id, limit=1)
            current = await account_by_id(tx, account.id)
        if rows and on_pass is not None:
            on_pass(rows[0])
        if current is None or current.lease_until is None or not rows or rows[0].state != PassState.RUNNING:
            return rows[0] if rows else None
        await asyncio.sleep(FOLLOW_EVERY_S)


def page_limits(account: StoredAccount) -> PageLimits:
    """Devices per page, from what Apple said of the account; 1000 where it said nothing, and never more."""
    said = identity_of(account)
    if said is None:
        return PageLimits()
    fetch, sync = said.limit_for("/server/devices"), said.limit_for("/devices/sync")
    return PageLimits(
        fetch=min(fetch.maximum, MAXIMUM_LIMIT) if fetch else MAXIMUM_LIMIT,
        sync=min(sync.maximum, MAXIMUM_LIMIT) if sync else MAXIMUM_LIMIT,
    )


def _no_token(name: str) -> NeedsPerson:
    return NeedsPerson(
        f"account {name!r} has no server token",
        way_out=f"upload one: adept accounts certificate {name}, Apple's portal, adept accounts upload-token {name}",
    )


@dataclass(slots=True)
class _Credentials:
    """The token that a pass uses, and its successor where it was renewed in mid-pass."""

    store: Store
    account: StoredAccount
    connect: Connect
    clients: AsyncExitStack
    token: ActiveToken

    async def client(self) -> AsyncClient:
        return await self.clients.enter_async_context(self.connect(self.token.secret, self.account.base_url))

    async def renewed_client(self) -> AsyncClient | None:
        newest = await active_token(self.store, self.account.id)
        if newest is None or newest.id == self.token.id:
            return None
        self.token = newest
        return await self.client()


async def _record(
    tx: Transaction, account_id: int, error: AdeptError | None, used: ActiveToken, *, now: datetime
) -> None:
    """Write health and when the account is due again."""
    account = await account_by_id(tx, account_id)
    assert account is not None, "the lease was checked"
    if error is None:
        await _record_success(tx, account, now=now)
    elif is_about_the_token(error) and not await _is_active(tx, account, used):
        await update_account(tx, account.id, next_sync_at=now)  # the token was renewed: no word against it
    else:
        await _record_failure(tx, account, error, now=now)


async def _is_active(tx: Transaction, account: StoredAccount, used: ActiveToken) -> bool:
    active = await token_rows.tokens_of(tx, account.id, "active")
    return bool(active) and active[0].id == used.id


async def _record_success(tx: Transaction, account: StoredAccount, *, now: datetime) -> None:
    active = await token_rows.tokens_of(tx, account.id, "active")
    well = when_well(
        expires_at=active[0].expires_at if active else None,
        held=await holds.open_hold(tx, account.id) is not None,
        paused=account.paused,
        now=now,
    )
    due = next_sync_at(now=now, interval_s=account.interval_s, failures=0, retry_after_s=None)
    health = health_columns(account, well, now=now)
    await update_account(tx, account.id, **health, failures=0, next_sync_at=due, last_pass_at=now)


async def _record_failure(tx: Transaction, account: StoredAccount, error: AdeptError, *, now: datetime) -> None:
    failures = await add_failure(tx, account.id)
    due = next_sync_at(now=now, interval_s=account.interval_s, failures=failures, retry_after_s=retry_after_s(error))
    health = health_columns(account, when_failed(error, organisation=organisation(account)), now=now)
    await update_account(tx, account.id, **health, next_sync_at=due)


async def _record_no_token(store: Store, lease: Lease, waits_for: AdeptError | None, *, now: Now) -> None:
    diagnosis = when_failed(waits_for) if waits_for is not None else Diagnosis(Health.NO_TOKEN)
    with suppress(LeaseLost):
        async with store.writing() as tx:
            await lease.check(tx, now=now())
            account = await account_by_id(tx, lease.account_id)
            assert account is not None, "the lease was checked"
            await update_account(tx, account.id, **health_columns(account, diagnosis, now=now()))
