"""Whether an open store can still be worked with: it answers, its schema fits this adept, the sealing keys fit."""

from __future__ import annotations

from adept.store.database import Store
from adept.store.schema import check_still_fits
from adept.store.unlocking import prove_keys


async def check_ready(store: Store) -> None:
    """Return if it can. StoreError where the database fails or no longer fits, ConfigError where no key does."""
    async with store.reading() as tx:
        await check_still_fits(tx, store.place)
        await prove_keys(tx, store.sealer, place=store.place)
