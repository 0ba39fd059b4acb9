"""What is stored, as it is shown, on both engines: complete, in order, without a secret."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import msgspec
import pytest

from adept.accounts import exchange, registry
from adept.client.async_client import AsyncClient
from adept.errors import Misuse, NotFound
from adept.protocol.server_token import ServerToken
from adept.records.accounts import account_details, account_list
from adept.records.changes import ChangeRecord, change_document, change_record
from adept.records.holds import hold_list, one_hold
from adept.records.passes import one_pass, pass_list
from adept.simulator.running import Running
from adept.store.audit import ADEPT
from adept.store.changes import StoredChange
from adept.store.database import Store
from adept.store.holds import add_hold, decide_hold
from adept.store.passes import start_pass
from tests.store.examples import NOW, an_account, devices_of


def connect(token: ServerToken, base_url: str) -> AsyncClient:
    return AsyncClient(token, base_url=base_url)


async def some_passes(store: Store, *names: str) -> None:
    """An account of each name, in order, and a pass of each; a name that comes again has a further pass."""
    known: dict[str, int] = {}
    async with store.writing() as tx:
        for name in names:
            if name not in known:
                known[name] = (await an_account(tx, name)).id
            await start_pass(tx, known[name], kind="sync", lease_epoch=0, now=NOW)


async def test_accounts_are_listed_by_name_with_what_each_has(store: Store) -> None:
    async with store.writing() as tx:
        await an_account(tx, "warehouse")
    await registry.add(store, "hq", base_url="https://apple.example", connect=connect, by=ADEPT, now=lambda: NOW)
    found = await account_list(store)
    assert [(account.name, account.devices, account.health) for account in found] == [
        ("hq", 0, "no_token"),
        ("warehouse", 0, "no_token"),
    ]
    assert found[0].way_out == "upload a server token"
    assert (found[0].interval_s, found[0].page_size, found[0].version) == (1800, None, 1)


async def test_a_list_says_of_each_account_what_its_details_say(store: Store, dep_simulator: Running) -> None:
    url = dep_simulator.url
    await registry.add(
        store, "hq", base_url=url, token=dep_simulator.token, connect=connect, by=ADEPT, now=lambda: datetime.now(UTC)
    )
    await registry.add(store, "branch", base_url=url, connect=connect, by=ADEPT, now=lambda: NOW)
    for listed in await account_list(store):
        details = await account_details(store, listed.name.upper())
        assert listed.model_dump() == {key: details.model_dump()[key] for key in listed.model_dump()}


async def test_details_have_apples_whole_answer_and_no_secret(store: Store, dep_simulator: Running) -> None:
    token = dep_simulator.token
    now = datetime.now(UTC)
    await registry.add(store, "hq", base_url=dep_simulator.url, token=token, connect=connect, by=ADEPT, now=lambda: now)
    await exchange.certificate(store, "hq", by=ADEPT, now=lambda: now)
    details = await account_details(store, "hq")
    assert details.identity is not None
    assert details.identity["server_name"] == details.server_name
    assert details.identity["org_name"] == details.org_name
    assert details.limits.sync is not None
    assert details.limits.sync.maximum == 1000
    [kept] = details.tokens
    assert (kept.state, kept.expires_at, kept.activated_at) == ("active", token.access_token_expiry, now)
    assert details.token_expires_at == token.access_token_expiry
    assert [(pair.state, pair.common_name) for pair in details.keypairs] == [("staged", "adept hq")]
    shown = details.model_dump_json()
    assert "PRIVATE" not in shown
    for secret in (token.consumer_key, token.consumer_secret, token.access_token, token.access_secret):
        assert secret not in shown


async def test_passes_go_on_from_page_to_page_and_miss_none(store: Store) -> None:
    await some_passes(store, "hq", "branch", "hq", "hq", "branch")
    everything = (await pass_list(store)).items
    assert [found.account for found in everything] == ["branch", "hq", "hq", "branch", "hq"]
    page = await pass_list(store, limit=2)
    found = list(page.items)
    while page.next_cursor is not None:
        page = await pass_list(store, cursor=page.next_cursor, limit=2)
        found += page.items
    assert found == everything
    assert len((await pass_list(store, "HQ")).items) == 3
    assert await one_pass(store, everything[0].id) == everything[0]


@pytest.mark.parametrize("cursor", ["", "x", "-1", "1.5", "²", "9" * 30])
async def test_a_cursor_that_no_list_gave_is_refused(store: Store, cursor: str) -> None:
    with pytest.raises(Misuse):
        await pass_list(store, cursor=cursor)


async def test_what_is_not_there_is_not_found(store: Store) -> None:
    async with store.writing() as tx:
        await an_account(tx)
    for asked in (
        account_details(store, "nobody"),
        pass_list(store, "nobody"),
        one_pass(store, 7),
        hold_list(store, "nobody"),
        one_hold(store, "hq", 7),
    ):
        with pytest.raises(NotFound):
            await asked


async def test_holds_are_counted_in_lists_and_named_by_themselves(store: Store) -> None:
    async with store.writing() as tx:
        account = await an_account(tx)
        await devices_of(tx, account.id, "A", "B", "C")
        made_by = await start_pass(tx, account.id, kind="full", lease_epoch=0, now=NOW)
        hold = await add_hold(tx, account.id, pass_id=made_by.id, serials=["A", "B"], live_devices=3, now=NOW)
    [listed] = await hold_list(store, "hq")
    assert (listed.id, listed.devices, listed.live_devices, listed.pass_id) == (hold.id, 2, 3, made_by.id)
    assert (await one_hold(store, "hq", hold.id)).serial_numbers == ["A", "B"]
    assert (await account_details(store, "hq")).hold == listed
    async with store.writing() as tx:
        await decide_hold(tx, hold.id, "discarded", NOW + timedelta(hours=1))
    assert (await account_details(store, "hq")).hold is None


CHANGE = StoredChange(
    id=7,
    account_id=1,
    account_name="hq",
    serial_number="A",
    pass_id=3,
    kind="modified",
    reason=None,
    before='{"color":"SILVER","n":1.10}',
    after='{"color":"BLUE","n":1e2,"future":[null,{"a":"é"}]}',
    op_type="modified",
    op_date=None,
    found_at=NOW,
)


def test_a_change_keeps_what_apple_sent_byte_for_byte() -> None:
    written = msgspec.json.encode(change_document(CHANGE)).decode()
    assert CHANGE.before is not None
    assert CHANGE.after is not None
    assert CHANGE.before in written
    assert CHANGE.after in written


def test_a_change_has_the_keys_of_its_record_wherever_it_comes_from() -> None:
    assert list(change_document(CHANGE)) == list(ChangeRecord.model_fields)
    assert change_record(CHANGE) == change_record(change_document(CHANGE))
    assert change_record(CHANGE).found_at == NOW
