"""Where commands work on stored data: the database at hand, or a running service where ADEPT_SERVER names one.

Both desks have the same methods, and commands can't tell them apart.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from adept.cli.local_desk import LocalDesk
    from adept.cli.remote_desk import RemoteDesk

    Desk: TypeAlias = LocalDesk | RemoteDesk


@asynccontextmanager
async def at_desk(*, create: bool = False) -> AsyncIterator[Desk]:
    """The desk that the environment names. `create` makes a SQLite database that is not there yet."""
    from adept.settings import load_settings

    settings = load_settings()
    if settings.server is not None:
        from adept.cli.remote import Remote
        from adept.cli.remote_desk import RemoteDesk

        async with Remote(settings.server, settings.key_for_server()) as remote:
            yield RemoteDesk(remote)
        return
    from adept.cli.local_desk import LocalDesk
    from adept.cli.storage import opened

    async with opened(create=create) as store:
        yield LocalDesk(store)
