"""A pass against what Apple can do with cursors and pages."""

from __future__ import annotations

import json

import pytest

from adept.errors import Malformed, Refused, Unreachable
from adept.sync.outcome import PassKind, PassState
from tests.sync.apple import ACCOUNT, FETCH, SYNC, device, op, page, refusal

A, B, C = device("A1"), device("B2"), device("C3")


async def first_fetch(desk, *devices, cursor="s0"):
    desk.apple.say(FETCH, page(*devices, cursor=cursor))
    desk.apple.say(SYNC, page(cursor=cursor))
    return await desk.sync()


async def test_a_first_pass_fetches_every_page_then_syncs_from_the_last_cursor(desk):
    desk.apple.say(FETCH, page(A, cursor="f1", more=True), page(B, cursor="f2", more="true"), page(C, cursor="s0"))
    desk.apple.say(SYNC, page(op("C3", "modified", 5, color="GOLD"), cursor="s1"))
    outcome = await desk.sync()
    assert desk.apple.cursors_sent(FETCH) == [None, "f1", "f2"]
    assert desk.apple.cursors_sent(SYNC) == ["s0"]
    assert await desk.live() == {"A1", "B2", "C3"}
    assert (await desk.document("C3"))["color"] == "GOLD"
    account = await desk.account()
    assert (account.phase, account.cursor, account.health) == ("sync", "s1", "ok")
    assert (outcome.kind, outcome.state, outcome.totals.pages) == (PassKind.FULL, PassState.DONE, 4)
    assert await desk.told() == [("added", "A1"), ("added", "B2"), ("added", "C3"), ("modified", "C3")]


async def test_a_repeated_cursor_with_more_to_follow_stops_each_pass_and_after_three_of_them_fetches_anew(desk):
    await first_fetch(desk, A)
    for _ in range(3):
        desk.apple.say(SYNC, page(cursor="s0", more=True))
        outcome = await desk.walk()
        assert outcome.state is PassState.FAILED
        assert isinstance(outcome.error, Malformed)
    assert (await desk.account()).cursor is None
    desk.apple.say(FETCH, page(A, B, cursor="s9"))
    desk.apple.say(SYNC, page(cursor="s9"))
    await desk.sync()
    assert await desk.live() == {"A1", "B2"}
    assert (await desk.account()).strikes == 0


async def test_a_cursor_that_comes_back_after_two_pages_is_a_circle_too(desk):
    await first_fetch(desk, A)
    desk.apple.say(SYNC, page(cursor="s1", more=True), page(cursor="s2", more=True), page(cursor="s1", more=True))
    outcome = await desk.walk()
    assert isinstance(outcome.error, Malformed)
    assert len(desk.apple.cursors_sent(SYNC)) == 4


async def test_devices_of_a_page_that_repeats_the_cursor_are_kept(desk):
    await first_fetch(desk, A)
    desk.apple.say(SYNC, page(op("B2", "added", 1), cursor="s0", more=True))
    await desk.walk()
    assert await desk.live() == {"A1", "B2"}


async def test_a_listing_of_empty_pages_that_never_ends_is_ended(desk):
    await first_fetch(desk, A)
    desk.apple.say(SYNC, *(page(cursor=f"s{number}", more=True) for number in range(1, 100)))
    outcome = await desk.walk()
    assert isinstance(outcome.error, Malformed)
    assert len(desk.apple.cursors_sent(SYNC)) == 1 + 50


async def test_a_listing_that_shows_the_same_page_for_ever_under_new_cursors_is_ended(desk):
    desk.apple.say(FETCH, *(page(A, cursor=f"f{number}", more=True) for number in range(1, 100)))
    outcome = await desk.walk()
    assert isinstance(outcome.error, Malformed)
    assert len(desk.apple.cursors_sent(FETCH)) == 1 + 50
    assert (await desk.account()).cursor == "f51"


async def test_exhausted_on_fetch_moves_to_sync_with_that_cursor(desk):
    desk.apple.say(FETCH, page(A, cursor="f1", more=True), refusal("EXHAUSTED_CURSOR"))
    desk.apple.say(SYNC, page(op("B2", "added", 1), cursor="s1"))
    outcome = await desk.sync()
    assert desk.apple.cursors_sent(SYNC) == ["f1"]
    assert await desk.live() == {"A1", "B2"}
    assert "cursor exhausted on fetch: the fetch is complete" in outcome.notes


