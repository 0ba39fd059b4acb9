"""The job engine's own connections to PostgreSQL."""

from __future__ import annotations

from typing import Any

from psycopg import AsyncConnection
from psycopg_pool import AsyncConnectionPool

from adept.store.engines import connecting
from adept.store.places import Place


def connection_pool(place: Place) -> AsyncConnectionPool[AsyncConnection[Any]]:
    """Connections for the engine, each statement a transaction of its own, as a pooler in between likes it.

    Opened by the engine. Lost connections are replaced; the database may be away meanwhile.
    """
    return AsyncConnectionPool(
        place.libpq,
        kwargs={"autocommit": True, "prepare_threshold": None, **connecting(place)},
        min_size=1,
        max_size=4,
        timeout=10,
        open=False,
        check=AsyncConnectionPool.check_connection,
    )
