"""Proving the sealing keys at a start: a canary sealed at the first start must open at every later one.

A key is made for a SQLite store that is still empty, and never again: a lost key stops the start with a sentence.
"""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import exists, select
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from adept.errors import ConfigError
from adept.store import files
from adept.store.dialects import insert_into
from adept.store.engines import Begin
from adept.store.places import Place
from adept.store.sealing import Sealer, new_key, read_keys
from adept.store.tables import keypairs, sealing_canary, server_tokens

KEY_FILE = "secret.key"
_PURPOSE = "canary"
_CANARY = b"adept"


async def unlock(place: Place, engine: AsyncEngine, *, keys: list[bytes] | None, data_dir: Path | None) -> Sealer:
    """The sealer for this database, proved; ConfigError where the keys are missing, lost or another's."""
    key_file = None if place.file is None else (data_dir or place.file.parent) / KEY_FILE
    if keys is None and key_file is None:
        raise ConfigError(
            "PostgreSQL needs the sealing keys given, ADEPT_SECRET_KEYS is empty",
            way_out="make one with: openssl rand -base64 32",
        )
    async with engine.connect() as connection:
        sealed = await _read_canary(connection)
    if sealed is None:
        sealed = await _first_start(place, engine, keys=keys, key_file=key_file)
    sealer = Sealer(keys or _read_key_file(place, key_file))
    _prove(sealer, sealed, place=place, source="ADEPT_SECRET_KEYS" if keys else str(key_file))
    return sealer


async def _first_start(place: Place, engine: AsyncEngine, *, keys: list[bytes] | None, key_file: Path | None) -> bytes:
    """Seal the canary, with a key made here where none is given; of several first starts at once only one does."""
    async with engine.connect() as connection:
        await connection.execution_options(begin=Begin.DURABLE)
        async with connection.begin():
            sealed = await _read_canary(connection)
            if sealed is not None:
                return sealed
            await _refuse_secrets_without_canary(connection, place)
            if keys is None and key_file is not None:
                _make_key_file(key_file)
            sealed = Sealer(keys or _read_key_file(place, key_file)).seal(_PURPOSE, _CANARY)
            return await _put_canary(connection, sealed)


async def _read_canary(connection: AsyncConnection) -> bytes | None:
    """The sealed canary, None before the first start."""
    found: bytes | None = (await connection.execute(select(sealing_canary.c.sealed))).scalar_one_or_none()
    return found


async def _put_canary(connection: AsyncConnection, sealed: bytes) -> bytes:
    """Insert the canary; whichever is in the table afterwards is the one that counts."""
    insert = insert_into(sealing_canary, connection)
    await connection.execute(insert.values(only=1, sealed=sealed).on_conflict_do_nothing())
    return await _read_canary(connection) or sealed


async def _refuse_secrets_without_canary(connection: AsyncConnection, place: Place) -> None:
    """A database with secrets and no canary was tampered with: no key may be made for it."""
    holds = select(exists(select(keypairs.c.id)) | exists(select(server_tokens.c.id)))
    if (await connection.execute(holds)).scalar_one():
        raise ConfigError(f"{place.label} holds sealed secrets but no canary", way_out="restore a backup")


def _make_key_file(key_file: Path) -> None:
    with files.refused_as_config_error():
        files.make_directory(key_file.parent)
        files.write_new(key_file, f"{new_key()}\n".encode())


def _read_key_file(place: Place, key_file: Path | None) -> list[bytes]:
    assert key_file is not None
    try:
        text = key_file.read_text("ascii")
    except FileNotFoundError:
        raise ConfigError(
            f"the key file {key_file} is missing, and what is sealed in {place.label} can't be opened without it",
            way_out="put it back from where it is kept, or give its content as ADEPT_SECRET_KEYS",
        ) from None
    except UnicodeDecodeError:
        raise ConfigError(f"{key_file} is not a key file", way_out="put the right one back") from None
    except OSError as error:
        raise ConfigError(f"the key file {key_file} can't be read: {error.strerror}") from error
    return read_keys(text.splitlines(), source=str(key_file))


async def prove_keys(connection: AsyncConnection, sealer: Sealer, *, place: Place) -> None:
    """ConfigError where the sealer can't open what the database's secrets are sealed with."""
    sealed = await _read_canary(connection)
    if sealed is None:
        raise ConfigError(f"{place.label} has lost its canary", way_out="restore a backup")
    _prove(sealer, sealed, place=place, source="this process")


def _prove(sealer: Sealer, sealed: bytes, *, place: Place, source: str) -> None:
    try:
        sealer.open(_PURPOSE, sealed)
    except ConfigError:
        raise ConfigError(
            f"the sealing keys of {source} are not those {place.label} was sealed with",
            way_out="give the key it was made with; several may be given, the newest first",
        ) from None
