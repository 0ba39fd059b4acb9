"""Users, keys and the audit log in a database, in the name of whoever typed the command.

Has the methods of `remote_access.RemoteAccess`.
"""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from adept.access import keys, sessions, users
from adept.cli.storage import person
from adept.records.access import key_list, new_key_record, one_user, user_list, user_record
from adept.records.audit import audit_list

if TYPE_CHECKING:
    from adept.access.roles import Role
    from adept.records.access import KeyRecord, NewKeyRecord, UserRecord
    from adept.records.audit import AuditQuery, AuditRecord
    from adept.records.lists import ItemList
    from adept.store.database import Store


class LocalAccess:
    """Works on an open store."""

    def __init__(self, store: Store) -> None:
        self.store = store

    async def users(self) -> list[UserRecord]:
        """Every user, by name."""
        return await user_list(self.store)

    async def add_user(self, name: str, *, role: Role, password: str) -> UserRecord:
        """Add a user."""
        added = await users.add_user(self.store, name, role=role, password=password, by=person(), now=self.store.now)
        return user_record(added)

    async def change_user(self, name: str, *, role: Role | None = None, disabled: bool | None = None) -> UserRecord:
        """Change what is given, of the user as it is now."""
        seen = await one_user(self.store, name)
        changed = await users.change_user(
            self.store, name, role=role, disabled=disabled, version=seen.version, by=person(), now=self.store.now
        )
        return user_record(changed)

    async def set_password(self, name: str, password: str) -> UserRecord:
        """Give a user another password; their sessions end, and failed logins are forgotten."""
        return user_record(await users.set_password(self.store, name, password, by=person(), now=self.store.now))

    async def end_sessions(self, name: str) -> int:
        """End a user's sessions; returns how many there were."""
        return await sessions.end_sessions(self.store, name, by=person(), now=self.store.now)

    async def keys(self, *, with_revoked: bool) -> list[KeyRecord]:
        """The keys, by name."""
        return await key_list(self.store, with_revoked=with_revoked)

    async def create_key(
        self, name: str, *, role: Role, may_read_secrets: bool, expires_at: datetime | None
    ) -> NewKeyRecord:
        """Make a key."""
        row, key = await keys.create_key(
            self.store,
            name,
            role=role,
            may_read_secrets=may_read_secrets,
            expires_at=expires_at,
            by=person(),
            now=self.store.now,
        )
        return new_key_record(row, key)

    async def revoke_key(self, name: str) -> None:
        """Revoke a key."""
        await keys.revoke_key(self.store, name, by=person(), now=self.store.now)

    async def audit(self, query: AuditQuery, *, cursor: str | None, limit: int) -> ItemList[AuditRecord]:
        """Entries, the newest first."""
        return await audit_list(self.store, query, cursor=cursor, limit=limit)
