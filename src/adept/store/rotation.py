"""Rotating the sealing keys under processes that run: everything sealed anew with the first key, then the canary.

Each secret is replaced only as it was read, so that what others store meanwhile stays; and whatever is interrupted is
taken up again from what is sealed with which key. See `unlocking.hold_keys` for why the second look finds the rest.

Sessions with Apple are forgotten rather than sealed anew: that costs each account a new one.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Row, update
from sqlalchemy.ext.asyncio import AsyncConnection

from adept.errors import ConfigError
from adept.store.apple_sessions import forget_all_sessions
from adept.store.audit import Actor, add_audit
from adept.store.database import Store
from adept.store.keyset import batch_after, key_columns, key_of
from adept.store.sealed import SEALED, SealedColumn
from adept.store.sealing import Sealer
from adept.store.unlocking import reseal_canary

BATCH = 100


@dataclass(frozen=True, slots=True)
class Rotated:
    """How many secrets were sealed anew, and the places of those that no key given opens ("keypairs 17")."""

    resealed: int
    unopened: tuple[str, ...]


async def rotate(
    store: Store, *, by: Actor, now: Callable[[], datetime], on_resealed: Callable[[int], None] | None = None
) -> Rotated:
    """Seal every secret with the first key. Afterwards no other key is needed, but for the places returned.

    Committed a hundred at a time; call it again after an interruption. `on_resealed` is told how many were sealed anew
    so far.
    """
    tell = on_resealed or (lambda _: None)
    first = await _sweep(store, tell)
    async with store.writing(durable=True) as tx:
        await reseal_canary(tx, store.sealer)
    second = await _sweep(store, lambda count: tell(first.resealed + count))
    rotated = Rotated(first.resealed + second.resealed, second.unopened)
    async with store.writing() as tx:
        await forget_all_sessions(tx)
        told = {"resealed": rotated.resealed, "unopened": len(rotated.unopened)}
        await add_audit(tx, by, "secrets.rotated", "sealing keys", now=now(), after=told)
    return rotated


async def _sweep(store: Store, tell: Callable[[int], None]) -> Rotated:
    resealed = 0
    unopened: list[str] = []
    for sealed in SEALED:
        key: tuple[Any, ...] | None = None
        while True:
            async with store.writing(durable=True) as tx:
                rows = await batch_after(tx, sealed.table, key, columns=[sealed.column], limit=BATCH)
                for row in rows:
                    outcome = await _reseal(tx, sealed, row, store.sealer)
                    resealed += outcome is True
                    if outcome is None:
                        unopened.append(f"{sealed.table.name} {'/'.join(map(str, key_of(sealed.table, row)))}")
            if not rows:
                break
            key = key_of(sealed.table, rows[-1])
            tell(resealed)
    return Rotated(resealed, tuple(unopened))


async def _reseal(tx: AsyncConnection, sealed: SealedColumn, row: Row[Any], sealer: Sealer) -> bool | None:
    """True where it was sealed anew, False where it need not be, None where no key opens it."""
    found: bytes | None = row._mapping[sealed.column]  # noqa: SLF001  # SQLAlchemy's public name
    purpose = sealed.purpose_of(row)
    if not found or sealer.is_current(purpose, found):
        return False
    try:
        renewed = sealer.seal(purpose, sealer.open(purpose, found))
    except ConfigError:
        return None
    wanted = [column == row._mapping[column] for column in key_columns(sealed.table)]  # noqa: SLF001
    replaced = update(sealed.table).where(*wanted, sealed.column == found).values({sealed.column: renewed})
    return (await tx.execute(replaced)).rowcount == 1
