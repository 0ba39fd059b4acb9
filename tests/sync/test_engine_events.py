"""A pass against what Apple can say of devices, and what production was seen to say."""

from __future__ import annotations

import json
import random

import pytest

from adept.accounts.registry import add
from adept.store.audit import ADEPT
from adept.sync.outcome import PassState
from tests.sync.apple import DETAILS, FETCH, SYNC, device, op, page, refusal, server_token

A, B, C = device("A1"), device("B2"), device("C3")


async def first_fetch(desk, *devices):
    desk.apple.say(FETCH, page(*devices, cursor="s0"))
    desk.apple.say(SYNC, page(cursor="s0"))
    await desk.sync()


async def sync_of(desk, *entries, cursor="s1"):
    desk.apple.say(SYNC, page(*entries, cursor=cursor))
    return await desk.sync()


async def test_added_modified_and_deleted_of_one_device_in_one_page_end_in_the_latest(desk):
    await first_fetch(desk)
    entries = [
        op("A1", "added", 1),
        op("A1", "modified", 2, color="GOLD"),
        op("A1", "deleted", 3),
        op("A1", "added", 4, color="SILVER"),
    ]
    random.Random(7).shuffle(entries)
    await sync_of(desk, *entries)
    assert (await desk.document("A1"))["color"] == "SILVER"
    assert await desk.told() == [("added", "A1")]


async def test_crossed_op_dates_across_pages_and_passes_end_in_the_latest(desk):
    await first_fetch(desk)
    desk.apple.say(SYNC, page(op("A1", "deleted", 9), cursor="s1", more=True), page(op("A1", "added", 8), cursor="s2"))
    await desk.sync()
    await sync_of(desk, op("A1", "modified", 7))
    assert await desk.live() == set()
    assert await desk.changes() == []


async def test_equal_op_dates_are_settled_by_asking_apple_within_the_pass(desk):
    await first_fetch(desk, A, B)
    desk.apple.devices["A1"] = device("A1", color="GOLD")
    await sync_of(desk, op("A1", "added", 3), op("A1", "deleted", 3), op("B2", "added", 3), op("B2", "deleted", 3))
    assert [body for path, body in desk.apple.asked if path == DETAILS] == [{"devices": ["A1", "B2"]}]
    assert await desk.live() == {"A1"}
    assert (await desk.document("A1"))["color"] == "GOLD"
    assert await desk.dead() == {"B2": "deleted"}
    assert not any(row.in_doubt for row in (await desk.rows()).values())


async def test_a_doubt_outlives_a_pass_that_could_not_ask(desk):
    await first_fetch(desk, A)
    desk.apple.say(DETAILS, refusal("", 500))
    desk.apple.say(SYNC, page(op("A1", "modified", 3), op("A1", "deleted", 3), cursor="s1"))
    assert (await desk.walk()).error is not None
    desk.apple.devices["A1"] = A
    await sync_of(desk, cursor="s2")
    assert await desk.live() == {"A1"}


@pytest.mark.parametrize("op_type", [None, "", "transmogrified"])
async def test_an_op_type_that_is_missing_or_unknown_costs_nothing(desk, op_type):
    await first_fetch(desk, A)
    entry = op("A1", "x", 4, color="GOLD")
    entry["op_type"] = op_type
    await sync_of(desk, entry)
    assert (await desk.document("A1"))["color"] == "GOLD"


async def test_an_op_date_that_is_missing_or_empty_counts_as_new(desk):
    await first_fetch(desk, A, B)
    without = {key: value for key, value in op("A1", "modified", 4, color="GOLD").items() if key != "op_date"}
    await sync_of(desk, without, op("B2", "deleted", 0) | {"op_date": ""})
    assert (await desk.document("A1"))["color"] == "GOLD"
    assert await desk.dead() == {"B2": "deleted"}


async def test_unknown_words_of_apple_are_kept_as_they_came(desk):
    await first_fetch(desk, device("A1", profile_status="levitating", device_family="Fridge", os="fridgeOS"))
    row = (await desk.rows())["A1"]
    assert (row.profile_status, row.device_family, row.os) == ("levitating", "Fridge", "fridgeOS")


async def test_keys_that_apple_adds_are_kept_and_their_change_is_a_change(desk):
    await first_fetch(desk, device("A1", orbit={"height": 4}))
    await sync_of(desk, op("A1", "modified", 1, orbit={"height": 5}))
    assert (await desk.document("A1"))["orbit"] == {"height": 5}
    change = (await desk.changes())[-1]
    assert (change.before, change.after) == ('{"orbit":{"height":4}}', '{"orbit":{"height":5}}')


