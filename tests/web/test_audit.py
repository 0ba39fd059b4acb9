"""The audit log over the API: filtered, paged, and whole as a file."""

from __future__ import annotations

import csv
import io
import json
from datetime import datetime, timedelta
from typing import Any

import pytest

from adept.store.audit import Actor, add_audit
from tests.web.conftest import RunningService

AUDIT = "/api/v1/audit"
ANN = Actor("user", "ann", "192.0.2.7", "request-1")
CLI = Actor("cli", "root")


@pytest.fixture(autouse=True)
async def began(service: RunningService) -> datetime:
    """The first of ten hours in each of which somebody did something, now and then to a spreadsheet's formula."""
    start = service.clock()
    async with service.store.writing() as tx:
        for number in range(10):
            act = ("account.paused", "account.resumed", "user.added", "accounting.done")[number % 4]
            await add_audit(
                tx,
                ANN if number % 2 else CLI,
                act,
                "hq" if number % 3 else "=cmd()",
                now=service.clock(),
                before={"number": number} if number else None,
                after={"paused": True},
            )
            service.clock.advance(hours=1)
    return start


async def numbers(service: RunningService, **params: Any) -> list[int]:
    """Which of the entries are given, by number; the first one has none."""
    answer = await service.get(AUDIT, role="admin", params=params)
    assert answer.status_code == 200, answer.text
    return [(item["before"] or {"number": 0})["number"] for item in answer.json()["items"]]


async def test_an_entry_says_who_did_what_to_whom_when_and_from_where(service: RunningService, began: datetime) -> None:
    newest = (await service.get(AUDIT, role="admin", params={"limit": 1})).json()["items"][0]
    assert newest | {"id": 0, "at": ""} == {
        "id": 0,
        "at": "",
        "actor_kind": "user",
        "actor": "ann",
        "address": "192.0.2.7",
        "request_id": "request-1",
        "act": "account.resumed",
        "subject": "=cmd()",
        "before": {"number": 9},
        "after": {"paused": True},
    }
    assert datetime.fromisoformat(newest["at"]) == began + timedelta(hours=9)


async def test_entries_are_filtered(service: RunningService, began: datetime) -> None:
    middle = began + timedelta(hours=5)
    assert await numbers(service) == [9, 8, 7, 6, 5, 4, 3, 2, 1, 0]
    assert await numbers(service, actor="ann") == [9, 7, 5, 3, 1]
    assert await numbers(service, act="account") == [9, 8, 5, 4, 1, 0]
    assert await numbers(service, act="account.paused") == [8, 4, 0]
    assert await numbers(service, act="accounting") == [7, 3]
    assert await numbers(service, act="acc%") == []
    assert await numbers(service, subject="=cmd()") == [9, 6, 3, 0]
    assert await numbers(service, since=middle.isoformat()) == [9, 8, 7, 6, 5]
    assert await numbers(service, until=middle.isoformat()) == [4, 3, 2, 1, 0]
    assert await numbers(service, since="0001-01-01T00:00:00+14:00", until="9999-12-31T23:59:59-12:00", actor="root")


async def test_pages_follow_each_other_without_a_gap(service: RunningService) -> None:
    found, cursor = [], None
    while True:
        params = {"limit": 3, "act": "account"} | ({"cursor": cursor} if cursor else {})
        page = (await service.get(AUDIT, role="admin", params=params)).json()
        found += [(item["before"] or {"number": 0})["number"] for item in page["items"]]
        cursor = page["next_cursor"]
        if cursor is None:
            break
    assert found == [9, 8, 5, 4, 1, 0]


@pytest.mark.parametrize(
    "params",
    [
        {"cursor": "tomorrow"},
        {"limit": 0},
        {"limit": 1001},
        {"since": "yesterday"},
        {"since": "2026-11-22T00:00:00"},
        {"format": "xml"},
    ],
)
async def test_what_makes_no_sense_is_refused(service: RunningService, params: dict[str, Any]) -> None:
    assert (await service.get(AUDIT, role="admin", params=params)).status_code == 422


async def test_the_whole_log_is_given_as_ndjson(service: RunningService) -> None:
    answer = await service.get(AUDIT, role="admin", params={"format": "ndjson", "actor": "ann"})
    assert answer.headers["content-type"].startswith("application/x-ndjson")
    assert answer.headers["content-disposition"] == 'attachment; filename="audit.ndjson"'
    lines = [json.loads(line) for line in answer.text.splitlines()]
    listed = await service.get(AUDIT, role="admin", params={"actor": "ann"})
    assert lines == listed.json()["items"]


async def test_the_whole_log_is_given_as_csv_that_no_spreadsheet_runs(service: RunningService) -> None:
    answer = await service.get(AUDIT, role="admin", params={"format": "csv"})
    assert answer.headers["content-type"].startswith("text/csv")
    rows = list(csv.DictReader(io.StringIO(answer.text)))
    assert len(rows) == 10
    assert (rows[0]["actor"], rows[0]["subject"], rows[0]["before"]) == ("ann", "'=cmd()", '{"number":9}')


async def test_a_log_of_many_pages_is_streamed_whole(service: RunningService) -> None:
    async with service.store.writing() as tx:
        for _ in range(2500):
            await add_audit(tx, ANN, "account.changed", "hq", now=service.clock())
    answer = await service.get(AUDIT, role="admin", params={"format": "ndjson"})
    ids = [json.loads(line)["id"] for line in answer.text.splitlines()]
    assert len(ids) == 2510
    assert ids == sorted(set(ids), reverse=True)
