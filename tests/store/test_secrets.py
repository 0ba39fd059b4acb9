"""Keypairs and server tokens, on both engines."""

import logging
from datetime import timedelta

import pytest
from sqlalchemy import select, update
from sqlalchemy.exc import IntegrityError

from adept.errors import ConfigError
from adept.store import accounts, devices, keypairs, tables, tokens
from adept.store.database import Store, open_store
from adept.store.sealing import Sealer
from tests.store.examples import NOW, an_account, device_row

LATER = NOW + timedelta(hours=1)


async def a_keypair(tx, store: Store, account, *, state: str = "staged", key: bytes = b"KEY"):
    return await keypairs.add_keypair(tx, account, key, "CERT", state=state, sealer=store.sealer, now=NOW)


async def a_token(tx, store: Store, account, *, state: str = "active", json: bytes = b'{"a":1}', **columns):
    given = {"keypair_id": None, "expires_at": LATER, "consumer_key_hash": "0" * 64} | columns
    return await tokens.add_token(tx, account.id, json, state=state, sealer=store.sealer, now=NOW, **given)


async def test_a_private_key_is_sealed_in_the_table_and_opens(store: Store):
    async with store.writing(durable=True) as tx:
        account = await an_account(tx)
        pair = await a_keypair(tx, store, account)
        sealed = (await tx.execute(select(tables.keypairs.c.private_key_sealed))).scalar_one()
    assert b"KEY" not in sealed
    assert keypairs.private_key(pair, store.sealer) == b"KEY"
    assert "private_key_sealed" not in repr(pair)


async def test_a_private_key_moved_to_another_row_does_not_open(store: Store):
    async with store.writing() as tx:
        account = await an_account(tx)
        mine = await a_keypair(tx, store, account, state="active", key=b"MINE")
        await a_keypair(tx, store, account, key=b"THEIRS")
        await tx.execute(update(tables.keypairs).values(private_key_sealed=mine.private_key_sealed))
        theirs, again = await keypairs.keypairs_of(tx, account.id)
    assert keypairs.private_key(again, store.sealer) == b"MINE"
    with pytest.raises(ConfigError, match=f"sealed for keypair:{theirs.id}"):
        keypairs.private_key(theirs, store.sealer)


async def test_a_lost_key_of_ours_is_told_when_a_secret_is_opened(store: Store):
    async with store.writing() as tx:
        account = await an_account(tx)
        pair, token = await a_keypair(tx, store, account), await a_token(tx, store, account)
    stranger = Sealer([b"s" * 32])
    with pytest.raises(ConfigError, match="ADEPT_SECRET_KEYS"):
        keypairs.private_key(pair, stranger)
    with pytest.raises(ConfigError, match="ADEPT_SECRET_KEYS"):
        tokens.open_token(token, stranger)


@pytest.mark.parametrize(
    ("state", "times"), [("staged", (None, None)), ("active", (NOW, None)), ("retired", (None, NOW))]
)
async def test_a_keypair_says_since_when_it_is_what_it_is(store: Store, state: str, times: tuple[object, object]):
    async with store.writing() as tx:
        account = await an_account(tx)
        pair = await a_keypair(tx, store, account, state=state)
    assert (pair.state, pair.activated_at, pair.retired_at) == (state, *times)


async def test_nothing_that_is_stored_shows_in_any_log(
    database_url: str, secret_key: str, caplog: pytest.LogCaptureFixture
):
    caplog.set_level(logging.DEBUG)
    async with open_store(database_url, secret_keys=[secret_key], data_dir=None, migrate=True) as store:
        async with store.writing(durable=True) as tx:
            account = await an_account(tx)
            await a_keypair(tx, store, account, key=b"PRIVATE-WORDS")
            token = await a_token(tx, store, account, json=b"TOKEN-WORDS")
            await accounts.update_account(tx, account.id, cursor="CURSOR-WORDS")
            await devices.put(tx, account.id, [device_row("SERIAL-WORDS")])
        with pytest.raises(IntegrityError) as caught:
            async with store.writing() as tx:
                await devices.put(tx, 404, [device_row("SERIAL-WORDS")])
    told = caplog.text + str(caught.value)
    assert "INSERT INTO devices" in told  # the logs were on
    stored = ("PRIVATE-WORDS", "TOKEN-WORDS", "CURSOR-WORDS", "SERIAL-WORDS", token.sealed.decode(), secret_key)
    assert [words for words in stored if words in told] == []


