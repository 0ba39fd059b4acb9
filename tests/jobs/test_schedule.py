"""What is done for an account whose time has come, and which of them are begun now."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adept.jobs.schedule import AHEAD, LONG_S, AtHand, DueJob, Slot, Work, to_begin, to_defer, work_for
from adept.store.accounts import StoredAccount
from adept.sync.outcome import PassKind
from tests.sync.apple import T0

WELL = StoredAccount(
    id=1,
    name="hq",
    base_url="https://apple.example",
    created_at=T0,
    server_uuid=None,
    server_name=None,
    org_id_hash=None,
    identity=None,
    identity_at=None,
    phase="sync",
    cursor="c",
    cursor_at=T0,
    fetch_id=None,
    full_requested=False,
    strikes=0,
    last_fetch_at=T0,
    last_pass_at=T0,
    paused=False,
    interval_s=1800,
    page_size=None,
    live_devices=0,
    next_sync_at=T0 + timedelta(minutes=30),
    next_probe_at=T0 + timedelta(days=1),
    failures=0,
    lease_epoch=1,
    lease_until=None,
    lease_holder=None,
    health="ok",
    health_since=T0,
    health_reason=None,
    version=1,
)
BEFORE, DUE = T0 + timedelta(minutes=29), T0 + timedelta(minutes=30)


def decided(account: StoredAccount, *, at=DUE, requested=None, has_token=True, has_candidate=False) -> Work:
    return work_for(account, requested=requested, has_token=has_token, has_candidate=has_candidate, now=at)


def test_nothing_is_done_before_the_time_and_a_sync_when_it_has_come():
    assert decided(WELL, at=BEFORE) is Work.NOTHING
    assert decided(WELL) is Work.SYNC


@pytest.mark.parametrize("requested", [None, PassKind.SYNC, PassKind.FULL])
def test_nothing_is_done_for_a_paused_account_and_for_one_without_any_token(requested):
    assert decided(replace(WELL, paused=True), requested=requested) is Work.NOTHING
    assert decided(WELL, requested=requested, has_token=False) is Work.NOTHING


def test_once_a_week_the_pass_is_a_full_one_also_where_a_sync_was_asked_for():
    week = T0 + timedelta(days=7)
    assert decided(WELL, at=week - timedelta(seconds=1)) is Work.SYNC
    assert decided(WELL, at=week) is Work.FULL
    assert decided(WELL, at=week, requested=PassKind.SYNC) is Work.FULL


def test_a_first_fetch_is_an_ordinary_pass():
    new = replace(WELL, phase="fetch", cursor=None, cursor_at=None, last_fetch_at=None, last_pass_at=None)
    assert decided(new) is Work.SYNC


@pytest.mark.parametrize("health", ["terms_not_signed", "rejected", "expired", "forbidden"])
def test_where_only_a_person_can_help_there_is_a_probe_when_a_pass_would_be_due(health):
    ill = replace(WELL, health=health, failures=1)
    assert decided(ill) is Work.PROBE
    assert decided(ill, at=BEFORE) is Work.NOTHING


def test_after_five_failures_in_a_row_there_is_a_probe():
    assert decided(replace(WELL, health="unreachable", failures=4)) is Work.SYNC
    assert decided(replace(WELL, health="unreachable", failures=5)) is Work.PROBE


@pytest.mark.parametrize(("requested", "work"), [(PassKind.SYNC, Work.SYNC), (PassKind.FULL, Work.FULL)])
def test_what_a_person_asks_for_is_done_whatever_state_the_account_is_in(requested, work):
    for account in (WELL, replace(WELL, health="rejected", failures=9)):
        assert decided(account, at=BEFORE, requested=requested) is work


def test_an_account_that_is_seldom_synced_is_probed_once_a_day():
    seldom = replace(WELL, interval_s=5 * 86_400, next_sync_at=T0 + timedelta(days=5))
    assert decided(seldom, at=T0 + timedelta(days=1)) is Work.PROBE
    assert decided(seldom, at=T0 + timedelta(days=1) - timedelta(seconds=1)) is Work.NOTHING


def test_a_pass_that_is_due_goes_before_the_probe_for_it_says_as_much():
    both = replace(WELL, next_probe_at=DUE)
    assert decided(both) is Work.SYNC


def test_a_candidate_alone_is_probed():
    assert decided(replace(WELL, health="unreachable"), has_token=False, has_candidate=True) is Work.PROBE


def due(*names: str, failing: bool = False) -> list[DueJob]:
    return [DueJob("visit account", ord(name), name, failing) for name in names]


def names(accounts: list[DueJob]) -> list[str]:
    return [account.name for account in accounts]


def test_as_many_are_begun_as_slots_are_free_in_the_order_in_which_they_are_due():
    waiting = due("a", "b", "c", "d")
    assert names(to_begin(waiting, [], width=3, now_s=0)) == ["a", "b", "c"]
    assert names(to_begin(waiting, [Slot(is_failing=False, since_s=0)], width=3, now_s=1)) == ["a", "b"]
    assert to_begin(waiting, [Slot(is_failing=False, since_s=0)] * 3, width=3, now_s=1) == []


def test_accounts_that_failed_last_time_leave_half_of_the_slots_to_others():
    waiting = [*due("x", "y", "z", failing=True), *due("a", "b", "c")]
    assert names(to_begin(waiting, [], width=4, now_s=0)) == ["x", "y", "a", "b"]
    hanging = [Slot(is_failing=True, since_s=0)] * 2
    assert names(to_begin(waiting, hanging, width=4, now_s=1)) == ["a", "b"]


def test_what_takes_long_makes_room_but_only_for_as_many_again():
    long = Slot(is_failing=False, since_s=0)
    waiting = due("a", "b", "c")
    assert names(to_begin(waiting, [long, long], width=2, now_s=LONG_S)) == ["a", "b"]
    assert names(to_begin(waiting, [long] * 3, width=2, now_s=LONG_S)) == ["a"]
    assert to_begin(waiting, [long] * 4, width=2, now_s=LONG_S) == []


slots = st.lists(st.builds(Slot, st.booleans(), st.floats(0, 200)), max_size=20)
waiting_accounts = st.lists(st.booleans(), max_size=30).map(
    lambda failing: [
        DueJob("visit account", number, str(number), is_failing) for number, is_failing in enumerate(failing)
    ]
)


@given(waiting_accounts, slots, st.integers(1, 10))
def test_a_healthy_account_waits_only_while_every_slot_is_taken(waiting, taken, width):
    begun = to_begin(waiting, taken, width=width, now_s=200)
    quick = sum(slot.since_s > 200 - LONG_S for slot in taken)
    healthy = [account for account in waiting if not account.is_failing]
    if any(account not in begun for account in healthy):
        assert quick + len(begun) >= min(width, 2 * width - (len(taken) - quick))
    assert len(taken) + len(begun) <= max(len(taken), 2 * width)


@given(waiting_accounts, st.integers(2, 10))
def test_failing_accounts_never_take_more_than_half(waiting, width):
    begun = to_begin(waiting, [], width=width, now_s=0)
    assert sum(account.is_failing for account in begun) <= width // 2


def test_the_engine_is_handed_what_it_has_not_at_hand_until_a_seconds_work_waits_there():
    waiting = [DueJob("visit account", number, str(number)) for number in range(100)]
    at_hand = [AtHand(waiting[0].key, is_failing=False, is_running=True)]
    at_hand += [AtHand(job.key, is_failing=False, is_running=False) for job in waiting[1:11]]
    assert to_defer(waiting, at_hand, width=1) == waiting[11 : 11 + AHEAD - 10]


def test_of_what_failed_last_time_the_engine_never_has_more_than_for_half_of_the_slots():
    waiting = [*due("x", "y", "z", failing=True), *due("a", "b")]
    there = [AtHand("another", is_failing=True, is_running=True)]
    assert names(to_defer(waiting, there, width=4)) == ["x", "a", "b"]
