"""Where commands look after users, keys and the audit log: the database at hand, or the service of ADEPT_SERVER."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from adept.cli.local_access import LocalAccess
    from adept.cli.remote_access import RemoteAccess

    AccessDesk: TypeAlias = LocalAccess | RemoteAccess


@asynccontextmanager
async def at_access_desk(*, create: bool = False) -> AsyncIterator[AccessDesk]:
    """The desk that the environment names. `create` makes a SQLite database that is not there yet."""
    from adept.settings import load_settings

    settings = load_settings()
    if settings.server is not None:
        from adept.cli.remote import Remote
        from adept.cli.remote_access import RemoteAccess

        async with Remote(settings.server, settings.key_for_server()) as remote:
            yield RemoteAccess(remote)
        return
    from adept.cli.local_access import LocalAccess
    from adept.cli.storage import opened

    async with opened(create=create) as store:
        yield LocalAccess(store)