async def test_exhausted_on_sync_ends_the_pass_as_nothing_new_and_keeps_the_cursor(desk):
    await first_fetch(desk, A)
    desk.apple.say(SYNC, refusal('"EXHAUSTED_CURSOR"\r\n'))
    outcome = await desk.sync()
    assert outcome.notes == ("cursor exhausted on sync: nothing new",)
    assert (await desk.account()).cursor == "s0"
    assert json.loads((await desk.passes())[-1].notes) == ["cursor exhausted on sync: nothing new"]


@pytest.mark.parametrize("code", ["EXPIRED_CURSOR", "INVALID_CURSOR"])
async def test_an_expired_cursor_starts_a_new_fetch_and_keeps_known_devices(desk, code):
    await first_fetch(desk, A, B)
    before = await desk.rows()
    desk.apple.say(SYNC, refusal(code))
    desk.apple.say(FETCH, page(A, B, C, cursor="s5"))
    desk.apple.say(SYNC, page(cursor="s5"))
    outcome = await desk.sync()
    assert outcome.kind is PassKind.FULL
    assert (await desk.passes())[-1].kind == "full"
    assert f"{code} on sync: everything is fetched anew" in outcome.notes
    after = await desk.rows()
    assert after["A1"] == before["A1"]
    assert await desk.told() == [("added", "A1"), ("added", "B2"), ("added", "C3")]


async def test_an_expired_cursor_on_fetch_restarts_the_fetch_once(desk):
    desk.apple.say(FETCH, page(A, cursor="f1", more=True), refusal("EXPIRED_CURSOR"), page(A, B, cursor="s0"))
    desk.apple.say(SYNC, page(cursor="s0"))
    await desk.sync()
    assert desk.apple.cursors_sent(FETCH) == [None, "f1", None]
    assert await desk.told() == [("added", "A1"), ("added", "B2")]


async def test_a_second_refused_cursor_in_one_pass_ends_it_and_it_backs_off(desk):
    await first_fetch(desk, A)
    desk.apple.say(SYNC, refusal("INVALID_CURSOR"))
    desk.apple.say(FETCH, page(A, cursor="f1", more=True), refusal("INVALID_CURSOR"))
    outcome = await desk.walk()
    assert isinstance(outcome.error, Refused)
    assert outcome.error.code == "INVALID_CURSOR"
    account = await desk.account()
    assert (account.next_sync_at - desk.clock()).total_seconds() == 60
    assert await desk.live() == {"A1"}


async def test_a_cursor_refused_where_none_was_sent_backs_off_and_does_not_spin(desk):
    for failures in range(1, 4):
        desk.apple.say(FETCH, refusal("INVALID_CURSOR"))
        assert isinstance((await desk.walk()).error, Refused)
        account = await desk.account()
        assert account.failures == failures
        assert (account.next_sync_at - desk.clock()).total_seconds() == 60 * 2 ** (failures - 1)
    assert desk.apple.cursors_sent(FETCH) == [None, None, None]


async def test_a_cursor_of_1000_characters_is_stored_and_sent_unchanged(desk):
    long = "".join(chr(33 + number % 90) for number in range(1000))
    await first_fetch(desk, A, cursor=long)
    desk.apple.say(SYNC, page(cursor=long))
    await desk.sync()
    assert desk.apple.cursors_sent(SYNC) == [long, long]


async def test_a_cursor_seven_days_old_is_not_tried_but_fetched_anew(desk):
    await first_fetch(desk, A)
    desk.clock.advance(days=7)
    desk.apple.say(FETCH, page(A, B, cursor="s8"))
    desk.apple.say(SYNC, page(cursor="s8"))
    outcome = await desk.sync()
    assert outcome.notes == ("no sync for 7 days: everything is fetched anew",)
    assert desk.apple.cursors_sent(SYNC) == ["s0", "s8"]


async def test_an_empty_page_in_the_middle_and_an_empty_last_page_lose_nothing(desk):
    desk.apple.say(
        FETCH, page(A, cursor="f1", more=True), page(cursor="f2", more=True), page(B, cursor="f3", more=True), page()
    )
    desk.apple.say(SYNC, {"cursor": "c", "more_to_follow": "false"})
    await desk.sync()
    assert await desk.live() == {"A1", "B2"}


async def test_an_account_without_any_device_is_well(desk):
    await first_fetch(desk)
    assert (await desk.account()).health == "ok"
    assert await desk.rows() == {}


