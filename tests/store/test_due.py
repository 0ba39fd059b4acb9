"""Which accounts are due, on both engines."""

from __future__ import annotations

from datetime import timedelta

from adept.store import accounts, leases, passes
from adept.store import tokens as token_rows
from adept.store.accounts import StoredAccount
from adept.store.database import Store, Transaction
from adept.store.due import due_accounts
from tests.store.examples import NOW, an_account

SECOND = timedelta(seconds=1)


async def with_token(tx: Transaction, store: Store, name: str, state: str = "active", **columns: object):
    account = await an_account(tx, name)
    token = {"state": state, "keypair_id": None, "expires_at": None, "consumer_key_hash": "0"}
    await token_rows.add_token(tx, account.id, b"{}", sealer=store.sealer, now=NOW, **token)  # type: ignore[arg-type] # strings all
    if columns:
        await accounts.update_account(tx, account.id, **columns)
    return account


async def names(tx: Transaction, *, limit: int = 10) -> list[str]:
    return [account.name for account in await due_accounts(tx, NOW, limit=limit)]


async def test_due_are_those_whose_time_has_come_that_nobody_walks_the_longest_due_first(store: Store):
    async with store.writing() as tx:
        await with_token(tx, store, "now")
        long = await with_token(tx, store, "long", next_sync_at=NOW - timedelta(days=1))
        await with_token(tx, store, "later", next_sync_at=NOW + SECOND)
        await with_token(tx, store, "paused", paused=True)
        await with_token(tx, store, "walked", lease_until=NOW + SECOND)
        await with_token(tx, store, "left", lease_until=NOW - SECOND)
        assert await names(tx) == ["long", "now", "left"]
        assert await names(tx, limit=1) == ["long"]
        assert await leases.claim(tx, long.id, now=NOW, holder="me", lease_s=30, due_only=True) == 1


async def test_due_is_also_what_apple_is_to_be_asked_of_alone(store: Store):
    async with store.writing() as tx:
        later = NOW + SECOND
        probed = await with_token(tx, store, "probed", next_sync_at=later, next_probe_at=NOW)
        await with_token(tx, store, "notyet", next_sync_at=later, next_probe_at=later)
        assert await names(tx) == ["probed"]
        assert await leases.claim(tx, probed.id, now=NOW, holder="me", lease_s=30, due_only=True) == 1


async def test_an_account_without_a_token_is_never_due_and_one_with_a_candidate_is(store: Store):
    async with store.writing() as tx:
        await an_account(tx, "bare")
        await with_token(tx, store, "ended", "retired")
        await with_token(tx, store, "waiting", "candidate")
        assert await names(tx) == ["waiting"]


async def test_what_somebody_asked_for_comes_first(store: Store):
    async with store.writing() as tx:
        await with_token(tx, store, "long", next_sync_at=NOW - timedelta(days=1))
        asked: StoredAccount = await with_token(tx, store, "asked")
        await passes.queue_pass(tx, asked.id, kind="sync", requested_by="ann", now=NOW)
        assert await names(tx) == ["asked", "long"]


async def test_those_that_failed_and_the_others_do_not_crowd_each_other_out(store: Store):
    async with store.writing() as tx:
        for number in range(4):
            await with_token(tx, store, f"ill{number}", failures=1, next_sync_at=NOW - timedelta(days=2))
            await with_token(tx, store, f"well{number}", next_sync_at=NOW - timedelta(days=1))
        found = await due_accounts(tx, NOW, limit=2)
        assert [(account.name, account.is_failing) for account in found] == [
            ("ill0", True),
            ("ill1", True),
            ("well0", False),
            ("well1", False),
        ]
