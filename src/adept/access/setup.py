"""The first administrator: named by who holds a link, once, within half an hour. Only the service's output shows it."""

from __future__ import annotations

import hmac
from collections.abc import Callable
from datetime import datetime, timedelta

from adept.access import passwords
from adept.access.admission import Visitor
from adept.access.names import read_name
from adept.access.roles import Role
from adept.access.secrets import hash_of, make_secret
from adept.access.sessions import Opened, open_session
from adept.access.users import keep_user
from adept.errors import Denied
from adept.store.audit import Actor, add_audit
from adept.store.database import Store, Transaction
from adept.store.setup_link import delete_setup_link, keep_setup_link, setup_link_hash
from adept.store.users import has_users

Now = Callable[[], datetime]
VALID = timedelta(minutes=30)


async def make_link(store: Store, *, now: Now) -> str | None:
    """The secret of a new link; an earlier link is worth nothing from then on. None where there are users already."""
    secret = make_secret()
    async with store.writing() as tx:
        if await has_users(tx):
            return None
        await keep_setup_link(tx, hash_of(secret), now() + VALID)
    return secret


async def set_up(store: Store, *, secret: str, name: str, password: str, visitor: Visitor, now: Now) -> Opened:
    """Make the first administrator and open their session; the link is used up.

    Denied for a secret that is not the link's (any more), Misuse for a name or a password that won't do: then the link
    is still good.
    """
    name = read_name(name, of="a user")
    async with store.reading() as tx:
        await _check(tx, secret, now=now())
    passwords.check_password(password)
    password_hash = await passwords.hash_password(password)
    by = Actor("user", name, visitor.address, visitor.request_id)
    async with store.writing() as tx:
        await _check(tx, secret, now=now(), to_use=True)
        await delete_setup_link(tx)
        user = await keep_user(tx, name, role=Role.ADMIN, password_hash=password_hash, by=by, now=now())
        await add_audit(tx, by, "setup.done", user.name, now=now())
        return await open_session(tx, user, visitor=visitor, now=now())


async def _check(tx: Transaction, secret: str, *, now: datetime, to_use: bool = False) -> None:
    kept = await setup_link_hash(tx, now, to_use=to_use)
    if kept is None or not hmac.compare_digest(kept, hash_of(secret)) or await has_users(tx):
        raise Denied(
            "this set-up link was used, has run out, or never was one",
            code="setup_link",
            way_out="start adept serve again for another link, or add an administrator with: "
            "adept users add NAME --role admin",
        )
