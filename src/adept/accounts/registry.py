"""Accounts come, pause, go on and go: the acts of a person that ask Apple nothing but whose token it is."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from adept.accounts.health import Diagnosis, Health, when_well
from adept.accounts.switch import NewToken, TokenOutcome, health_columns
from adept.accounts.tokens import Connect, offer_token
from adept.errors import AdeptError
from adept.protocol.server_token import ServerToken
from adept.store import holds
from adept.store import tokens as token_rows
from adept.store.accounts import StoredAccount, account_by_id, account_named, add_account, update_account
from adept.store.database import Store, Transaction
from adept.store.removal import remove_account

Now = Callable[[], datetime]


async def add(
    store: Store, name: str, *, base_url: str, now: Now, connect: Connect, token: ServerToken | None = None
) -> tuple[StoredAccount, TokenOutcome | None]:
    """Add an account, with its decrypted server token if there is one. Misuse for a name taken or impossible.

    A token that Apple won't have is raised as in `offer_token`, and the account is not added.
    """
    async with store.writing() as tx:
        account = await add_account(tx, name, base_url, now())
    if token is None:
        return account, None
    try:
        outcome = await offer_token(store, account, NewToken(token), connect=connect, now=now)
    except AdeptError:
        async with store.writing() as tx:
            await remove_account(tx, account.id, now())
        raise
    async with store.reading() as tx:
        return await account_by_id(tx, account.id) or account, outcome


async def pause(store: Store, name: str, *, now: Now) -> None:
    """Walk the account no more until it is resumed; a pass in progress goes to its end. Misuse if it is unknown."""
    async with store.writing() as tx:
        account = await account_named(tx, name)
        paused = health_columns(account, Diagnosis(Health.PAUSED), now=now())
        await update_account(tx, account.id, paused=True, **paused)


async def resume(store: Store, name: str, *, now: Now) -> None:
    """Walk the account again, from now on. Misuse if it is unknown."""
    async with store.writing() as tx:
        account = await account_named(tx, name)
        resumed = health_columns(account, await _resumed(tx, account, now=now()), now=now())
        await update_account(tx, account.id, paused=False, next_sync_at=now(), **resumed)


async def _resumed(tx: Transaction, account: StoredAccount, *, now: datetime) -> Diagnosis:
    active = await token_rows.tokens_of(tx, account.id, "active")
    if not active:
        return Diagnosis(Health.NO_TOKEN)
    held = await holds.open_hold(tx, account.id) is not None
    return when_well(expires_at=active[0].expires_at, held=held, paused=False, now=now)


async def remove(store: Store, name: str, *, now: Now) -> int:
    """Remove an account with its devices, tokens and passes; returns how many live devices it had.

    Kept are its keypairs, as retired, and its changes; each live device is announced as deleted. Misuse if unknown.
    """
    async with store.writing(durable=True) as tx:
        account = await account_named(tx, name)
        return await remove_account(tx, account.id, now())
