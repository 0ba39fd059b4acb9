"""`adept secrets rotate` while `adept serve` runs, killed in the middle, and the old key gone afterwards."""

from __future__ import annotations

import signal
import subprocess
import time
from pathlib import Path

import pytest
from sqlalchemy import insert, select

from adept.simulator.running import Running
from adept.store import tables
from adept.store.accounts import account_named
from adept.store.database import Store, open_store
from adept.store.keypairs import keypairs_of, private_key
from adept.store.sealing import new_key
from tests.acceptance.service import serving
from tests.acceptance.test_service_background import Operator, key, now, operating  # noqa: F401  # a fixture
from tests.cli.conftest import ADEPT, process_environment

SECRETS = 3000


@pytest.fixture
def key_file(tmp_path: Path, secret_key: str) -> Path:
    file = tmp_path / "adept.keys"
    file.write_text(f"{secret_key}\n")
    return file


@pytest.fixture
def environment(database_url: str, key_file: Path, tmp_path: Path) -> dict[str, str]:
    return {
        "ADEPT_DATABASE_URL": database_url,
        "ADEPT_SECRET_KEYS_FILE": str(key_file),
        "ADEPT_DATA_DIR": str(tmp_path / "data"),
        "ADEPT_ALLOW_PRIVATE_ADDRESSES": "true",
    }


def write_keys(key_file: Path, *keys: str) -> None:
    key_file.write_text("".join(f"{one}\n" for one in keys))


async def keep_many_secrets(store: Store) -> None:
    """As many keypairs of accounts that were removed."""
    rows = [
        {
            "id": number,
            "account_name": "gone",
            "state": "retired",
            "private_key_sealed": store.sealer.seal(f"keypair:{number}", b"KEY"),
            "created_at": now(),
        }
        for number in range(1000, 1000 + SECRETS)
    ]
    async with store.writing() as tx:
        await tx.execute(insert(tables.keypairs), rows)


async def still_as_in(store: Store, before: set[bytes]) -> int:
    """How many secrets are sealed as they were."""
    async with store.reading() as tx:
        return len(before & set((await tx.execute(select(tables.keypairs.c.private_key_sealed))).scalars()))


def rotating(environment: dict[str, str]) -> subprocess.Popen[bytes]:
    command = [str(ADEPT), "secrets", "rotate"]
    return subprocess.Popen(command, env=process_environment(environment), stdout=subprocess.PIPE)


def assert_all_is_well(operator: Operator) -> None:
    """The service reads the account's token for a pass, and seals the keys that it makes."""
    assert operator.end_of(operator.ask("hq"))["state"] == "done"
    assert operator.http.get("/accounts/hq/certificate").status_code == 200
    assert operator.http.get(f"{str(operator.http.base_url).partition('/api')[0]}/readyz").status_code == 200


async def test_keys_are_rotated_beside_a_service_and_after_a_kill(
    store: Store,
    key: str,  # noqa: F811
    key_file: Path,
    secret_key: str,
    environment: dict[str, str],
    database_url: str,
    dep_simulator: Running,
    tmp_path: Path,
) -> None:
    await keep_many_secrets(store)
    async with store.reading() as tx:
        before = set((await tx.execute(select(tables.keypairs.c.private_key_sealed))).scalars())
    with serving(environment, log_file=tmp_path / "log") as service, operating(service, key) as operator:
        operator.add("hq", dep_simulator)
        assert operator.end_of(operator.ask("hq"))["state"] == "done"

        new = new_key()
        write_keys(key_file, new, secret_key)
        killed = rotating(environment)
        deadline = time.monotonic() + 60
        while await still_as_in(store, before) == SECRETS:
            assert time.monotonic() < deadline
        killed.send_signal(signal.SIGKILL)
        killed.communicate()
        assert 0 < await still_as_in(store, before) < SECRETS
        assert_all_is_well(operator)

        whole = rotating(environment)
        said, _ = whole.communicate(timeout=120)
        assert whole.returncode == 0
        assert b"Nothing is sealed with an old key any more" in said
        assert await still_as_in(store, before) == 0
        write_keys(key_file, new)
        operator.add("branch", dep_simulator)
        assert operator.http.get("/accounts/branch/certificate").status_code == 200
        assert_all_is_well(operator)

    only_new = open_store(database_url, secret_keys=[new], data_dir=None, migrate=False)
    async with only_new as later, later.reading() as tx:
        for name in ("hq", "branch"):
            pairs = await keypairs_of(tx, (await account_named(tx, name)).id)
            assert [private_key(pair, later.sealer)[:10] for pair in pairs] == [b"-----BEGIN"]