async def test_a_keypair_goes_from_staged_to_active_to_retired(store: Store):
    async with store.writing() as tx:
        account = await an_account(tx)
        pair = await a_keypair(tx, store, account)
        await keypairs.set_keypair_state(tx, pair.id, "active", NOW)
        await keypairs.set_keypair_state(tx, pair.id, "retired", LATER)
        (found,) = await keypairs.keypairs_of(tx, account.id)
    assert (found.state, found.activated_at, found.retired_at) == ("retired", NOW, LATER)
    assert keypairs.private_key(found, store.sealer) == b"KEY"


async def test_an_account_has_at_most_one_staged_keypair(store: Store):
    async with store.writing() as tx:
        account, other = await an_account(tx), await an_account(tx, "other")
        await a_keypair(tx, store, account)
        await a_keypair(tx, store, other)
        await a_keypair(tx, store, account, state="active")
        await a_keypair(tx, store, account, state="active")
    with pytest.raises(IntegrityError):
        async with store.writing() as tx:
            await a_keypair(tx, store, account)


async def test_keypairs_are_listed_the_newest_first_and_by_state(store: Store):
    async with store.writing() as tx:
        account, other = await an_account(tx), await an_account(tx, "other")
        made = [await a_keypair(tx, store, account, state=state) for state in ("retired", "active", "staged")]
        await a_keypair(tx, store, other)
        assert await keypairs.keypairs_of(tx, account.id) == made[::-1]
        assert await keypairs.keypairs_of(tx, account.id, state="active") == [made[1]]
        assert await keypairs.keypairs_of_removed(tx, "hq") == []


async def test_keypairs_of_a_removed_account_are_found_by_its_name_and_still_open(store: Store):
    async with store.writing() as tx:
        account = await an_account(tx)
        await a_keypair(tx, store, account, state="active")
        await accounts.delete_account(tx, account.id, LATER)
        (left,) = await keypairs.keypairs_of_removed(tx, "hq")
    assert (left.account_id, left.state, left.retired_at) == (None, "retired", LATER)
    assert keypairs.private_key(left, store.sealer) == b"KEY"


async def test_a_token_is_sealed_in_the_table_and_opens(store: Store):
    secret = b'{"access_token":"AT_sesame"}'
    async with store.writing(durable=True) as tx:
        account = await an_account(tx)
        token = await a_token(tx, store, account, json=secret)
        sealed = (await tx.execute(select(tables.server_tokens.c.sealed))).scalar_one()
    assert b"sesame" not in sealed
    assert tokens.open_token(token, store.sealer) == secret
    assert "sealed" not in repr(token)


async def test_a_token_comes_back_as_it_was_added(store: Store):
    async with store.writing() as tx:
        account = await an_account(tx)
        pair = await a_keypair(tx, store, account)
        token = await a_token(
            tx, store, account, state="candidate", keypair_id=pair.id, replace_server=True, reason="terms"
        )
        assert await tokens.token_by_id(tx, token.id) == token
        assert await tokens.token_by_id(tx, token.id + 1) is None
    assert (token.account_id, token.keypair_id, token.state) == (account.id, pair.id, "candidate")
    assert (token.expires_at, token.activated_at, token.ended_at) == (LATER, None, None)
    assert (token.replace_server, token.reason) == (True, "terms")


async def test_a_token_goes_from_candidate_to_active_to_retired(store: Store):
    async with store.writing() as tx:
        account = await an_account(tx)
        token = await a_token(tx, store, account, state="candidate", reason="terms")
        await tokens.set_token_state(tx, token.id, "active", NOW)
        (active,) = await tokens.tokens_of(tx, account.id, "active")
        await tokens.set_token_state(tx, token.id, "retired", LATER, reason="renewed")
        (retired,) = await tokens.tokens_of(tx, account.id)
        assert await tokens.tokens_of(tx, account.id, "active") == []
    assert (active.activated_at, active.ended_at, active.reason) == (NOW, None, None)
    assert (retired.activated_at, retired.ended_at, retired.reason) == (NOW, LATER, "renewed")


async def test_tokens_are_listed_the_newest_first_and_go_with_their_account(store: Store):
    async with store.writing() as tx:
        account, other = await an_account(tx), await an_account(tx, "other")
        made = [await a_token(tx, store, account, state=state) for state in ("retired", "active", "candidate")]
        theirs = await a_token(tx, store, other)
        assert await tokens.tokens_of(tx, account.id) == made[::-1]
        assert made[1].activated_at == NOW
        await accounts.delete_account(tx, account.id, NOW)
        assert await tokens.tokens_of(tx, account.id) == []
        assert await tokens.tokens_of(tx, other.id) == [theirs]
