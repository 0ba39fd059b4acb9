"""A checksum of a table's rows that says nothing of the engine that holds them, nor of their order."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

import msgspec
from sqlalchemy import Table
from sqlalchemy.ext.asyncio import AsyncConnection

from adept.store.keyset import all_batches

BATCH = 1000
_SIZE_BYTES = 16
_encode = msgspec.msgpack.Encoder().encode  # types and lengths are in it: no two different rows look alike


@dataclass(frozen=True, slots=True)
class Digest:
    """How many rows there are, and the sum of their hashes as hex."""

    rows: int
    checksum: str


async def digest_of(tx: AsyncConnection, table: Table) -> Digest:
    """Read the whole table, in the columns that this adept knows, and sum it up."""
    rows, total = 0, 0
    async for batch in all_batches(tx, table, limit=BATCH):
        rows += len(batch)
        for row in batch:
            values = [row._mapping[column] for column in table.columns]  # noqa: SLF001  # SQLAlchemy's public name
            hashed = hashlib.blake2b(_encode(values), digest_size=_SIZE_BYTES).digest()
            total += int.from_bytes(hashed, "big")
    return Digest(rows, f"{total % 2 ** (8 * _SIZE_BYTES):0{2 * _SIZE_BYTES}x}")
