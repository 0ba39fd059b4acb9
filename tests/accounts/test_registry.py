"""What people do to accounts: each act once, one after the other, and written down with who did it."""

from __future__ import annotations

import asyncio
import json

import pytest

from adept.accounts import registry
from adept.accounts.exchange import certificate, upload_token
from adept.accounts.tokens import promote_candidate
from adept.errors import Conflict, Misuse, NotFound
from adept.protocol.p7m_seal import seal_server_token
from adept.store import devices, removal, tokens
from adept.store.accounts import account_named, count_live, find_account
from adept.store.audit import Actor, add_audit, audit_entries
from adept.store.changes import changes_after
from adept.store.device_filters import DeviceFilter, SearchMode
from adept.store.device_pages import Order, page_of_devices
from tests.store.examples import device_row, gone
from tests.sync.apple import ACCOUNT, FETCH, SYNC, device, page, refusal, server_token

ANN = Actor("user", "ann", "192.0.2.7", "request-1")


async def change(desk, version=None, **settings):
    return await registry.change(desk.store, "hq", version=version, by=ANN, now=desk.clock, **settings)


async def upload(desk, name="new"):
    pem = await certificate(desk.store, "hq", by=ANN, now=desk.clock)
    data = seal_server_token(server_token(name), pem)
    return await upload_token(desk.store, "hq", data, connect=desk.apple.connect, by=ANN, now=desk.clock)


async def told(desk):
    """The audit log, the oldest first: act, who, what it was before and after."""
    async with desk.store.reading() as tx:
        rows = list(reversed(await audit_entries(tx, limit=100)))
    return [
        (row.act, row.actor, json.loads(row.before or "null"), json.loads(row.after or "null"))
        for row in rows
        if row.subject == "hq"
    ]


async def acts(desk):
    return [(act, actor) for act, actor, *_ in await told(desk)]


async def test_a_change_is_written_down_with_who_made_it_and_what_it_was_before(desk):
    changed = await change(desk, version=1, interval_s=900, page_size=50)
    assert (changed.interval_s, changed.page_size, changed.version) == (900, 50, 2)
    assert (await told(desk))[-1] == (
        "account.changed",
        "ann",
        {"interval_s": 1800, "page_size": None},
        {"interval_s": 900, "page_size": 50},
    )


async def test_what_changes_nothing_is_not_written_down_whatever_version_was_looked_at(desk):
    before = await acts(desk)
    assert (await change(desk, version=7, interval_s=1800)).version == 1
    assert (await change(desk)).version == 1
    assert await acts(desk) == before


async def test_the_second_of_two_editors_hears_who_was_faster_and_when(desk):
    await change(desk, version=1, interval_s=900)
    with pytest.raises(Conflict, match=r"changed by user ann on 2026-11-21 at 09:00:00 UTC: it is at version 2, not 1"):
        await change(desk, version=1, page_size=50)
    assert (await desk.account()).page_size is None


async def test_of_many_edits_at_once_of_one_version_one_is_made(desk):
    edits = [change(desk, version=1, interval_s=600 + number) for number in range(8)]
    ended = await asyncio.gather(*edits, return_exceptions=True)
    assert sum(isinstance(one, Conflict) for one in ended) == 7
    assert (await desk.account()).version == 2


@pytest.mark.parametrize(
    "settings", [{"interval_s": 59}, {"interval_s": 7 * 86_400}, {"page_size": 0}, {"page_size": 1001}]
)
async def test_settings_out_of_range_name_their_field_and_what_is_allowed(desk, settings):
    with pytest.raises(Misuse, match=r"must be \d+ to \d+") as raised:
        await change(desk, **settings)
    assert raised.value.field == next(iter(settings))


async def test_a_new_interval_counts_from_the_last_pass(desk):
    desk.apple.say(FETCH, page(cursor="s0"))
    desk.apple.say(SYNC, page(cursor="s0"))
    await desk.sync()
    await change(desk, interval_s=300)
    assert ((await desk.account()).next_sync_at - desk.clock()).total_seconds() == 300
    await change(desk, interval_s=86_400)
    assert ((await desk.account()).next_sync_at - desk.clock()).total_seconds() == 86_400


