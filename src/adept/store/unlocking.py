"""Proving the sealing keys at a start: a canary sealed at the first start must open at every later one.

A key is made for a SQLite store that is still empty, and never again: a lost key stops the start with a sentence.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeAlias

from sqlalchemy import exists, select, update
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from adept.errors import ConfigError
from adept.store.dialects import insert_into
from adept.store.engines import Begin
from adept.store.key_file import key_file_of, make_key_file, read_key_file
from adept.store.places import Place
from adept.store.sealing import Sealer, read_keys
from adept.store.tables import keypairs, sealing_canary, server_tokens

# Keys as text, the one that writes first; or where to read them, now and whenever they fail. None: not given.
GivenKeys: TypeAlias = Sequence[str] | Callable[[], Sequence[str] | None] | None

_PURPOSE = "canary"
_CANARY = b"adept"


async def unlock(place: Place, engine: AsyncEngine, *, given: GivenKeys, data_dir: Path | None) -> Sealer:
    """The sealer for this database, proved; ConfigError where the keys are missing, lost or another's."""
    keys = _read_given(given)
    key_file = None if keys else _key_file(place, data_dir)
    async with engine.connect() as connection:
        sealed = await read_canary(connection)
    if sealed is None:
        sealed = await _first_start(place, engine, keys=keys, key_file=key_file)
    sealer = sealer_for(place, given=given, data_dir=data_dir)
    _prove(sealer, sealed, place=place, source="ADEPT_SECRET_KEYS" if keys else str(key_file))
    return sealer


def sealer_for(place: Place, *, given: GivenKeys, data_dir: Path | None) -> Sealer:
    """A sealer with the keys given, else with those of the key file; what stands in a file is read again at need."""
    keys = _read_given(given)
    if keys is not None:
        return Sealer(keys, reread=(lambda: _read_given(given) or ()) if callable(given) else None)
    key_file = _key_file(place, data_dir)
    return Sealer(read_key_file(place, key_file), reread=lambda: read_key_file(place, key_file))


def _key_file(place: Place, data_dir: Path | None) -> Path:
    key_file = key_file_of(place, data_dir)
    if key_file is None:
        raise ConfigError(
            "PostgreSQL needs the sealing keys given, ADEPT_SECRET_KEYS is empty",
            way_out="make one with: openssl rand -base64 32",
        )
    return key_file


def _read_given(given: GivenKeys) -> list[bytes] | None:
    texts = given() if callable(given) else given
    return read_keys(texts) if texts else None


async def _first_start(place: Place, engine: AsyncEngine, *, keys: list[bytes] | None, key_file: Path | None) -> bytes:
    """Seal the canary, with a key made here where none is given; of several first starts at once only one does."""
    async with engine.connect() as connection:
        await connection.execution_options(begin=Begin.DURABLE)
        async with connection.begin():
            sealed = await read_canary(connection)
            if sealed is not None:
                return sealed
            await _refuse_secrets_without_canary(connection, place)
            if keys is None:
                assert key_file is not None
                make_key_file(key_file)
                keys = read_key_file(place, key_file)
            sealed = Sealer(keys).seal(_PURPOSE, _CANARY)
            return await _put_canary(connection, sealed)


async def read_canary(connection: AsyncConnection) -> bytes | None:
    """The sealed canary, None before the first start."""
    found: bytes | None = (await connection.execute(select(sealing_canary.c.sealed))).scalar_one_or_none()
    return found


async def _put_canary(connection: AsyncConnection, sealed: bytes) -> bytes:
    """Insert the canary; whichever is in the table afterwards is the one that counts."""
    insert = insert_into(sealing_canary, connection)
    await connection.execute(insert.values(only=1, sealed=sealed).on_conflict_do_nothing())
    return await read_canary(connection) or sealed


async def _refuse_secrets_without_canary(connection: AsyncConnection, place: Place) -> None:
    """A database with secrets and no canary was tampered with: no key may be made for it."""
    holds = select(exists(select(keypairs.c.id)) | exists(select(server_tokens.c.id)))
    if (await connection.execute(holds)).scalar_one():
        raise ConfigError(f"{place.label} holds sealed secrets but no canary", way_out="restore a backup")


async def prove_keys(connection: AsyncConnection, sealer: Sealer, *, place: Place) -> None:
    """ConfigError where the sealer can't open what the database's secrets are sealed with."""
    _prove(sealer, _there(await read_canary(connection), place), place=place, source="this process")


async def hold_keys(tx: AsyncConnection, sealer: Sealer, *, place: Place) -> None:
    """Before anything is sealed: take over a new key that writes, and have none come until the transaction ends.

    A rotation seals the canary anew when it is through with all else, and then looks once more. Who sealed with the
    old key held the canary before that, so that nothing sealed with it is left behind. ConfigError as in `prove_keys`.
    """
    held = select(sealing_canary.c.sealed).with_for_update(read=True)
    sealed = _there((await tx.execute(held)).scalar_one_or_none(), place)
    if not sealer.is_current(_PURPOSE, sealed):
        sealer.read_again()
        _prove(sealer, sealed, place=place, source="this process")


async def reseal_canary(tx: AsyncConnection, sealer: Sealer) -> None:
    """Seal the canary with the first key: whoever seals from now on has to have it."""
    await tx.execute(update(sealing_canary).values(sealed=sealer.seal(_PURPOSE, _CANARY)))


def _there(sealed: bytes | None, place: Place) -> bytes:
    if sealed is None:
        raise ConfigError(f"{place.label} has lost its canary", way_out="restore a backup")
    return sealed


def _prove(sealer: Sealer, sealed: bytes, *, place: Place, source: str) -> None:
    try:
        sealer.open(_PURPOSE, sealed)
    except ConfigError:
        raise ConfigError(
            f"the sealing keys of {source} are not those {place.label} was sealed with",
            way_out="give the key it was made with; several may be given, the newest first",
        ) from None
