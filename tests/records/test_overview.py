"""What the overview counts, on both engines and as pure sums."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from adept.records.overview import KeptTallies, days, shares, tallies
from adept.store.outbox import add_outbox
from adept.store.tally import DayCount, FacetCount
from tests.store.examples import NOW, an_account, devices_of

MIDNIGHT = datetime(2026, 11, 20, tzinfo=UTC)


def test_shares_add_up_and_what_apple_did_not_say_is_one_of_them():
    facets = [FacetCount("iPad", "empty", 6), FacetCount("Mac", "empty", 3), FacetCount(None, None, 1)]
    assert [(share.name, share.devices, share.percent) for share in shares(facets, "device_family")] == [
        ("iPad", 6, 60.0),
        ("Mac", 3, 30.0),
        (None, 1, 10.0),
    ]
    assert shares([], "device_family") == ()


def test_days_without_changes_are_days_too():
    counted = [DayCount(MIDNIGHT, "added", 5), DayCount(MIDNIGHT, "deleted", 2)]
    found = days(counted, first=MIDNIGHT - timedelta(days=1), number=3)
    assert [(day.begins.day, day.added, day.modified, day.deleted, day.changes) for day in found] == [
        (19, 0, 0, 0, 0),
        (20, 5, 0, 2, 7),
        (21, 0, 0, 0, 0),
    ]


async def test_changes_are_counted_by_their_day_in_utc(store):
    async with store.writing() as tx:
        account = await an_account(tx)
        await devices_of(tx, account.id, "A1", "A2")
        told = {"account_id": account.id, "account_name": account.name, "kind": "added"}
        late = NOW.replace(hour=23, minute=59)
        await add_outbox(
            tx,
            [
                {**told, "first_change": 1, "last_change": 1000, "created_at": late - timedelta(days=1)},
                {**told, "first_change": 1001, "last_change": 1001, "created_at": NOW.replace(hour=0, minute=0)},
                {**told, "first_change": 1, "last_change": 9, "created_at": NOW - timedelta(days=30)},
            ],
        )
    counted = await tallies(store, now=NOW)
    assert [day.added for day in counted.days][-2:] == [1000, 1]
    assert sum(day.changes for day in counted.days) == 1001
    assert sum(share.devices for share in counted.families) == 2


async def test_tallies_are_counted_once_a_minute(store):
    times = [NOW]
    kept = KeptTallies()
    first = await kept.get(store, now=lambda: times[-1])
    times.append(NOW + timedelta(seconds=59))
    assert await kept.get(store, now=lambda: times[-1]) is first
    times.append(NOW + timedelta(seconds=61))
    assert (await kept.get(store, now=lambda: times[-1])).counted_at == times[-1]
