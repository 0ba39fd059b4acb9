"""The rules of the cursor: where a walk goes after each thing Apple can say."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from adept.sync.cursor import (
    BARREN_PAGES_LIMIT,
    CURSOR_LIFE,
    NEW_FETCH,
    Phase,
    Position,
    Turn,
    after_page,
    after_refusal,
    start,
)

NOW = datetime(2026, 11, 21, tzinfo=UTC)
FETCHING = Position(Phase.FETCH, "f1", NOW)
SYNCING = Position(Phase.SYNC, "s1", NOW)


def turn_after_page(asked, cursor="next", *, more, repeated=False, barren_pages=0):
    return after_page(asked, cursor=cursor, more_to_follow=more, now=NOW, repeated=repeated, barren_pages=barren_pages)


def test_an_account_without_a_cursor_starts_a_fetch():
    step = start(Position(Phase.SYNC, None), now=NOW)
    assert (step.turn, step.position) == (Turn.ASK, NEW_FETCH)


@pytest.mark.parametrize("asked", [FETCHING, SYNCING])
def test_a_young_cursor_is_used(asked):
    step = start(asked, now=NOW + CURSOR_LIFE)
    assert (step.turn, step.position) == (Turn.ASK, asked)


@pytest.mark.parametrize("asked", [FETCHING, SYNCING])
def test_a_cursor_of_seven_days_is_not_even_tried(asked):
    step = start(asked, now=NOW + timedelta(days=7))
    assert (step.turn, step.position) == (Turn.RESTART, NEW_FETCH)
    assert step.note == "no sync for 7 days: everything is fetched anew"


@pytest.mark.parametrize("asked", [FETCHING, SYNCING])
def test_more_to_follow_asks_in_the_same_listing_with_the_new_cursor(asked):
    step = turn_after_page(asked, more=True)
    assert (step.turn, step.position) == (Turn.ASK, Position(asked.phase, "next", NOW))


def test_the_last_page_of_a_fetch_leads_to_a_sync_with_its_cursor():
    step = turn_after_page(FETCHING, more=False)
    assert (step.turn, step.position) == (Turn.FETCHED, Position(Phase.SYNC, "next", NOW))


def test_the_last_page_of_a_sync_moves_the_cursor_and_ends():
    step = turn_after_page(SYNCING, more=False)
    assert (step.turn, step.position) == (Turn.DONE, Position(Phase.SYNC, "next", NOW))


@pytest.mark.parametrize("asked", [FETCHING, SYNCING])
def test_a_repeated_cursor_with_more_to_follow_stops_the_pass_where_it_is(asked):
    step = turn_after_page(asked, asked.cursor, more=True, repeated=True)
    assert (step.turn, step.position) == (Turn.STRIKE, asked)


@pytest.mark.parametrize("asked", [FETCHING, SYNCING])
def test_a_repeated_cursor_with_nothing_to_follow_is_fine(asked):
    assert turn_after_page(asked, asked.cursor, more=False, repeated=True).turn in (Turn.DONE, Turn.FETCHED)


def test_an_empty_page_with_more_to_follow_goes_on():
    assert turn_after_page(SYNCING, more=True, barren_pages=1).turn is Turn.ASK


def test_too_many_barren_pages_in_a_row_stop_the_pass():
    step = turn_after_page(SYNCING, more=True, barren_pages=BARREN_PAGES_LIMIT)
    assert (step.turn, step.position.cursor) == (Turn.STRIKE, "next")


def test_a_sync_without_a_new_cursor_keeps_the_old_one():
    step = turn_after_page(SYNCING, None, more=False)
    assert (step.turn, step.position) == (Turn.DONE, SYNCING)


def test_a_fetch_that_ends_without_a_cursor_is_fetched_again_next_time():
    step = turn_after_page(FETCHING, None, more=False)
    assert (step.turn, step.position) == (Turn.FETCHED, NEW_FETCH)


@pytest.mark.parametrize("asked", [FETCHING, SYNCING])
def test_more_to_follow_without_a_cursor_stops_the_pass(asked):
    step = turn_after_page(asked, None, more=True)
    assert (step.turn, step.position) == (Turn.STRIKE, asked)


def test_exhausted_on_fetch_moves_to_sync_with_that_cursor():
    step = after_refusal(FETCHING, "EXHAUSTED_CURSOR", restarted=False)
    assert step is not None
    assert (step.turn, step.position) == (Turn.FETCHED, Position(Phase.SYNC, "f1", NOW))


def test_exhausted_on_sync_is_nothing_new_and_keeps_the_cursor():
    step = after_refusal(SYNCING, "EXHAUSTED_CURSOR", restarted=False)
    assert step is not None
    assert (step.turn, step.position, step.note) == (
        Turn.DONE,
        SYNCING,
        "cursor exhausted on sync: nothing new",
    )


@pytest.mark.parametrize("code", ["EXPIRED_CURSOR", "INVALID_CURSOR", "CURSOR_REQUIRED"])
@pytest.mark.parametrize("asked", [FETCHING, SYNCING])
def test_a_lost_cursor_starts_one_new_fetch_in_a_pass_and_says_so(asked, code):
    step = after_refusal(asked, code, restarted=False)
    assert step is not None
    assert (step.turn, step.position) == (Turn.RESTART, NEW_FETCH)
    assert code in (step.note or "")
    assert after_refusal(asked, code, restarted=True) is None


@pytest.mark.parametrize("code", ["EXHAUSTED_CURSOR", "INVALID_CURSOR"])
def test_a_cursor_refused_where_none_was_sent_ends_the_pass_and_does_not_spin(code):
    assert after_refusal(NEW_FETCH, code, restarted=False) is None


def test_other_refusals_end_the_pass():
    assert after_refusal(SYNCING, "T_C_NOT_SIGNED", restarted=False) is None
