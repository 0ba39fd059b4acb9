"""What a full fetch did not show: asked for, deleted, or held for a person."""

from __future__ import annotations

import pytest

from adept.errors import Conflict, NotFound
from adept.store.audit import ADEPT
from adept.store.holds import serials_held
from adept.sync.holds import confirm, discard, must_hold
from adept.sync.outcome import PassKind
from tests.sync.apple import DETAILS, FETCH, SYNC, device, op, page, refusal

FLEET = [device(f"D{number:03}") for number in range(50)]


async def with_fleet(desk, fleet=FLEET):
    desk.apple.say(FETCH, page(*fleet, cursor="s0"))
    desk.apple.say(SYNC, page(cursor="s0"))
    await desk.sync()


async def refetch(desk, *shown, cursor="s1"):
    account = await desk.account()
    desk.apple.say(SYNC, page(cursor=account.cursor))
    desk.apple.say(FETCH, page(*shown, cursor=cursor))
    desk.apple.say(SYNC, page(cursor=cursor))
    return await desk.full()


@pytest.mark.parametrize(
    ("missing", "live", "held"),
    [(10, 10, False), (11, 11, True), (11, 55, False), (12, 55, True), (0, 0, False), (20, 100, False)],
)
def test_more_than_ten_devices_and_more_than_a_fifth_are_for_a_person(missing, live, held):
    assert must_hold(missing=missing, live=live) is held


async def test_what_a_fetch_left_out_and_apple_does_not_know_is_deleted(desk):
    await with_fleet(desk)
    await refetch(desk, *FLEET[2:])
    assert await desk.dead() == {"D000": "missing", "D001": "missing"}
    assert (await desk.told())[-2:] == [("deleted", "D000"), ("deleted", "D001")]


async def test_what_a_fetch_left_out_but_apple_knows_is_refreshed(desk):
    await with_fleet(desk)
    desk.apple.devices["D000"] = device("D000", color="GOLD")
    await refetch(desk, *FLEET[1:])
    assert await desk.dead() == {}
    assert (await desk.document("D000"))["color"] == "GOLD"


async def test_what_apple_does_not_answer_for_stays(desk):
    await with_fleet(desk)
    desk.apple.say(DETAILS, {"devices": {"D000": {"response_status": "NOT_ACCESSIBLE"}}})
    await refetch(desk, *FLEET[2:])
    assert await desk.dead() == {"D000": "missing"}


async def test_a_truncated_fetch_deletes_nobody_that_apple_still_knows(desk):
    await with_fleet(desk)
    desk.apple.devices = {entry["serial_number"]: entry for entry in FLEET}
    await refetch(desk)
    assert len(await desk.live()) == 50
    assert await desk.open_hold() is None


async def test_an_empty_account_at_apple_is_held_for_a_person_and_syncs_go_on(desk):
    await with_fleet(desk)
    outcome = await refetch(desk)
    hold = await desk.open_hold()
    assert len(await desk.live()) == 50
    assert (len(serials_held(hold)), hold.live_devices) == (50, 50)
    assert "held for a person" in outcome.notes[-1]
    account = await desk.account()
    assert (account.health, account.cursor, account.phase) == ("held", "s1", "sync")
    desk.apple.say(SYNC, page(op("NEW1", "added", 9), cursor="s2"))
    await desk.sync()
    assert "NEW1" in await desk.live()


async def test_confirming_a_hold_deletes_those_still_unseen_since(desk):
    await with_fleet(desk)
    await refetch(desk)
    desk.apple.say(SYNC, page(op("D007", "modified", 9), cursor="s2"))
    await desk.sync()
    hold = await desk.open_hold()
    assert await confirm(desk.store, await desk.account(), hold.id, by=ADEPT, now=desk.clock()) == 49
    assert await desk.live() == {"D007"}
    assert await desk.open_hold() is None
    desk.apple.say(SYNC, page(cursor="s3"))
    await desk.sync()
    assert (await desk.account()).health == "ok"


async def test_discarding_a_hold_deletes_nobody(desk):
    await with_fleet(desk)
    await refetch(desk)
    hold = await desk.open_hold()
    await discard(desk.store, await desk.account(), hold.id, by=ADEPT, now=desk.clock())
    assert len(await desk.live()) == 50
    assert await desk.open_hold() is None


async def test_a_newer_full_fetch_replaces_the_hold(desk):
    await with_fleet(desk)
    await refetch(desk)
    first = await desk.open_hold()
    await refetch(desk, *FLEET[:20], cursor="s2")
    second = await desk.open_hold()
    assert second.id != first.id
    assert serials_held(second) == [f"D{number:03}" for number in range(20, 50)]
    await refetch(desk, *FLEET, cursor="s3")
    assert await desk.open_hold() is None


async def test_a_hold_is_decided_once_and_by_its_number(desk):
    await with_fleet(desk)
    await refetch(desk)
    hold = await desk.open_hold()
    account = await desk.account()
    with pytest.raises(NotFound, match=f"no hold {hold.id + 1}"):
        await confirm(desk.store, account, hold.id + 1, by=ADEPT, now=desk.clock())
    for _ in ("once", "the same again"):
        await discard(desk.store, account, hold.id, by=ADEPT, now=desk.clock())
    with pytest.raises(Conflict, match="is discarded already"):
        await confirm(desk.store, account, hold.id, by=ADEPT, now=desk.clock())


async def test_a_reconciliation_cut_short_is_taken_up_by_the_next_pass(desk):
    await with_fleet(desk)
    account = await desk.account()
    desk.apple.say(SYNC, page(cursor=account.cursor))
    desk.apple.say(FETCH, page(*FLEET[1:], cursor="s1"))
    desk.apple.say(DETAILS, refusal("", 500))
    assert (await desk.walk(PassKind.FULL)).error is not None
    desk.apple.say(SYNC, page(cursor="s1"))
    await desk.sync()
    assert await desk.dead() == {"D000": "missing"}


async def test_missing_devices_are_asked_for_a_thousand_at_a_time(desk):
    fleet = [device(f"E{number:05}") for number in range(2500)]
    await with_fleet(desk, fleet)
    desk.apple.devices = {entry["serial_number"]: entry for entry in fleet}
    await refetch(desk)
    assert [len(body["devices"]) for path, body in desk.apple.asked if path == DETAILS] == [1000, 1000, 500]
    assert len(await desk.live()) == 2500
