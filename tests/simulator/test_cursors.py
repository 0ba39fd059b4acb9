"""Cursors as text: what was written can be read, nothing else."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adept.simulator.cursors import LIFE_S, Cursor, CursorForm

NUMBERS = st.integers(0, 2**40)
CURSORS = st.builds(Cursor, st.sampled_from(["fetch", "drained", "sync"]), NUMBERS, NUMBERS, NUMBERS, NUMBERS)


@given(CURSORS, st.sampled_from([0, 64, 1000]))
def test_what_was_written_is_read_again(cursor: Cursor, length: int):
    form = CursorForm("secret", length=length)
    assert form.read(form.write(cursor)) == cursor


@given(st.text(max_size=200))
def test_what_we_did_not_write_means_nothing(text: str):
    assert CursorForm("secret").read(text) is None


@given(CURSORS, st.data())
def test_an_altered_cursor_means_nothing(cursor: Cursor, data: st.DataObject):
    form = CursorForm("secret")
    text = form.write(cursor)
    place = data.draw(st.integers(0, len(text.rstrip("=")) - 2))
    other = "A" if text[place] != "A" else "B"
    assert form.read(text[:place] + other + text[place + 1 :]) is None


def test_no_cursor_is_written_twice():
    form = CursorForm("secret")
    cursor = Cursor("sync", 1, 0, 5, 100)
    assert form.write(cursor) != form.write(cursor)


def test_the_cursor_of_another_run_means_nothing():
    assert CursorForm("another").read(CursorForm("secret").write(Cursor("sync", 1, 0, 5, 100))) is None


@pytest.mark.parametrize("length", [200, 999, 1000])
def test_a_cursor_has_the_length_asked_for_and_never_more_than_apples_limit(length: int):
    text = CursorForm("secret", length=length).write(Cursor("fetch", 2**20, 2**20, 2**30, 2**31))
    assert length - 4 < len(text) <= 1000


def test_a_cursor_of_seven_days_lives_and_one_second_later_it_does_not():
    cursor = Cursor("sync", 1, 0, 5, 1000)
    assert not cursor.is_expired(1000 + LIFE_S)
    assert cursor.is_expired(1000 + LIFE_S + 1)