async def test_a_new_interval_cuts_no_back_off_short(desk):
    desk.apple.say(FETCH, refusal("", 503))
    await desk.walk()
    due = (await desk.account()).next_sync_at
    await change(desk, interval_s=60)
    assert (await desk.account()).next_sync_at == due


async def test_another_base_url_ends_a_pass_in_progress_and_is_asked_at_once(desk):
    async def changed_meanwhile():
        await change(desk, base_url="https://other.example")
        return page(device("OLD"), cursor="s0")

    desk.apple.say(FETCH, changed_meanwhile)
    assert (await desk.walk()).state == "lost"
    assert await desk.live() == set()
    account = await desk.account()
    assert (account.base_url, account.next_sync_at) == ("https://other.example", desk.clock())


async def test_pausing_twice_is_one_act(desk):
    for _ in range(2):
        await registry.pause(desk.store, "hq", by=ANN, now=desk.clock)
    for _ in range(2):
        await registry.resume(desk.store, "hq", by=ANN, now=desk.clock)
    assert (await acts(desk))[-2:] == [("account.paused", "ann"), ("account.resumed", "ann")]


async def test_a_removal_says_what_there_was(desk):
    await registry.remove(desk.store, "hq", by=ANN, now=desk.clock)
    act, who, before, after = (await told(desk))[-1]
    assert (act, who, after) == ("account.removed", "ann", None)
    assert before == {"base_url": "https://apple.example", "server_name": "HQ", "devices": 0}


async def filled(desk) -> list[str]:
    """The account has two batches of devices, a few more, and as many tombstones as one; the live ones' serials."""
    live = [f"A{number:05}" for number in range(2 * removal.BATCH + 3)]
    async with desk.store.writing() as tx:
        account_id = (await account_named(tx, "hq")).id
        await devices.put(tx, account_id, [device_row(serial) for serial in live])
        await count_live(tx, account_id, len(live))
        await devices.put(tx, account_id, [gone(f"B{number:05}") for number in range(removal.BATCH)])
    return live


async def cut_short(desk) -> int:
    """Begin to remove the account and end that after a batch or more; how many live devices are left."""
    live = await filled(desk)
    removing = asyncio.create_task(registry.remove(desk.store, "hq", by=ANN, now=desk.clock))
    there = len(live)
    while there == len(live):
        async with desk.store.reading() as tx:
            there = await devices.live_count(tx, (await account_named(tx, "hq")).id)
    removing.cancel()
    with pytest.raises(asyncio.CancelledError):
        await removing
    account = await desk.account()
    assert account.paused
    return int(account.live_devices)


async def test_a_big_account_is_removed_in_batches_between_which_others_write(desk):
    live = await filled(desk)
    removing = asyncio.create_task(registry.remove(desk.store, "hq", by=ANN, now=desk.clock))
    found = 0
    while not found:
        async with desk.store.writing() as tx:  # a turn comes though the removal goes on
            found = len(await changes_after(tx, 0, limit=len(live)))
            account = await account_named(tx, "hq")
            await add_audit(tx, ANN, "test.written", "hq", now=desk.clock())
    assert (found % removal.BATCH, account.paused, account.health_reason) == (0, True, "it is being removed")
    assert await removing == len(live)
    async with desk.store.reading() as tx:
        told_of = [(row.serial_number, row.reason) for row in await changes_after(tx, 0, limit=2 * len(live))]
        assert await find_account(tx, "hq") is None
    assert told_of == [(serial, "account_removed") for serial in live]
    written = [act for act, _ in await acts(desk)]
    begun, ended = written.index("account.removal_begun"), written.index("account.removed")
    assert "test.written" in written[begun:ended]


