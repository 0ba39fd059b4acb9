"""Is this the user's password? Asked at a login, and where somebody changes their own."""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import datetime

from adept.access import passwords
from adept.access.admission import Visitor, admit, take_back
from adept.errors import Denied
from adept.store.audit import Actor, add_audit
from adept.store.database import Store
from adept.store.users import StoredUser

Now = Callable[[], datetime]
WRONG_LOGIN = "wrong_login"
log = logging.getLogger("adept.access")


async def authenticate(store: Store, name: str, password: str, *, visitor: Visitor, now: Now) -> StoredUser:
    """The user whose name and password these are.

    Denied with 401 where they aren't anybody's or the user is disabled, told alike and after the same work; with 429
    where there were too many failures: then the password was not looked at.
    """
    admission = await admit(store, name, visitor=visitor, at=now())
    user = admission.user
    is_right = await passwords.matches(password, user.password_hash if user else passwords.STAND_IN)
    if user is None or not is_right or user.disabled_at is not None:
        await _refused(store, user, visitor=visitor, at=now())
        raise wrong_login()
    async with store.writing() as tx:
        await take_back(tx, admission, at=now())
    return user


def wrong_login() -> Denied:
    """The one answer to a name or a password that is wrong, whichever of them it is."""
    return Denied("the name or the password is wrong", code=WRONG_LOGIN, status=401)


async def _refused(store: Store, user: StoredUser | None, *, visitor: Visitor, at: datetime) -> None:
    """Told in the log, and in the audit log where the name is a user's: others may be passwords typed too early."""
    log.warning(
        "login refused",
        extra={"user": user.name if user else None, "address": visitor.address, "request_id": visitor.request_id},
    )
    if user is not None:
        actor = Actor("user", user.name, visitor.address, visitor.request_id)
        async with store.writing() as tx:
            await add_audit(tx, actor, "session.refused", user.name, now=at)
