"""The lease on an account, on both engines, with claimers in tasks and in processes of their own."""

import asyncio
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest

from adept.errors import StoreError
from adept.store import accounts, leases
from adept.store.accounts import StoredAccount
from adept.store.database import Store, open_store
from tests.store.examples import NOW, an_account

LEASE_S = 30.0
EXPIRED_S = -1.0  # a lease that has run out the moment it is taken, on either engine's clock
ROOT = Path(__file__).parents[2]


@pytest.fixture
async def account(store: Store) -> StoredAccount:
    async with store.writing() as tx:
        return await an_account(tx)


async def claim(store: Store, account: StoredAccount, *, at=NOW, lease_s: float = LEASE_S, due_only: bool = False):
    async with store.writing() as tx:
        return await leases.claim(tx, account.id, now=at, holder="me", lease_s=lease_s, due_only=due_only)


async def fence(store: Store, account: StoredAccount, epoch: int) -> bool:
    async with store.writing() as tx:
        return await leases.fence(tx, account.id, epoch, now=NOW)


async def stored(store: Store, account: StoredAccount) -> StoredAccount:
    async with store.reading() as tx:
        return await accounts.account_named(tx, account.name)


async def test_a_free_account_is_claimed_once(store: Store, account: StoredAccount):
    assert await claim(store, account) == 1
    assert await claim(store, account) is None
    found = await stored(store, account)
    assert (found.lease_epoch, found.lease_holder) == (1, "me")
    assert found.lease_until is not None


async def test_a_released_account_is_claimed_again_with_the_next_epoch(store: Store, account: StoredAccount):
    async with store.writing() as tx:
        epoch = await leases.claim(tx, account.id, now=NOW, holder="me", lease_s=LEASE_S)
        assert epoch is not None
        await leases.release(tx, account.id, epoch)
    assert (await stored(store, account)).lease_holder is None
    assert await claim(store, account) == 2


async def test_a_lease_that_ran_out_is_taken_over_and_its_walker_is_fenced_off(store: Store, account: StoredAccount):
    assert await claim(store, account, lease_s=EXPIRED_S) == 1
    assert await fence(store, account, 1)  # nobody took it: still ours
    assert await claim(store, account) == 2
    assert not await fence(store, account, 1)
    assert await fence(store, account, 2)


async def test_renewing_keeps_others_out(store: Store, account: StoredAccount):
    assert await claim(store, account, lease_s=EXPIRED_S) == 1
    async with store.writing() as tx:
        assert await leases.renew(tx, account.id, 1, now=NOW, lease_s=LEASE_S)
    assert await claim(store, account) is None


async def test_a_lost_lease_is_neither_renewed_nor_released(store: Store, account: StoredAccount):
    await claim(store, account, lease_s=EXPIRED_S)
    await claim(store, account)
    before = await stored(store, account)
    async with store.writing() as tx:
        assert not await leases.renew(tx, account.id, 1, now=NOW + timedelta(days=1), lease_s=LEASE_S)
        await leases.release(tx, account.id, 1)
    assert await stored(store, account) == before


async def test_a_renewal_that_comes_after_the_release_does_not_bring_the_lease_back(
    store: Store, account: StoredAccount
):
    await claim(store, account)
    async with store.writing() as tx:
        await leases.release(tx, account.id, 1)
        assert not await leases.renew(tx, account.id, 1, now=NOW, lease_s=LEASE_S)
        assert not await leases.fence(tx, account.id, 1, now=NOW)
    assert (await stored(store, account)).lease_until is None


async def test_a_bump_ends_the_walker_at_once(store: Store, account: StoredAccount):
    assert await claim(store, account) == 1
    async with store.writing() as tx:
        await leases.bump(tx, account.id)
    assert not await fence(store, account, 1)
    assert await claim(store, account) == 3


async def test_an_account_that_was_removed_has_no_lease(store: Store, account: StoredAccount):
    async with store.writing() as tx:
        await accounts.delete_account(tx, account.id, NOW)
    assert await claim(store, account) is None
    assert not await fence(store, account, 0)