async def test_modified_for_an_unknown_device_adds_it_and_deleted_for_one_announces_nothing(desk):
    await first_fetch(desk)
    await sync_of(desk, op("A1", "modified", 1, profile_status="removed"), op("B2", "deleted", 1))
    assert await desk.told() == [("added", "A1")]
    assert await desk.live() == {"A1"}


async def test_a_device_deleted_then_added_again_lives_again_in_the_same_row(desk):
    await first_fetch(desk, A)
    first_seen = (await desk.rows())["A1"].first_seen_at
    desk.clock.advance(hours=1)
    await sync_of(desk, op("A1", "deleted", 1))
    desk.clock.advance(hours=1)
    await sync_of(desk, op("A1", "added", 2), cursor="s2")
    row = (await desk.rows())["A1"]
    assert (row.deleted_at, row.deleted_reason, row.first_seen_at) == (None, None, first_seen)
    assert await desk.told() == [("added", "A1"), ("deleted", "A1"), ("added", "A1")]


async def test_the_same_deletion_told_again_by_a_cursor_that_did_not_move_is_told_once_by_us(desk):
    await first_fetch(desk, A)
    for _ in range(3):
        await sync_of(desk, op("A1", "deleted", 1), cursor="s0")
    assert await desk.told() == [("added", "A1"), ("deleted", "A1")]


@pytest.mark.parametrize("turned", [False, True])
async def test_a_device_moves_between_two_accounts_in_either_order(desk, turned):
    await first_fetch(desk, A)
    other = desk.apple.connect
    desk.apple.identity = {"server_name": "Lab", "server_uuid": "CD" * 16}
    await add(
        desk.store,
        "lab",
        base_url="https://apple.example",
        by=ADEPT,
        now=desk.clock,
        connect=other,
        token=server_token("lab"),
    )
    desk.apple.say(FETCH, page(cursor="l0"))
    desk.apple.say(SYNC, page(cursor="l0"))
    await desk.walk(name="lab")

    async def leave() -> None:
        desk.apple.say(SYNC, page(op("A1", "deleted", 5), cursor="s1"))
        await desk.walk(name="hq")

    async def arrive() -> None:
        desk.apple.say(SYNC, page(op("A1", "modified", 5, profile_status="removed"), cursor="l1"))
        await desk.walk(name="lab")

    for move in [arrive, leave] if turned else [leave, arrive]:
        await move()
    assert await desk.live("hq") == set()
    assert await desk.live("lab") == {"A1"}


async def test_a_device_moved_here_as_modified_and_removed_is_known_with_that_state(desk):
    await first_fetch(desk)
    stale = "9145EDB932A42C48A9DD56AD69213C64"
    await sync_of(desk, op("A1", "modified", 1, profile_status="removed", profile_uuid=stale))
    row = (await desk.rows())["A1"]
    assert (row.profile_status, row.profile_uuid, row.deleted_at) == ("removed", stale, None)


async def test_absent_assignment_fields_are_no_trouble(desk):
    await first_fetch(desk, {"serial_number": "A1"})
    row = (await desk.rows())["A1"]
    assert (row.model, row.device_assigned_date) == (None, None)


async def test_odd_spellings_and_texts_survive(desk):
    await first_fetch(
        desk,
        device(" c02x ", description="Größe 13″ — naïve", asset_tag="🦊 42"),
        device("NUL1", description="a\x00b", asset_tag="tab\there"),
    )
    rows = await desk.rows()
    assert rows["C02X"].description == "Größe 13″ — naïve"
    assert rows["C02X"].asset_tag == "🦊 42"
    assert json.loads(rows["NUL1"].document)["description"] == "a\x00b"


async def test_a_malformed_device_costs_itself_is_recorded_and_is_not_deleted_for_it(desk):
    await first_fetch(desk, A, B)
    desk.apple.say(SYNC, page(cursor="s0"))
    desk.apple.say(FETCH, page(A, device("B2", model=["not", "text"]), {"model": "no serial"}, cursor="s1"))
    desk.apple.say(SYNC, page(cursor="s1"))
    outcome = await desk.full()
    assert outcome.totals.malformed == 2
    assert await desk.live() == {"A1", "B2"}
    assert [body for path, body in desk.apple.asked if path == DETAILS] == []


