"""Whether an open store can still be worked with: it answers, its schema is this adept's, the sealing keys fit."""

from __future__ import annotations

from sqlalchemy import select, table
from sqlalchemy.sql import column

from adept.errors import StoreError
from adept.store.database import Store
from adept.store.schema import HEAD, VERSION_TABLE
from adept.store.unlocking import prove_keys


async def check_ready(store: Store) -> None:
    """Return if it can. StoreError where the database fails or is at another schema, ConfigError where no key fits."""
    async with store.reading() as tx:
        found = (await tx.execute(select(column("version_num")).select_from(table(VERSION_TABLE)))).scalar_one_or_none()
        if found != HEAD:
            raise StoreError(
                f"{store.place.label} is at schema {found}, and this adept needs {HEAD}",
                way_out="restart the service with the adept that the database belongs to",
            )
        await prove_keys(tx, store.sealer, place=store.place)