async def test_an_account_made_after_a_removal_is_not_taken_for_it(store: Store, account: StoredAccount):
    assert await claim(store, account) == 1
    async with store.writing() as tx:
        await accounts.delete_account(tx, account.id, NOW)
        again = await an_account(tx)
    assert await claim(store, again) == 1
    assert not await fence(store, account, 1)


@pytest.mark.parametrize(
    ("columns", "won"),
    [
        ({}, True),
        ({"next_sync_at": NOW - timedelta(seconds=1)}, True),
        ({"next_sync_at": NOW + timedelta(seconds=1)}, False),
        ({"paused": True}, False),
    ],
)
async def test_who_claims_what_is_due_gets_neither_what_is_not_yet_nor_what_is_paused(
    store: Store, account: StoredAccount, columns: dict[str, object], won: bool
):
    if columns:
        async with store.writing() as tx:
            await accounts.update_account(tx, account.id, **columns)
    assert (await claim(store, account, due_only=True) == 1) is won
    assert (await claim(store, account) is None) is won


@pytest.mark.parametrize("engine_name", ["sqlite"], indirect=True)
async def test_on_sqlite_a_lease_runs_out_by_the_time_given(store: Store, account: StoredAccount):
    assert await claim(store, account) == 1
    assert await claim(store, account, at=NOW + timedelta(seconds=LEASE_S)) is None
    assert await claim(store, account, at=NOW + timedelta(seconds=LEASE_S + 1)) == 2


@pytest.mark.parametrize("engine_name", ["postgresql"], indirect=True)
async def test_on_postgresql_a_lease_runs_out_by_the_databases_clock(store: Store, account: StoredAccount):
    assert await claim(store, account, at=NOW - timedelta(days=9999)) == 1
    assert await claim(store, account, at=NOW + timedelta(days=9999)) is None


async def test_of_tasks_that_claim_at_once_exactly_one_wins(store: Store, account: StoredAccount):
    for round_ in range(1, 6):
        found = await asyncio.gather(*(claim(store, account, lease_s=LEASE_S) for _ in range(10)))
        assert sorted(epoch for epoch in found if epoch is not None) == [round_]
        async with store.writing() as tx:
            await leases.release(tx, account.id, round_)


async def test_of_processes_that_claim_at_once_exactly_one_wins(
    store: Store, account: StoredAccount, database_url: str, secret_key: str
):
    program = [sys.executable, "-m", "tests.store.claimer", database_url, secret_key, str(account.id)]
    claimers = [
        await asyncio.create_subprocess_exec(*program, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        for _ in range(3)
    ]
    for claimer in claimers:
        assert await tells(claimer) == "ready"
    for round_ in range(1, 11):
        for claimer in claimers:
            say(claimer, NOW.isoformat())
        found = [await tells(claimer) for claimer in claimers]
        assert sorted(found) == sorted([str(round_), "None", "None"])
        async with store.writing() as tx:
            await leases.release(tx, account.id, round_)
    for claimer in claimers:
        assert claimer.stdin is not None
        claimer.stdin.close()
        assert await claimer.wait() == 0


def say(claimer: asyncio.subprocess.Process, line: str) -> None:
    assert claimer.stdin is not None
    claimer.stdin.write(f"{line}\n".encode())


async def tells(claimer: asyncio.subprocess.Process) -> str:
    assert claimer.stdout is not None
    async with asyncio.timeout(60):
        return (await claimer.stdout.readline()).decode().strip()


async def test_nobody_takes_the_lease_between_the_fence_and_the_commit(
    store: Store, account: StoredAccount, database_url: str, secret_key: str
):
    assert await claim(store, account, lease_s=EXPIRED_S) == 1
    keys = [secret_key]
    async with (
        open_store(database_url, secret_keys=keys, data_dir=None, migrate=False, busy_timeout_s=0.3) as other,
        store.writing() as tx,
    ):
        assert await leases.fence(tx, account.id, 1, now=NOW)
        with pytest.raises(StoreError, match="locked"):
            await claim(other, account)
        await accounts.update_account(tx, account.id, cursor="c")
    assert (await stored(store, account)).cursor == "c"
    assert await claim(store, account) == 2
