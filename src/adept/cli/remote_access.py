"""Users, keys and the audit log of a running service, asked of its API in the name of the API key's owner.

Has the methods of `local_access.LocalAccess`, with the same answers and errors.
"""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from adept.records.access import KeyRecord, NewKeyRecord, UserRecord
from adept.records.audit import AuditQuery, AuditRecord
from adept.records.lists import ItemList
from adept.web.etags import etag

if TYPE_CHECKING:
    from adept.access.roles import Role
    from adept.cli.remote import Remote


class RemoteAccess:
    """Works through a service's API."""

    def __init__(self, remote: Remote) -> None:
        self.remote = remote

    async def users(self) -> list[UserRecord]:
        """Every user, by name."""
        return (await self.remote.one(ItemList[UserRecord], "GET", "/users")).items

    async def add_user(self, name: str, *, role: Role, password: str) -> UserRecord:
        """Add a user."""
        body = {"name": name, "role": role, "password": password}
        return await self.remote.one(UserRecord, "POST", "/users", json=body)

    async def change_user(self, name: str, *, role: Role | None = None, disabled: bool | None = None) -> UserRecord:
        """Change what is given, of the user as it is now."""
        seen = await self.remote.one(UserRecord, "GET", _user(name))
        headers = {"If-Match": etag(seen.version)}
        body = {"role": role, "disabled": disabled}
        return await self.remote.one(UserRecord, "PUT", _user(name), json=body, headers=headers)

    async def set_password(self, name: str, password: str) -> UserRecord:
        """Give a user another password; their sessions end, and failed logins are forgotten."""
        return await self.remote.one(UserRecord, "PUT", f"{_user(name)}/password", json={"password": password})

    async def end_sessions(self, name: str) -> int:
        """End a user's sessions; returns how many there were."""
        ended = await self.remote.document("DELETE", f"{_user(name)}/sessions")
        return int(bytes(ended["sessions"]))

    async def keys(self, *, with_revoked: bool) -> list[KeyRecord]:
        """The keys, by name."""
        params = {"revoked": with_revoked}
        return (await self.remote.one(ItemList[KeyRecord], "GET", "/keys", params=params)).items

    async def create_key(
        self, name: str, *, role: Role, may_read_secrets: bool, expires_at: datetime | None
    ) -> NewKeyRecord:
        """Make a key."""
        body = {
            "name": name,
            "role": role,
            "may_read_secrets": may_read_secrets,
            "expires_at": expires_at.isoformat() if expires_at is not None else None,
        }
        return await self.remote.one(NewKeyRecord, "POST", "/keys", json=body)

    async def revoke_key(self, name: str) -> None:
        """Revoke a key."""
        await self.remote.body("DELETE", f"/keys/{_part(name)}")

    async def audit(self, query: AuditQuery, *, cursor: str | None, limit: int) -> ItemList[AuditRecord]:
        """Entries, the newest first."""
        wanted = {name: _told(value) for name, value in asdict(query).items() if value is not None}
        params: dict[str, Any] = wanted | {"limit": limit} | ({"cursor": cursor} if cursor is not None else {})
        return await self.remote.one(ItemList[AuditRecord], "GET", "/audit", params=params)


def _user(name: str) -> str:
    return f"/users/{_part(name)}"


def _part(name: str) -> str:
    """A name as a part of an address; an empty one would be another address."""
    return quote(name, safe="", errors="replace") or "%20"


def _told(value: object) -> object:
    return value.isoformat() if isinstance(value, datetime) else value
