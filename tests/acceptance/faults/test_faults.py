"""A short run of the fault suite: every kind of fault at least once, on real processes; nothing lost, nothing twice.

What fails prints its seed and its acts: `make soak ARGS="--seed N --runs 1 --seconds 40"` repeats it.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest

from adept.store.changes import StoredChange
from tests.acceptance.faults.acts import FAULTS, OURS, REFUSALS, schedule
from tests.acceptance.faults.history import contradictions, histories, told
from tests.acceptance.faults.run import run

SECONDS = 40.0


@pytest.mark.timeout(600)
@pytest.mark.parametrize("seed", [20])
async def test_nothing_is_lost_or_told_twice_or_left_behind_whatever_breaks(seed: int) -> None:
    outcome = await run(schedule(seed, SECONDS), seed=seed, echo=print)
    print(outcome.report())
    assert outcome.wrong == []
    assert outcome.changes > 400


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_a_schedule_follows_from_its_seed_and_leaves_nothing_broken(seed: int) -> None:
    acts = schedule(seed, SECONDS)
    assert acts == schedule(seed, SECONDS)
    assert acts != schedule(seed + 1, SECONDS)
    assert acts == sorted(acts)
    assert {act.how for act in acts if act.kind == "order"} >= set(REFUSALS)
    assert len({act.fault for act in acts if not act.fault.startswith("answer ")}) >= len(FAULTS) - 6
    ends = {"kill": "start", "end": "start", "stop": "continue", "stop all of": "continue all of"}
    ends |= {"fill disk": "empty disk", "change terms": "sign terms"}
    for act in acts:
        if act.kind in ends:
            assert any((other.kind, other.what) == (ends[act.kind], act.what) and other >= act for other in acts), act
    for name in OURS:
        clocks = [act.number for act in acts if (act.kind, act.what) == ("set clock", name)]
        assert clocks[-1:] in ([], [0])


def change(kind: str, before: dict[str, str] | None, after: dict[str, str] | None) -> StoredChange:
    return StoredChange(
        id=1,
        account_id=1,
        account_name="hq",
        serial_number="S",
        pass_id=1,
        kind=kind,
        reason=None,
        before=json.dumps(before) if before is not None else None,
        after=json.dumps(after) if after is not None else None,
        op_type=None,
        op_date=None,
        found_at=datetime(2026, 11, 28, tzinfo=UTC),
    )


ADDED = change("added", None, {"serial_number": "S", "asset_tag": "1"})
SECOND = change("modified", {"asset_tag": "1"}, {"asset_tag": "2"})
BACK = change("modified", {"asset_tag": "2"}, {"asset_tag": "1"})
NEVER = change("modified", {"asset_tag": "2"}, {"asset_tag": "7"})
GONE = change("deleted", {"serial_number": "S", "asset_tag": "2"}, None)


@pytest.mark.parametrize(
    ("feed", "strict", "wrong"),
    [
        ([ADDED, SECOND, GONE], True, []),
        ([ADDED, GONE], True, []),  # a page tells the last of several
        ([ADDED, SECOND], True, ["told last"]),
        ([], True, []),  # it came and went unseen
        ([ADDED, SECOND, NEVER, GONE], True, ["told ["]),
        ([ADDED, SECOND, BACK, GONE], True, ["told ["]),
        ([ADDED, SECOND, BACK, GONE], False, []),
        ([ADDED, SECOND, NEVER, GONE], False, ["never was"]),
    ],
)
def test_the_feed_is_held_against_what_happened(feed: list[StoredChange], strict: bool, wrong: list[str]) -> None:
    founded = [{"serial_number": "S", "asset_tag": "1"}]
    log = [
        {"serial_number": "S", "asset_tag": "2", "op_type": "modified", "op_date": "2026-11-28T00:00:00Z"},
        {"serial_number": "S", "op_type": "deleted", "op_date": "2026-11-28T00:00:01Z"},
    ]
    found = contradictions(histories(founded, log), told(feed), strict=strict)
    assert [word in one for word, one in zip(wrong, found, strict=True)] == [True] * len(wrong)
    assert contradictions(histories(founded, log[:1]), {}, strict=True) == ["S: never told, is [None 2]"]