async def test_a_removal_that_was_cut_short_is_finished_by_the_next_and_tells_nothing_twice(desk):
    left = await cut_short(desk)
    assert await registry.remove(desk.store, "hq", by=ANN, now=desk.clock) == left
    async with desk.store.reading() as tx:
        told_of = [row.serial_number for row in await changes_after(tx, 0, limit=10 * removal.BATCH)]
    assert told_of == [f"A{number:05}" for number in range(2 * removal.BATCH + 3)]
    assert [act for act, _ in await acts(desk)][-2:] == ["account.removal_begun", "account.removed"]


async def test_an_account_whose_removal_was_cut_short_fetches_all_anew_when_it_is_resumed(desk):
    left = await cut_short(desk)
    async with desk.store.reading() as tx:
        found = await page_of_devices(
            tx, DeviceFilter(search="A", mode=SearchMode.PREFIX), Order(), limit=1, with_total=True
        )
        assert found.total == left == await devices.live_count(tx, (await account_named(tx, "hq")).id)
    await registry.resume(desk.store, "hq", by=ANN, now=desk.clock)
    assert (await desk.account()).full_requested


async def test_an_unknown_account_can_not_be_changed(desk):
    with pytest.raises(NotFound):
        await registry.change(desk.store, "lab", version=None, interval_s=900, by=ANN, now=desk.clock)


async def test_the_way_of_a_token_is_written_down_without_its_secrets(desk):
    await upload(desk, "one")
    desk.apple.say(ACCOUNT, refusal("T_C_NOT_SIGNED", 403))
    await upload(desk, "two")
    account = await desk.account()
    await promote_candidate(desk.store, account.id, connect=desk.apple.connect, now=desk.clock)
    desk.apple.say(ACCOUNT, refusal("", 503))
    await upload(desk, "three")
    desk.apple.say("/session", refusal("", 401))
    await promote_candidate(desk.store, account.id, connect=desk.apple.connect, now=desk.clock)
    assert (await acts(desk))[2:] == [
        ("account.certificate_made", "ann"),
        ("account.token_taken", "ann"),
        ("account.certificate_made", "ann"),
        ("account.token_kept", "ann"),
        ("account.token_promoted", "adept"),
        ("account.certificate_made", "ann"),
        ("account.token_kept", "ann"),
        ("account.token_given_up", "adept"),
    ]
    text = json.dumps(await told(desk))
    for name in ("one", "two", "three"):
        token = server_token(name)
        assert not {token.consumer_key, token.access_token, token.consumer_secret} & set(text.split('"'))


async def test_of_two_tokens_that_come_at_once_one_is_active(desk):
    await asyncio.gather(upload(desk, "one"), upload(desk, "two"))
    async with desk.store.reading() as tx:
        states = [row.state for row in await tokens.tokens_of(tx, (await desk.account()).id)]
    assert sorted(states) == ["active", "retired", "retired"]


@pytest.mark.parametrize("answer", [None, refusal("", 503)])
async def test_an_account_that_is_removed_while_its_token_is_tried_is_not_found(desk, answer):
    pem = await certificate(desk.store, "hq", by=ANN, now=desk.clock)

    async def removed_meanwhile():
        await registry.remove(desk.store, "hq", by=ANN, now=desk.clock)
        return answer or {"server_name": "HQ", "server_uuid": "AB" * 16}

    desk.apple.say(ACCOUNT, removed_meanwhile)
    data = seal_server_token(server_token("late"), pem)
    with pytest.raises(NotFound, match="removed while its token was being tried"):
        await upload_token(desk.store, "hq", data, connect=desk.apple.connect, by=ANN, now=desk.clock)


async def test_a_certificate_by_a_name_takes_the_place_of_one_by_another_which_still_opens_its_token(desk):
    ours = await certificate(desk.store, "hq", by=ANN, now=desk.clock)
    theirs = await certificate(desk.store, "hq", by=ANN, now=desk.clock, common_name="COMMANDMENT-DEP")
    assert ours != theirs
    assert await certificate(desk.store, "hq", by=ANN, now=desk.clock) == theirs
    data = seal_server_token(server_token("old"), ours)
    outcome = await upload_token(desk.store, "hq", data, connect=desk.apple.connect, by=ANN, now=desk.clock)
    assert outcome.is_active
