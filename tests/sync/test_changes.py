"""What entries mean: one rule, whatever the order and the pages they come in."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adept.protocol.device import Device, decode_device
from adept.sync.changes import (
    Kind,
    Reason,
    Source,
    State,
    content_hash,
    differences,
    fold,
    kind_of_change,
)

T0 = datetime(2026, 11, 1, tzinfo=UTC)


def entry(op_type: str | None = None, minute: int | None = None, **fields: object) -> Device:
    document: dict[str, object] = {"serial_number": "C02", "model": "Mac", **fields}
    if op_type is not None:
        document["op_type"] = op_type
    if minute is not None:
        document["op_date"] = (T0 + timedelta(minutes=minute)).isoformat().replace("+00:00", "Z")
    device = decode_device(json.dumps(document).encode())
    assert isinstance(device, Device)
    return device


def synced(*entries: Device, known: State | None = None) -> State:
    return fold(known, entries, Source.SYNC)


def test_the_latest_op_date_is_the_truth_whatever_the_order():
    early, late = entry("added", 1, color="SILVER"), entry("modified", 2, color="GOLD")
    assert synced(early, late).content_hash == synced(late, early).content_hash == content_hash(late.document)


def test_deleted_makes_a_tombstone_and_keeps_the_document():
    live = synced(entry("added", 1, color="SILVER"))
    dead = synced(entry("deleted", 2), known=live)
    assert dead.deleted_reason == Reason.DELETED
    assert dead.content_hash == live.content_hash


def test_a_device_released_by_a_replacement_has_that_reason():
    assert synced(entry("deleted", 2, released_by_replacement=True)).deleted_reason == Reason.REPLACED


def test_an_older_deletion_does_not_bury_a_newer_device():
    live = synced(entry("added", 5))
    assert synced(entry("deleted", 4), known=live) == live


def test_a_deletion_of_an_unknown_device_keeps_older_news_of_it_out():
    dead = synced(entry("deleted", 5))
    assert not synced(entry("added", 4), known=dead).is_live
    assert kind_of_change(None, dead) is None


def test_a_device_added_again_lives_again():
    dead = synced(entry("added", 1), entry("deleted", 2))
    again = synced(entry("added", 3), known=dead)
    assert again.is_live
    assert kind_of_change(dead, again) is Kind.ADDED


def test_a_modification_of_an_unknown_device_is_an_addition():
    assert kind_of_change(None, synced(entry("modified", 1, profile_status="removed"))) is Kind.ADDED


@pytest.mark.parametrize("op_type", [None, "enchanted"])
def test_a_sync_entry_without_or_with_an_unknown_op_type_counts_as_the_device_it_carries(op_type):
    before = synced(entry("added", 1))
    after = synced(entry(op_type, 2, color="GOLD"), known=before)
    assert kind_of_change(before, after) is Kind.MODIFIED


def test_an_entry_without_op_date_counts_and_leaves_the_stored_one():
    after = synced(entry("modified", None, color="GOLD"), known=synced(entry("added", 3)))
    assert (after.op_date, after.content_hash) == (
        T0 + timedelta(minutes=3),
        content_hash(b'{"model":"Mac","color":"GOLD"}'),
    )


def test_the_same_deletion_told_again_is_nothing_new():
    dead = synced(entry("added", 1), entry("deleted", 2))
    again = synced(entry("deleted", 2), known=dead)
    assert kind_of_change(dead, again) is None
    assert not again.in_doubt


def test_a_fetch_replaces_the_whole_device_and_says_nothing_on_when():
    before = synced(entry("added", 3, asset_tag="desk 4", mdm_migration_deadline="2027-01-01T00:00:00Z"))
    after = fold(before, [entry()], Source.FETCH)
    assert after.content_hash == content_hash(b'{"model":"Mac"}')
    assert after.op_date == before.op_date


def test_a_fetch_brings_a_tombstone_back_to_life():
    dead = synced(entry("deleted", 3))
    assert kind_of_change(dead, fold(dead, [entry()], Source.FETCH)) is Kind.ADDED


def test_a_device_listed_as_deleted_inside_a_fetch_is_deleted():
    live = fold(None, [entry()], Source.FETCH)
    assert not fold(live, [entry("deleted", 4)], Source.FETCH).is_live


def test_added_and_modified_at_one_time_with_one_content_leave_no_doubt():
    assert not synced(entry("added", 1), entry("modified", 1)).in_doubt


def test_two_contents_at_one_time_leave_a_doubt_that_a_later_entry_settles():
    doubtful = synced(entry("added", 1, color="GOLD"), entry("modified", 1, color="SILVER"))
    assert doubtful.in_doubt
    assert not synced(entry("modified", 2), known=doubtful).in_doubt


@pytest.mark.parametrize("turned", [False, True])
def test_a_deletion_at_the_time_of_another_entry_wins_for_the_moment_and_is_in_doubt(turned):
    told = [entry("added", 1), entry("deleted", 1)]
    state = synced(*(reversed(told) if turned else told))
    assert (state.is_live, state.in_doubt) == (False, True)


def test_details_settle_a_doubt():
    doubtful = synced(entry("added", 1), entry("deleted", 1))
    settled = fold(doubtful, [entry(response_status="SUCCESS")], Source.DETAILS)
    assert (settled.is_live, settled.in_doubt) == (True, False)


def test_the_content_does_not_depend_on_the_listing_or_on_the_order_of_keys():
    listed = entry(color="GOLD").document
    asked = b'{"color":"GOLD","model":"Mac","asset_tag":"","eid":null,"response_status":"SUCCESS"}'
    told = entry("modified", 4, color="GOLD").document
    assert content_hash(listed) == content_hash(asked) == content_hash(told)


def test_a_key_that_apple_adds_is_content():
    assert content_hash(entry(rank=1).document) != content_hash(entry(rank=2).document)


def test_differences_name_the_fields_as_they_were_and_as_they_are():
    before = b'{"serial_number":"C02","model":"Mac","color":"GOLD","op_type":"added"}'
    after = b'{"serial_number":"C02","model":"Mac","asset_tag":"desk 4","op_type":"modified"}'
    assert differences(before, after) == ({"color": "GOLD"}, {"asset_tag": "desk 4"})


operations = st.lists(
    st.builds(
        entry,
        st.sampled_from(["added", "modified", "deleted"]),
        st.integers(0, 6),
        color=st.sampled_from(["GOLD", "SILVER"]),
    ),
    min_size=1,
    max_size=8,
)


@given(operations, st.randoms(use_true_random=False), st.data())
def test_any_order_on_any_split_into_pages_ends_alike(told, random, data):
    """Live or not, when, in doubt or not; and which content, where it lives and is in no doubt."""
    expected = synced(*told)
    shuffled = list(told)
    random.shuffle(shuffled)
    state: State | None = None
    while shuffled:
        size = data.draw(st.integers(1, len(shuffled)))
        page, shuffled = shuffled[:size], shuffled[size:]
        state = fold(state, page, Source.SYNC)
    assert state is not None
    assert (state.op_date, state.in_doubt) == (expected.op_date, expected.in_doubt)
    assert state.is_live == expected.is_live
    if state.is_live and not state.in_doubt:
        assert state.content_hash == expected.content_hash


@given(operations)
def test_telling_everything_again_changes_nothing(told):
    once = synced(*told)
    again = synced(*told, known=once)
    assert kind_of_change(once, again) is None
    assert (again.op_date, again.is_live) == (once.op_date, once.is_live)