async def test_a_page_split_does_not_change_what_is_known(desk):
    await first_fetch(desk)
    entries = [
        op(f"D{number % 7}", word, number % 11, color=f"C{number}")
        for number, word in enumerate(["added", "modified", "deleted", "modified", "added"] * 12)
    ]
    desk.apple.say(SYNC, page(*entries, cursor="s1"))
    desk.apple.devices = {f"D{number}": device(f"D{number}", color="TRUTH") for number in range(3)}
    await desk.sync()
    at_once = {serial: (row.deleted_at is None, row.op_date) for serial, row in (await desk.rows()).items()}

    await add(
        desk.store,
        "split",
        base_url="https://apple.example",
        by=ADEPT,
        now=desk.clock,
        connect=desk.apple.connect,
        token=server_token("split"),
    )
    desk.apple.say(FETCH, page(cursor="t0"))
    desk.apple.say(SYNC, page(cursor="t0"))
    await desk.walk(name="split")
    pages = [entries[start : start + 7] for start in range(0, len(entries), 7)]
    random.Random(3).shuffle(pages)
    desk.apple.say(
        SYNC,
        *(
            page(*entries, cursor=f"t{number + 1}", more=number + 1 < len(pages))
            for number, entries in enumerate(pages)
        ),
    )
    await desk.walk(name="split")
    split = {serial: (row.deleted_at is None, row.op_date) for serial, row in (await desk.rows("split")).items()}
    assert split == at_once


async def test_an_expired_cursor_in_the_middle_of_a_walk_announces_no_device_twice(desk):
    await first_fetch(desk, A)
    desk.apple.say(SYNC, page(op("B2", "added", 1), cursor="s1", more=True), refusal("EXPIRED_CURSOR"))
    desk.apple.say(FETCH, page(A, B, C, cursor="s2"))
    desk.apple.say(SYNC, page(op("B2", "added", 1), op("C3", "added", 2), cursor="s3"))
    outcome = await desk.sync()
    assert await desk.told() == [("added", "A1"), ("added", "B2"), ("added", "C3")]
    assert outcome.totals.added == 2


async def test_one_message_a_page_and_kind_covers_its_changes_exactly(desk):
    await first_fetch(desk, A, B, C)
    await sync_of(desk, op("A1", "modified", 1, color="GOLD"), op("B2", "deleted", 1), op("D4", "added", 1))
    told = [(message.kind, message.first_change, message.last_change) for message in await desk.messages()]
    assert told == [("added", 1, 3), ("added", 4, 4), ("deleted", 5, 5), ("modified", 6, 6)]


async def test_a_throttled_device_that_vanishes_without_a_word_is_not_taken_for_deleted(desk):
    await first_fetch(desk, A, B)
    desk.apple.devices["B2"] = B
    desk.apple.say(SYNC, page(cursor="s0"))
    desk.apple.say(FETCH, page(A, cursor="s1"))
    desk.apple.say(SYNC, page(cursor="s1"))
    await desk.full()
    assert await desk.live() == {"A1", "B2"}


async def test_a_device_that_no_sync_ever_told_of_is_found_by_a_full_fetch(desk):
    await first_fetch(desk, A)
    await sync_of(desk)
    desk.apple.say(SYNC, page(cursor="s1"))
    desk.apple.say(FETCH, page(A, B, cursor="s2"))
    desk.apple.say(SYNC, page(cursor="s2"))
    await desk.full()
    assert await desk.told() == [("added", "A1"), ("added", "B2")]


async def test_what_one_page_brought_is_known_to_the_next_page_of_the_pass(desk):
    await first_fetch(desk)
    desk.apple.say(
        SYNC,
        page(op("A1", "added", 1, color="GOLD"), cursor="s1", more=True),
        page(op("A1", "modified", 2, color="SILVER"), cursor="s2", more=True),
        page(op("A1", "deleted", 3), cursor="s3"),
    )
    await desk.sync()
    assert await desk.told() == [("added", "A1"), ("modified", "A1"), ("deleted", "A1")]
    assert (await desk.changes())[1].before == '{"color":"GOLD"}'


async def test_an_error_ends_the_pass_and_not_the_account(desk):
    await first_fetch(desk, A)
    desk.apple.say(SYNC, refusal("<html>bad gateway</html>", 502))
    failed = await desk.walk()
    assert failed.state is PassState.FAILED
    await sync_of(desk, op("B2", "added", 1))
    account = await desk.account()
    assert (account.health, account.failures) == ("ok", 0)
    assert await desk.live() == {"A1", "B2"}
