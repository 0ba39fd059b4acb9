"""The feed of changes over the API: nobody who goes on with its cursor misses one, and who can't is told."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import update

from adept.jobs.retention import Keep, remove_expired
from adept.store.tables import changes
from tests.web.walking import add_account, walk

FEED = "/api/v1/changes"
KEEP = Keep.days(changes=90, passes=90, audit=365)


@pytest.fixture
async def ten(service) -> None:
    """An account whose ten devices were just added."""
    await add_account(service)
    await walk(service)


async def feed(service, **params):
    answer = await service.get(FEED, role="viewer", params=params)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def test_the_feed_is_read_page_by_page_and_goes_on_where_it_ended(service, ten):
    first = await feed(service, limit=6)
    rest = await feed(service, limit=6, cursor=first["next_cursor"])
    assert [change["kind"] for change in first["items"] + rest["items"]] == ["added"] * 10
    assert first["next_cursor"] == first["items"][-1]["cursor"]
    nothing = await feed(service, cursor=rest["next_cursor"])
    assert nothing == {"items": [], "next_cursor": rest["next_cursor"]}
    service.simulator.simulator.buy(count=1)
    await walk(service)
    assert len((await feed(service, cursor=nothing["next_cursor"]))["items"]) == 1


async def test_an_empty_feed_has_a_cursor_too(service):
    nothing = await feed(service)
    assert nothing["items"] == []
    await add_account(service)
    await walk(service)
    assert len((await feed(service, cursor=nothing["next_cursor"]))["items"]) == 10


async def test_who_follows_one_device_passes_what_is_told_of_others(service, ten):
    whole = await feed(service)
    serial = whole["items"][3]["serial_number"]
    one = await feed(service, serial=serial.lower(), account="HQ")
    assert [change["serial_number"] for change in one["items"]] == [serial]
    assert one["next_cursor"] == whole["next_cursor"]


async def test_a_cursor_from_before_what_is_kept_is_gone(service, ten):
    cursor = (await feed(service, limit=2))["next_cursor"]
    async with service.store.writing() as tx:
        long_ago = service.clock() - timedelta(days=91)
        await tx.execute(update(changes).where(changes.c.id <= 5).values(found_at=long_ago))
    removed = await remove_expired(service.store, KEEP, now=service.clock)
    assert (removed.changes, removed.messages) == (5, 0)
    gone = await service.get(FEED, role="viewer", params={"cursor": cursor})
    assert (gone.status_code, gone.json()["code"]) == (410, "cursor_expired")
    assert "begin anew" in gone.json()["way_out"]
    assert len((await feed(service, cursor="5"))["items"]) == 5
    assert len((await feed(service))["items"]) == 5


async def test_a_cursor_is_gone_where_nothing_is_kept_any_more(service, ten):
    removed = await remove_expired(service.store, KEEP, now=lambda: service.clock() + timedelta(days=91))
    assert (removed.changes, removed.messages) == (10, 1)
    gone = await service.get(FEED, role="viewer", params={"cursor": "9"})
    assert (gone.status_code, gone.json()["code"]) == (410, "cursor_expired")
    assert await feed(service, cursor="10") == {"items": [], "next_cursor": "10"}


async def test_a_cursor_of_another_database_is_told_rather_than_waited_for(service, ten):
    gone = await service.get(FEED, role="viewer", params={"cursor": "11"})
    assert (gone.status_code, gone.json()["code"]) == (410, "cursor_expired")


@pytest.mark.parametrize("cursor", ["x", "-1", "1.5", "9" * 40, "²"])
async def test_what_is_no_cursor_is_refused(service, cursor: str):
    answer = await service.get(FEED, role="viewer", params={"cursor": cursor})
    assert (answer.status_code, answer.json()["code"]) == (422, "misuse")


async def test_an_unknown_account_has_no_feed(service):
    answer = await service.get(FEED, role="viewer", params={"account": "nowhere"})
    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")
