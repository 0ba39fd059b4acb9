"""A database with rows in every table, and secrets that are really sealed."""

from __future__ import annotations

from sqlalchemy import insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from adept.store import keypairs, tables
from adept.store.accounts import account_named
from adept.store.database import Store
from adept.store.device_values import index_all
from tests.store.examples import NOW, device_row
from tests.store.first_rows import ROWS_0001, ROWS_0002, ROWS_0006

SECRET = b"-----BEGIN PRIVATE KEY-----"
LAST_PASS = 700  # the number of a pass that is gone again


async def fill(store: Store, *, devices: int = 0) -> None:
    """A row into every table, so many devices more, and a keypair with a secret."""
    async with store.writing(durable=True) as tx:
        for name, row in (ROWS_0001 | ROWS_0002 | ROWS_0006).items():
            await tx.execute(insert(tables.metadata.tables[name]).values(**row))
        await tx.execute(update(tables.feed_position).values(last_id=9))
        await tx.execute(insert(tables.setup_link).values(only=1, secret_hash=b"h" * 32, expires_at=NOW))
        await tx.execute(insert(tables.retention).values(only=1, next_at=NOW, done_at=NOW))
        odd = {"account_id": 7, "state": "done", "lease_epoch": 1, "started_at": NOW, "kind": "sync"}
        await tx.execute(insert(tables.passes).values(id=LAST_PASS, **odd))
        await tx.execute(tables.passes.delete().where(tables.passes.c.id == LAST_PASS))
        account = await account_named(tx, "hq")
        await keypairs.add_keypair(tx, account, SECRET, None, state="staged", sealer=store.sealer, now=NOW)
        if devices:
            rows = [{"account_id": 7, **device_row(f"D{number:06}")} for number in range(devices)]
            await tx.execute(insert(tables.devices), rows)
        await index_all(tx)


async def every_row(tx: AsyncConnection) -> dict[str, list[tuple[object, ...]]]:
    """All that is kept in the database, table by table, in an order that no engine has a say in.

    What is said of the database itself and of the processes at it is another one's to say of itself.
    """
    kept = [table for table in tables.metadata.sorted_tables if table not in (tables.schema_state, tables.apple_shares)]
    return {table.name: sorted((tuple(row) for row in await tx.execute(select(table))), key=repr) for table in kept}