@pytest.mark.parametrize(
    ("urls", "limit"),
    [
        ([], 1000),
        ("nonsense", 1000),
        ([{"uri": "/server/devices", "limit": {"default": 10, "maximum": 50}}], 50),
        ([{"uri": "/server/devices", "limit": {"default": 100, "maximum": 5000}}], 1000),
        ([{"uri": "/server/devices", "limit": {"default": 100, "maximum": "many"}}], 1000),
        ([{"uri": "/server/devices", "limit": {"default": 100, "maximum": 0}}], 1000),
    ],
)
async def test_the_page_size_is_what_apple_allows_up_to_1000(desk, urls, limit):
    desk.apple.identity["urls"] = urls
    await first_fetch(desk, A)  # also learns the identity anew, a day later
    desk.clock.advance(days=2)
    desk.apple.say(SYNC, page(cursor="s0"))
    await desk.sync()
    desk.apple.say(SYNC, page(cursor="s0"))
    desk.apple.say(FETCH, page(A, cursor="s0"))
    desk.apple.say(SYNC, page(cursor="s0"))
    await desk.full()
    assert [body["limit"] for path, body in desk.apple.asked if path == FETCH][-1] == limit


async def test_a_full_fetch_starts_after_a_completed_sync(desk):
    await first_fetch(desk, A, B)
    desk.apple.asked.clear()
    desk.apple.say(SYNC, page(op("B2", "deleted", 3), cursor="s1"))
    desk.apple.say(FETCH, page(A, cursor="s2"))
    desk.apple.say(SYNC, page(cursor="s2"))
    await desk.full()
    assert [path for path, _ in desk.apple.asked] == [SYNC, FETCH, SYNC]
    assert await desk.dead() == {"B2": "deleted"}


async def test_a_page_that_brings_nothing_new_writes_no_device(desk):
    await first_fetch(desk, A, B)
    before = await desk.rows()
    desk.clock.advance(hours=1)
    desk.apple.say(SYNC, page(cursor="s0"))
    desk.apple.say(FETCH, page(B, A, cursor="s1"))
    desk.apple.say(SYNC, page(cursor="s1"))
    await desk.full()
    assert await desk.rows() == before
    assert len(await desk.changes()) == 2


async def test_a_fetch_cut_short_goes_on_from_its_last_page_and_still_knows_what_it_saw(desk):
    await first_fetch(desk, A, B, C)
    desk.apple.say(SYNC, page(cursor="s0"))
    desk.apple.say(FETCH, page(A, cursor="f1", more=True), refusal("", 503))
    assert isinstance((await desk.walk(PassKind.FULL)).error, Unreachable)
    desk.apple.say(FETCH, page(B, cursor="s1"))
    desk.apple.say(SYNC, page(cursor="s1"))
    await desk.sync()
    assert desk.apple.cursors_sent(FETCH) == [None, None, "f1", "f1"]
    assert await desk.dead() == {"C3": "missing"}


async def test_a_restarted_fetch_does_not_count_what_the_earlier_one_saw(desk):
    await first_fetch(desk, A, B)
    desk.apple.say(SYNC, page(cursor="s0"))
    desk.apple.say(FETCH, page(B, cursor="f1", more=True), refusal("EXPIRED_CURSOR"), page(A, cursor="s1"))
    desk.apple.say(SYNC, page(cursor="s1"))
    await desk.full()
    assert await desk.dead() == {"B2": "missing"}


async def test_an_answer_that_can_not_be_read_ends_the_pass_and_keeps_what_was_stored(desk):
    html = refusal("<html>Sign in to the hotel network</html>", 200)
    desk.apple.say(FETCH, page(A, cursor="f1", more=True), html)
    outcome = await desk.walk()
    assert isinstance(outcome.error, Malformed)
    assert await desk.live() == {"A1"}
    assert (await desk.account()).cursor == "f1"
    assert (await desk.account()).health == "unreachable"


async def test_identity_and_limits_are_asked_for_at_most_once_a_day(desk):
    await first_fetch(desk, A)
    desk.apple.asked.clear()
    for _ in range(3):
        desk.clock.advance(hours=11)
        desk.apple.say(SYNC, page(cursor="s0"))
        await desk.sync()
    assert [path for path, _ in desk.apple.asked].count(ACCOUNT) == 1
