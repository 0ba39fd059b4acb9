"""Rotating the sealing keys, on both engines, with others at work in the database."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager

import pytest
from sqlalchemy import LargeBinary, update

from adept.errors import ConfigError
from adept.store import keypairs, tables, tokens
from adept.store.apple_sessions import find_session, replace_session, seal_session
from adept.store.audit import ADEPT, audit_entries
from adept.store.database import Store, open_store
from adept.store.keypairs import StoredKeypair
from adept.store.rotation import BATCH, rotate
from adept.store.sealed import SEALED
from adept.store.sealing import new_key
from tests.store.examples import NOW, an_account

Opened = Callable[[list[str]], AbstractAsyncContextManager[Store]]


@pytest.fixture
def opened(database_url: str) -> Opened:
    """Open the database with a list of keys that is read again when they fail, as a file is."""
    return lambda keys: open_store(database_url, secret_keys=lambda: keys, data_dir=None, migrate=False)


@pytest.fixture
async def bystander(opened: Opened, secret_key: str) -> AsyncIterator[tuple[Store, list[str]]]:
    """Another process that runs all the while, and its file of keys."""
    keys = [secret_key]
    async with opened(keys) as store:
        yield store, keys


async def keep_secrets(store: Store, count: int) -> None:
    async with store.writing(durable=True) as tx:
        account = await an_account(tx)
        for number in range(count):
            await keypairs.add_keypair(
                tx, account, f"KEY {number}".encode(), None, state="retired", sealer=store.sealer, now=NOW
            )
        await tokens.add_token(
            tx,
            account.id,
            b"{}",
            state="active",
            keypair_id=None,
            expires_at=NOW,
            consumer_key_hash="a" * 64,
            sealer=store.sealer,
            now=NOW,
        )


async def pairs_of(store: Store) -> list[StoredKeypair]:
    async with store.reading() as tx:
        return await keypairs.keypairs_of(tx, 1)


def test_every_sealed_column_is_known_to_the_rotation():
    otherwise = (tables.sealing_canary, tables.apple_sessions)  # the canary comes after all; sessions are forgotten
    found = {
        column
        for table in tables.metadata.sorted_tables
        for column in table.columns
        if isinstance(column.type, LargeBinary) and "sealed" in column.name and table not in otherwise
    }
    assert {sealed.column for sealed in SEALED} == found


async def test_everything_is_sealed_anew_and_the_old_key_can_go(
    opened: Opened, bystander: tuple[Store, list[str]], secret_key: str
):
    running, its_keys = bystander
    await keep_secrets(running, BATCH + 20)
    async with running.writing() as tx:
        sealed = seal_session(running.sealer, 1, "https://apple.example", "session")
        await replace_session(tx, 1, sealed, version=0, now=NOW)
    key = new_key()
    its_keys[:] = [key, secret_key]
    async with opened([key, secret_key]) as store:
        told: list[int] = []
        rotated = await rotate(store, by=ADEPT, now=lambda: NOW, on_resealed=told.append)
        assert (rotated.resealed, rotated.unopened) == (BATCH + 21, ())
        assert told[-1] == BATCH + 21
        assert (await rotate(store, by=ADEPT, now=lambda: NOW)).resealed == 0
        async with store.reading() as tx:
            (*_, entry) = await audit_entries(tx, limit=10)
            assert await find_session(tx, 1) is None
        assert (entry.act, entry.after) == ("secrets.rotated", f'{{"resealed":{BATCH + 21},"unopened":0}}')
    its_keys[:] = [key]
    assert keypairs.private_key((await pairs_of(running))[0], running.sealer) == f"KEY {BATCH + 19}".encode()
    async with opened([key]) as store:
        assert sorted(keypairs.private_key(pair, store.sealer) for pair in await pairs_of(store)) == sorted(
            f"KEY {number}".encode() for number in range(BATCH + 20)
        )


async def test_a_process_that_was_there_before_seals_with_the_new_key_from_then_on(
    opened: Opened, bystander: tuple[Store, list[str]], secret_key: str
):
    running, its_keys = bystander
    key = new_key()
    its_keys[:] = [key, secret_key]
    async with opened([key, secret_key]) as store:
        await rotate(store, by=ADEPT, now=lambda: NOW)
    await keep_secrets(running, 1)
    async with opened([key]) as store:
        assert [keypairs.private_key(pair, store.sealer) for pair in await pairs_of(store)] == [b"KEY 0"]


async def test_a_process_whose_keys_can_not_be_read_again_stores_no_secret_with_the_old_one(
    store: Store, opened: Opened, secret_key: str
):
    async with opened([new_key(), secret_key]) as other:
        await rotate(other, by=ADEPT, now=lambda: NOW)
    with pytest.raises(ConfigError, match="the sealing keys of this process are not those"):
        await keep_secrets(store, 1)


async def test_what_no_key_opens_is_left_and_told(opened: Opened, store: Store, secret_key: str):
    await keep_secrets(store, 2)
    stranger = b"gAAAAA-nobody-sealed-this"
    async with store.writing() as tx:
        await tx.execute(update(tables.keypairs).where(tables.keypairs.c.id == 2).values(private_key_sealed=stranger))
    async with opened([new_key(), secret_key]) as other:
        rotated = await rotate(other, by=ADEPT, now=lambda: NOW)
    assert (rotated.resealed, rotated.unopened) == (2, ("keypairs 2",))
    assert (await pairs_of(store))[0].private_key_sealed == stranger
