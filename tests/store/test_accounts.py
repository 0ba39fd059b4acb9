"""Accounts, on both engines."""

import pytest

from adept.errors import Misuse
from adept.store import accounts
from adept.store.database import Store
from tests.store.examples import NOW, an_account


async def test_a_new_account_is_due_at_once_and_has_no_token(store: Store):
    async with store.writing() as tx:
        account = await accounts.add_account(tx, "hq", "https://x", NOW)
    assert (account.name, account.base_url, account.created_at) == ("hq", "https://x", NOW)
    assert (account.health, account.phase, account.cursor, account.paused) == ("no_token", "fetch", None, False)
    assert (account.next_sync_at, account.lease_epoch, account.failures) == (NOW, 0, 0)


async def test_a_name_is_found_in_any_case_and_with_blanks_around(store: Store):
    async with store.writing() as tx:
        account = await an_account(tx, " HQ-1 ")
        assert account.name == "hq-1"
        assert await accounts.account_named(tx, "Hq-1 ") == account


async def test_a_name_is_taken_in_any_case(store: Store):
    async with store.writing() as tx:
        account = await an_account(tx, "hq")
        with pytest.raises(Misuse, match="already an account 'hq'"):
            await an_account(tx, "HQ")
        assert await accounts.all_accounts(tx) == [account]  # and the transaction goes on


@pytest.mark.parametrize("name", ["a", "0", "a.b_c-d", "x" * 64])
def test_names_that_can_be(name: str):
    assert accounts.read_name(name) == name


@pytest.mark.parametrize("name", ["", " ", "-a", ".a", "_a", "a b", "a/b", "ä", "x" * 65, "a\n", "a\x00b", "../a"])
def test_names_that_can_not_be_are_named_with_what_can(name: str):
    if name == "a\n":
        assert accounts.read_name(name) == "a"
        return
    with pytest.raises(Misuse, match="can't be an account's name"):
        accounts.read_name(name)


async def test_an_unknown_account_is_told_with_those_there_are(store: Store):
    async with store.writing() as tx:
        with pytest.raises(Misuse, match="no account 'x'; add one with: adept accounts add NAME"):
            await accounts.account_named(tx, "x")
        for number in range(10):
            await an_account(tx, f"a{number}")
        with pytest.raises(Misuse, match=r"known are a0, a1, .* a9$"):
            await accounts.account_named(tx, "x")
        await an_account(tx, "b")
        with pytest.raises(Misuse, match=r"a9 and more$"):
            await accounts.account_named(tx, "x")


async def test_accounts_are_listed_by_name_and_counted(store: Store):
    async with store.writing() as tx:
        for name in ("b", "a", "c"):
            await an_account(tx, name)
        assert [account.name for account in await accounts.all_accounts(tx)] == ["a", "b", "c"]
        assert await accounts.count_accounts(tx) == 3


async def test_an_account_is_found_by_its_id_until_it_is_removed(store: Store):
    async with store.writing() as tx:
        account = await an_account(tx)
        assert await accounts.account_by_id(tx, account.id) == account
        await accounts.delete_account(tx, account.id, NOW)
        assert await accounts.account_by_id(tx, account.id) is None


async def test_updating_sets_the_columns_named_and_no_others(store: Store):
    cursor = "c" * 1000
    async with store.writing() as tx:
        account, other = await an_account(tx), await an_account(tx, "other")
        await accounts.update_account(tx, account.id, cursor=cursor, cursor_at=NOW, phase="sync", strikes=2)
        found = await accounts.account_named(tx, "hq")
        assert await accounts.account_named(tx, "other") == other
    assert (found.cursor, found.cursor_at, found.phase, found.strikes) == (cursor, NOW, "sync", 2)
    assert (found.name, found.health_since) == (account.name, account.health_since)


async def test_updating_a_removed_account_is_told(store: Store):
    async with store.writing() as tx:
        with pytest.raises(Misuse, match="removed meanwhile"):
            await accounts.update_account(tx, 404, strikes=1)


async def test_failures_are_counted_up(store: Store):
    async with store.writing() as tx:
        account = await an_account(tx)
        assert [await accounts.add_failure(tx, account.id) for _ in range(3)] == [1, 2, 3]
