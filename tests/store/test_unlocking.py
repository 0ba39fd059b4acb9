"""Sealing keys at the start: made once for an empty SQLite store, and never replaced by a new one in silence."""

import asyncio
import os
import stat
import subprocess
import sys
from contextlib import AbstractAsyncContextManager
from pathlib import Path

import pytest
from sqlalchemy import delete

from adept.errors import ConfigError
from adept.store import keypairs, tables
from adept.store.database import Store, open_store
from adept.store.sealing import new_key
from tests.store.examples import NOW, an_account

ROOT = Path(__file__).parents[2]
FOREIGN = "Zm9yZWlnbiBmb3JlaWduIGZvcmVpZ24gZm9yZWlnbiA="


async def seal_something(url: str, keys: list[str] | None, data_dir: Path | None = None) -> bytes:
    """Keep a keypair in the store, and return it as a later start finds it."""
    async with opened(url, keys, data_dir) as store, store.writing(durable=True) as tx:
        account = await an_account(tx)
        await keypairs.add_keypair(tx, account, b"KEY", None, state="staged", sealer=store.sealer, now=NOW)
    return await what_is_sealed(url, keys, data_dir)


async def what_is_sealed(url: str, keys: list[str] | None, data_dir: Path | None = None) -> bytes:
    async with opened(url, keys, data_dir) as store, store.reading() as tx:
        (pair,) = await keypairs.keypairs_of(tx, 1)
        return keypairs.private_key(pair, store.sealer)


def opened(url: str, keys: list[str] | None, data_dir: Path | None = None) -> AbstractAsyncContextManager[Store]:
    return open_store(url, secret_keys=keys, data_dir=data_dir, migrate=True)


async def refused(url: str, keys: list[str] | None, data_dir: Path | None = None) -> str:
    with pytest.raises(ConfigError) as caught:
        async with opened(url, keys, data_dir):
            pass
    return str(caught.value)


@pytest.fixture
def url(tmp_path: Path) -> str:
    """A SQLite store that is not there yet."""
    return f"sqlite:///{tmp_path / 'adept.sqlite3'}"


async def test_an_empty_sqlite_store_without_keys_is_given_a_key_file_that_works_ever_after(url: str, tmp_path: Path):
    assert await seal_something(url, None) == b"KEY"
    assert await what_is_sealed(url, None) == b"KEY"
    assert (tmp_path / "secret.key").stat().st_size == 45


async def test_key_file_and_database_are_private(url: str, tmp_path: Path):
    async with opened(url, None):
        modes = {name: stat.S_IMODE(os.stat(tmp_path / name).st_mode) for name in os.listdir(tmp_path)}
    assert set(modes) >= {"secret.key", "adept.sqlite3"}
    assert set(modes.values()) == {0o600}


async def test_the_key_file_is_in_the_data_directory(url: str, tmp_path: Path):
    data_dir = tmp_path / "elsewhere" / "data"
    assert await seal_something(url, None, data_dir) == b"KEY"
    assert (data_dir / "secret.key").exists()
    assert not (tmp_path / "secret.key").exists()


async def test_a_key_file_that_is_there_before_the_first_start_is_used_as_it_is(url: str, tmp_path: Path):
    key = new_key()
    (tmp_path / "secret.key").write_text(f"{key}\n")
    assert await seal_something(url, None) == b"KEY"
    assert (tmp_path / "secret.key").read_text() == f"{key}\n"
    assert await what_is_sealed(url, [key]) == b"KEY"


async def test_a_lost_key_file_stops_the_start_and_is_not_made_again(url: str, tmp_path: Path):
    await seal_something(url, None)
    kept = (tmp_path / "secret.key").read_text()
    (tmp_path / "secret.key").unlink()
    told = await refused(url, None)
    assert f"the key file {tmp_path / 'secret.key'} is missing" in told
    assert not (tmp_path / "secret.key").exists()
    assert await what_is_sealed(url, [kept.strip()]) == b"KEY"


async def test_a_foreign_key_file_stops_the_start(url: str, tmp_path: Path):
    await seal_something(url, None)
    (tmp_path / "secret.key").write_text(FOREIGN)
    told = await refused(url, None)
    assert f"the sealing keys of {tmp_path / 'secret.key'} are not those" in told
    assert FOREIGN not in told


@pytest.mark.parametrize("content", [b"", b"\n", b"not a key\n", b"\xff\xfe\x00"])
async def test_a_key_file_that_holds_no_key_stops_the_start_and_is_left_alone(url: str, tmp_path: Path, content: bytes):
    (tmp_path / "secret.key").write_bytes(content)
    assert str(tmp_path / "secret.key") in await refused(url, None)
    assert (tmp_path / "secret.key").read_bytes() == content


async def test_a_key_file_that_can_not_be_read_stops_the_start(url: str, tmp_path: Path):
    await seal_something(url, None)
    (tmp_path / "secret.key").unlink()
    (tmp_path / "secret.key").mkdir()
    assert "can't be read" in await refused(url, None)


async def test_keys_given_are_used_and_no_file_is_made(empty_database_url: str, secret_key: str, tmp_path: Path):
    assert await seal_something(empty_database_url, [secret_key]) == b"KEY"
    assert not (tmp_path / "secret.key").exists()


async def test_foreign_keys_stop_the_start(database_url: str, secret_key: str):
    told = await refused(database_url, [FOREIGN])
    assert "the sealing keys of ADEPT_SECRET_KEYS are not those" in told
    assert FOREIGN not in told
    async with opened(database_url, [secret_key]):
        pass


async def test_the_old_key_may_come_second(database_url: str, secret_key: str):
    assert await seal_something(database_url, [FOREIGN, secret_key]) == b"KEY"
    assert await what_is_sealed(database_url, [secret_key, FOREIGN]) == b"KEY"


@pytest.mark.parametrize("engine_name", ["postgresql"], indirect=True)
@pytest.mark.parametrize("keys", [None, []])
async def test_postgresql_demands_its_keys(empty_database_url: str, keys: list[str] | None):
    assert "PostgreSQL needs the sealing keys given" in await refused(empty_database_url, keys)


async def test_secrets_without_a_canary_stop_the_start(database_url: str, secret_key: str):
    await seal_something(database_url, [secret_key])
    async with opened(database_url, [secret_key]) as store, store.writing() as tx:
        await tx.execute(delete(tables.sealing_canary))
    assert "holds sealed secrets but no canary" in await refused(database_url, [FOREIGN])


async def test_first_starts_at_once_agree_on_one_key(url: str):
    async def start() -> Store:
        async with opened(url, None) as store:
            return store

    sealers = [store.sealer for store in await asyncio.gather(*(start() for _ in range(5)))]
    sealed = sealers[0].seal("canary", b"one")
    assert [sealer.open("canary", sealed) for sealer in sealers] == [b"one"] * 5


def test_first_starts_of_processes_at_once_agree_on_one_key(url: str, tmp_path: Path):
    program = [sys.executable, "-m", "tests.store.starter", url, ""]
    starters = [subprocess.Popen(program, cwd=ROOT, stdout=subprocess.PIPE, text=True) for _ in range(3)]
    assert [starter.communicate(timeout=60)[0] for starter in starters] == ["opened\n"] * 3
    assert os.listdir(tmp_path).count("secret.key") == 1
