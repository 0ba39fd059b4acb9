"""What became of a device, told from its changes."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from adept.records.timeline import Difference, timeline
from adept.store.changes import StoredChange

START = datetime(2026, 3, 1, tzinfo=UTC)


def change(number: int, account: str, kind: str, **values: Any) -> StoredChange:
    document = json.dumps({"serial_number": "C02", "color": account})
    defaults: dict[str, Any] = {
        "account_id": 1,
        "pass_id": 7,
        "reason": "deleted" if kind == "deleted" else None,
        "before": document if kind == "deleted" else None,
        "after": document if kind == "added" else None,
        "op_type": None,
        "op_date": None,
        "found_at": START + timedelta(hours=number),
    }
    return StoredChange(id=number, account_name=account, serial_number="C02", kind=kind, **(defaults | values))


def newest_first(*changes: StoredChange) -> list[StoredChange]:
    return sorted(changes, key=lambda found: -found.id)


@pytest.mark.parametrize(("left_at", "came_at"), [(2, 4), (4, 2)], ids=["left first", "came first"])
def test_a_move_between_two_accounts_is_one_event_in_whatever_order_they_tell_it(left_at: int, came_at: int) -> None:
    events = timeline(
        newest_first(
            change(1, "hq", "added"),
            change(left_at, "hq", "deleted"),
            change(3, "schools", "modified", before="{}", after='{"asset_tag": "A"}'),
            change(came_at, "schools", "added"),
        )
    )
    kinds = [event.kind for event in events]
    assert kinds == ["moved", "modified", "added"]
    move = events[0]
    assert (move.left, move.account, move.found_at) == ("hq", "schools", START + timedelta(hours=4))
    assert move.differences == (Difference("color", "hq", "schools"),)


def test_there_and_back_again_are_two_moves() -> None:
    events = timeline(
        newest_first(
            change(1, "hq", "added"),
            change(2, "hq", "deleted"),
            change(3, "schools", "added"),
            change(4, "schools", "deleted"),
            change(5, "hq", "added"),
        )
    )
    assert [(event.kind, event.left, event.account) for event in events] == [
        ("moved", "schools", "hq"),
        ("moved", "hq", "schools"),
        ("added", None, "hq"),
    ]


@pytest.mark.parametrize(
    "changes",
    [
        [change(2, "hq", "deleted"), change(3, "hq", "added")],
        [change(2, "hq", "deleted", reason="account_removed"), change(3, "schools", "added")],
        [change(2, "hq", "deleted", reason="server_replaced"), change(3, "schools", "added")],
        [change(2, "hq", "deleted", reason="replaced"), change(3, "schools", "added")],
        [change(2, "hq", "deleted"), change(2 + 8 * 24, "schools", "added")],
        [change(2, "hq", "added"), change(3, "schools", "added")],
    ],
    ids=["back in the same account", "account removed", "other server", "replaced", "long after", "in both"],
)
def test_what_is_no_move_is_two_events(changes: list[StoredChange]) -> None:
    events = timeline(newest_first(*changes))
    assert [event.kind for event in events] == [found.kind for found in newest_first(*changes)]


def test_a_modification_tells_what_was_added_changed_and_taken_away() -> None:
    before, after = '{"color": "RED", "asset_tag": "A"}', '{"color": "BLUE", "new_key": [1]}'
    (event,) = timeline([change(1, "hq", "modified", before=before, after=after)])
    assert event.differences == (
        Difference("asset_tag", "A", None),
        Difference("color", "RED", "BLUE"),
        Difference("new_key", None, [1]),
    )
