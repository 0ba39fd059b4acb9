"""Passes that somebody asks for: queued here, walked by whoever looks after the account next.

A queued pass has its row, and so its id, from the moment it was asked for; the walk that begins next takes it for its
own.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from adept.errors import NeedsPerson
from adept.store import passes
from adept.store import tokens as token_rows
from adept.store.accounts import StoredAccount, locked_account, update_account
from adept.store.audit import Actor, add_audit
from adept.store.database import Store
from adept.store.passes import StoredPass
from adept.sync.outcome import PassKind

Now = Callable[[], datetime]


async def request_pass(store: Store, name: str, kind: PassKind, *, by: Actor, now: Now) -> StoredPass:
    """Ask for a pass of the account, due at once; returns its row, to be followed by its id.

    One pass of an account waits at a time: asking again returns it, made a full one if that is asked for. Asking for a
    sync while a pass is running returns the running one. Raises NotFound for an unknown account, NeedsPerson for one
    that is paused or has no server token.
    """
    async with store.writing() as tx:
        account = await locked_account(tx, name)
        check_not_paused(account)
        if all(token.state == "retired" for token in await token_rows.tokens_of(tx, account.id)):
            raise no_token(account.name)
        if kind is PassKind.SYNC:
            running = await passes.live_pass(tx, account.id, now=now())
            if running is not None:
                return running
        waiting = await passes.queued_pass(tx, account.id)
        if waiting is not None and (kind is PassKind.SYNC or waiting.kind == kind):
            return waiting
        queued = await passes.queue_pass(tx, account.id, kind=kind.value, requested_by=by.name, now=now())
        if account.next_sync_at > now():
            await update_account(tx, account.id, next_sync_at=now())
        asked = {"kind": kind.value, "pass": queued.id}
        await add_audit(tx, by, "account.pass_requested", account.name, now=now(), after=asked)
        return queued


def check_not_paused(account: StoredAccount) -> None:
    """Raise NeedsPerson for an account that a person paused."""
    if account.paused:
        raise NeedsPerson(
            f"account {account.name!r} is paused", way_out=f"let it go on with adept accounts resume {account.name}"
        )


def no_token(name: str) -> NeedsPerson:
    """What is told of an account that nobody can walk for want of a server token."""
    return NeedsPerson(
        f"account {name!r} has no server token",
        way_out=f"upload one: adept accounts certificate {name}, Apple's portal, adept accounts upload-token {name}",
    )
