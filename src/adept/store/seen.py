"""What the running fetch has shown, a row a page, apart from the devices (design law 6). Survives a resume."""

from __future__ import annotations

import json
from collections.abc import Sequence

from sqlalchemy import delete, func, insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from adept.store.tables import seen_pages, storable


async def add_seen(tx: AsyncConnection, account_id: int, fetch_id: int, serials: Sequence[str]) -> None:
    """Keep the serial numbers of the fetch's next page."""
    of_fetch = (seen_pages.c.account_id == account_id) & (seen_pages.c.fetch_id == fetch_id)
    page = select(func.coalesce(func.max(seen_pages.c.page), 0) + 1).where(of_fetch).scalar_subquery()
    listed = json.dumps([storable(serial) for serial in serials])
    await tx.execute(
        insert(seen_pages).values(account_id=account_id, fetch_id=fetch_id, page=page, serial_numbers=listed)
    )


async def forget_seen(tx: AsyncConnection, account_id: int) -> None:
    """Drop what any fetch of the account has shown: its end, or the start of a new one."""
    await tx.execute(delete(seen_pages).where(seen_pages.c.account_id == account_id))


async def count_seen_pages(tx: AsyncConnection, account_id: int, fetch_id: int) -> int:
    """How many pages the fetch has shown so far."""
    of_fetch = (seen_pages.c.account_id == account_id) & (seen_pages.c.fetch_id == fetch_id)
    return int((await tx.execute(select(func.count()).select_from(seen_pages).where(of_fetch))).scalar_one())
