"""Accounts come, change, pause, go on and go: the acts of a person that ask Apple nothing but whose token it is."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import datetime

from adept.accounts.edits import KEEP, Keep, next_sync_after, settings_of, what_changes
from adept.accounts.health import Diagnosis, Health, when_well
from adept.accounts.switch import NewToken, TokenOutcome, health_columns
from adept.accounts.tokens import Connect, ask_about, settle
from adept.errors import Conflict, NotFound
from adept.protocol.server_token import ServerToken
from adept.store import holds, leases
from adept.store import tokens as token_rows
from adept.store.accounts import (
    StoredAccount,
    account_by_id,
    account_named,
    add_account,
    find_account,
    locked_account,
    name_taken,
    read_name,
    update_account,
)
from adept.store.audit import Actor, add_audit, audit_entries
from adept.store.database import Store, Transaction
from adept.store.removal import is_batch_left, remove_account, remove_batch

Now = Callable[[], datetime]

BREATH_S = 0.02  # between the batches of a removal: other processes ask for SQLite's lock now and then, not in a queue


async def add(
    store: Store,
    name: str,
    *,
    base_url: str,
    interval_s: int | Keep = KEEP,
    page_size: int | Keep | None = KEEP,
    token: ServerToken | None = None,
    connect: Connect,
    by: Actor,
    now: Now,
) -> tuple[StoredAccount, TokenOutcome | None]:
    """Add an account, with its decrypted server token if there is one; what isn't given is as the table says.

    Misuse for a name or a setting that can't be, Conflict for a name that is taken. A token that Apple won't have is
    raised as in `tokens.offer_token`, and the account is not added.
    """
    settings = settings_of(base_url=base_url, interval_s=interval_s, page_size=page_size)
    await _must_be_free(store, name)
    new = NewToken(token) if token is not None else None
    found = await ask_about(new, base_url, connect=connect, now=now) if new is not None else None
    outcome = None
    async with store.writing(durable=new is not None) as tx:
        account = await add_account(tx, name, base_url, now())
        await update_account(tx, account.id, **settings)
        await add_audit(tx, by, "account.added", account.name, now=now(), after=settings)
        if new is not None and found is not None:
            outcome = await settle(tx, store, account, new, found, by=by, now=now())
        return await account_named(tx, account.name), outcome


async def _must_be_free(store: Store, name: str) -> None:
    """Refuse a name before Apple is asked about a token for it; the table's own constraint has the last word."""
    async with store.reading() as tx:
        if await find_account(tx, read_name(name)) is not None:
            raise name_taken(name)


async def change(
    store: Store,
    name: str,
    *,
    version: int | None,
    base_url: str | Keep = KEEP,
    interval_s: int | Keep = KEEP,
    page_size: int | Keep | None = KEEP,
    by: Actor,
    now: Now,
) -> StoredAccount:
    """Change what a person sets of an account, from the next pass on; returns the account as it is then.

    `version` is that of the account the person saw: Conflict where somebody changed it since, unless nothing is left
    to change; None changes whatever is there. A new base URL ends a pass in progress. NotFound, Misuse.
    """
    wanted = settings_of(base_url=base_url, interval_s=interval_s, page_size=page_size)
    async with store.writing() as tx:
        account = await locked_account(tx, name)
        changed = what_changes(account, wanted)
        if not changed:
            return account
        if version is not None and version != account.version:
            raise await _changed_meanwhile(tx, account, version)
        if "base_url" in changed:
            await leases.bump(tx, account.id)
        due = next_sync_after(account, changed, now=now())
        await update_account(tx, account.id, **changed, next_sync_at=due, version=account.version + 1)
        before = {column: getattr(account, column) for column in changed}
        await add_audit(tx, by, "account.changed", account.name, now=now(), before=before, after=changed)
        return await account_by_id(tx, account.id) or account


async def _changed_meanwhile(tx: Transaction, account: StoredAccount, version: int) -> Conflict:
    last = await audit_entries(tx, subject=account.name, act="account.changed", limit=1)
    whom = f"{last[0].actor_kind} {last[0].actor} on {last[0].at:%Y-%m-%d at %H:%M:%S} UTC" if last else "somebody"
    return Conflict(
        f"account {account.name!r} was changed by {whom}: it is at version {account.version}, not {version}",
        way_out="look at it as it is now, and send your change again if it still holds",
    )


async def pause(store: Store, name: str, *, by: Actor, now: Now) -> None:
    """Walk the account no more until it is resumed; a pass in progress goes to its end. NotFound if it is unknown."""
    async with store.writing() as tx:
        account = await locked_account(tx, name)
        if account.paused:
            return
        paused = health_columns(account, Diagnosis(Health.PAUSED), now=now())
        await update_account(tx, account.id, paused=True, **paused)
        await add_audit(
            tx, by, "account.paused", account.name, now=now(), before={"paused": False}, after={"paused": True}
        )


async def resume(store: Store, name: str, *, by: Actor, now: Now) -> None:
    """Walk the account again, from now on. NotFound if it is unknown."""
    async with store.writing() as tx:
        account = await locked_account(tx, name)
        if not account.paused:
            return
        resumed = health_columns(account, await _resumed(tx, account, now=now()), now=now())
        await update_account(tx, account.id, paused=False, next_sync_at=now(), **resumed)
        await add_audit(
            tx, by, "account.resumed", account.name, now=now(), before={"paused": True}, after={"paused": False}
        )


async def _resumed(tx: Transaction, account: StoredAccount, *, now: datetime) -> Diagnosis:
    active = await token_rows.tokens_of(tx, account.id, "active")
    if not active:
        return Diagnosis(Health.NO_TOKEN)
    held = await holds.open_hold(tx, account.id) is not None
    return when_well(expires_at=active[0].expires_at, held=held, paused=False, now=now)


async def remove(store: Store, name: str, *, by: Actor, now: Now) -> int:
    """Remove an account with its devices, tokens and passes; returns how many live devices it had.

    Kept are its keypairs, as retired, and its changes; each live device is announced as deleted. NotFound if unknown.

    Where there are more devices than a batch they go first, a batch a transaction, so that others get to write in
    between; meanwhile the account is paused. What an error or a kill leaves over is a paused account with fewer
    devices: removed again it goes to the end, resumed it is walked again and gets them back.
    """
    async with store.reading() as tx:
        account_id = (await account_named(tx, name)).id
    devices = 0
    while True:
        async with store.writing(durable=True) as tx:
            account = await locked_account(tx, name)
            if account.id != account_id:
                raise NotFound(f"account {account.name!r} was removed meanwhile, and added again")
            if not await is_batch_left(tx, account.id):
                devices += await remove_account(tx, account.id, now())
                was = {"base_url": account.base_url, "server_name": account.server_name, "devices": devices}
                await add_audit(tx, by, "account.removed", account.name, now=now(), before=was)
                return devices
            if not account.paused:
                await _end_walks(tx, account, by=by, now=now)
            devices += await remove_batch(tx, account, now())
        await asyncio.sleep(BREATH_S)


async def _end_walks(tx: Transaction, account: StoredAccount, *, by: Actor, now: Now) -> None:
    """The account is being removed: whoever walks it stops now, and nobody begins. Resumed, it fetches all anew."""
    await leases.bump(tx, account.id)
    paused = health_columns(account, Diagnosis(Health.PAUSED, "it is being removed"), now=now())
    await update_account(tx, account.id, paused=True, full_requested=True, **paused)
    await add_audit(tx, by, "account.removal_begun", account.name, now=now())
