"""The progress of a pass as server-sent events."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import anyio
import pytest

from tests.web.walking import add_account, walk


@dataclass(frozen=True)
class Event:
    kind: str
    id: str | None
    record: dict[str, Any]


@asynccontextmanager
async def following(service, pass_id: int, **headers: str) -> AsyncIterator[AsyncIterator[Event]]:
    """The events of the pass, as a browser reads them."""
    headers |= {"Authorization": f"Bearer {await service.key('viewer')}"}
    async with service.client.stream("GET", f"/api/v1/passes/{pass_id}/events", headers=headers) as answer:
        assert answer.status_code == 200
        assert answer.headers["Content-Type"].startswith("text/event-stream")
        assert answer.headers["Cache-Control"] == "no-store"

        async def events() -> AsyncIterator[Event]:
            fields: dict[str, str] = {}
            async for line in answer.aiter_lines():
                name, _, value = line.partition(": ")
                if name:
                    fields[name] = value
                elif line == "" and fields:
                    yield Event(fields["event"], fields.get("id"), json.loads(fields["data"]))
                    fields = {}

        yield events()


@pytest.fixture
async def asked(service) -> int:
    """The id of a pass that waits to be walked."""
    await add_account(service)
    answer = await service.post("/api/v1/accounts/hq/passes", role="operator", json={"kind": "sync"})
    found: int = answer.json()["id"]
    return found


async def test_a_pass_is_followed_from_waiting_to_its_end(service, asked):
    async with following(service, asked) as events:
        first = await anext(events)
        assert (first.kind, first.record["state"]) == ("progress", "queued")
        await walk(service)
        rest = [event async for event in events]
    assert (rest[-1].kind, rest[-1].record["state"], rest[-1].record["added"]) == ("end", "done", 10)
    assert rest[-1].record == (await service.get(f"/api/v1/passes/{asked}", role="viewer")).json()
    assert {event.kind for event in rest[:-1]} <= {"progress"}


async def test_a_pass_that_has_ended_is_told_at_once_and_not_twice(service, asked):
    await walk(service)
    async with following(service, asked) as events:
        [end] = [event async for event in events]
    assert (end.kind, end.record["state"]) == ("end", "done")
    again = await service.get(f"/api/v1/passes/{asked}/events", role="viewer", headers={"Last-Event-ID": end.id or ""})
    assert (again.status_code, again.content) == (204, b"")


async def test_who_comes_back_is_told_only_what_is_new(service, asked):
    async with following(service, asked) as events:
        seen = (await anext(events)).id
    async with following(service, asked, **{"Last-Event-ID": seen or ""}) as events:
        await walk(service)
        assert "queued" not in [event.record["state"] async for event in events]


async def test_a_pass_that_goes_with_its_account_ends_the_stream(service, asked):
    async with following(service, asked) as events:
        await anext(events)
        await service.delete("/api/v1/accounts/hq?confirm=hq", role="admin")
        assert [event.kind async for event in events] == ["gone"]


async def test_many_may_follow_and_leave_at_any_time(service, asked):
    async def look_once() -> None:
        async with following(service, asked) as events:
            await anext(events)

    await service.key("viewer")
    async with anyio.create_task_group() as crowd:
        for _ in range(10):
            crowd.start_soon(look_once)
    assert (await service.get("/api/v1/health", role="viewer")).status_code == 200
