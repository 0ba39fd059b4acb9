"""Holds over the API: deletions that a person confirms or discards, once."""

from __future__ import annotations

import pytest

from adept.store.audit import audit_entries
from adept.sync.outcome import PassKind
from tests.web.walking import add_account, walk

HOLDS = "/api/v1/accounts/hq/holds"


@pytest.fixture
async def held(service) -> int:
    """The id of a hold over fifteen devices that a full fetch no longer showed."""
    simulator = service.simulator.simulator
    serials = simulator.buy(20)
    await add_account(service)
    await walk(service)
    simulator.fault("post_devices_sync", "bad_request_exhausted_cursor", count=1)  # hides that they were released
    simulator.release(serials[:15])
    await walk(service, kind=PassKind.FULL)
    [hold] = (await service.get(HOLDS, role="viewer")).json()["items"]
    found: int = hold["id"]
    return found


async def decide(service, hold_id: int, decision: str):
    return await service.put(f"{HOLDS}/{hold_id}", role="operator", json={"decision": decision})


async def live(service) -> int:
    count: int = (await service.get("/api/v1/accounts/hq", role="viewer")).json()["devices"]
    return count


async def test_a_hold_is_shown_with_its_devices(service, held):
    shown = (await service.get(f"{HOLDS}/{held}", role="viewer")).json()
    assert (shown["state"], shown["devices"], len(shown["serial_numbers"])) == ("open", 15, 15)
    account = (await service.get("/api/v1/accounts/hq", role="viewer")).json()
    assert (account["health"], account["hold"]["id"], account["devices"]) == ("held", held, 30)


async def test_confirming_deletes_and_saying_so_again_changes_nothing(service, held):
    service.wakes.clear()
    for _ in range(2):
        answer = await decide(service, held, "confirm")
        assert (answer.status_code, answer.json()["state"], answer.json()["deleted"]) == (200, "confirmed", 15)
    assert await live(service) == 15
    assert service.wakes
    otherwise = await decide(service, held, "discard")
    assert (otherwise.status_code, otherwise.json()["code"]) == (409, "conflict")
    async with service.store.reading() as tx:
        told = [row.act for row in await audit_entries(tx, limit=10, act="account.hold_confirmed")]
    assert told == ["account.hold_confirmed"]


async def test_discarding_keeps_the_devices_and_the_account_is_well_after_its_next_pass(service, held):
    answer = await decide(service, held, "discard")
    assert (answer.status_code, answer.json()["state"]) == (200, "discarded")
    assert await live(service) == 30
    account = (await service.get("/api/v1/accounts/hq", role="viewer")).json()
    assert account["next_sync_at"] <= service.clock().isoformat().replace("+00:00", "Z")
    await walk(service)
    assert (await service.get("/api/v1/accounts/hq", role="viewer")).json()["health"] == "ok"


async def test_a_hold_that_is_not_there_is_not_found(service, held):
    assert (await service.get(f"{HOLDS}/{held + 1}", role="viewer")).status_code == 404
    assert (await decide(service, held + 1, "confirm")).status_code == 404
    await service.post("/api/v1/accounts", role="admin", json={"name": "lab"})
    assert (await service.get(f"/api/v1/accounts/lab/holds/{held}", role="viewer")).status_code == 404


@pytest.mark.parametrize("body", [{}, {"decision": "maybe"}, {"decision": None}, {"decision": "confirm", "x": 1}])
async def test_a_decision_is_one_of_two_words(service, held, body):
    answer = await service.put(f"{HOLDS}/{held}", role="operator", json=body)
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_request")
    assert await live(service) == 30


async def test_viewers_decide_nothing(service, held):
    answer = await service.put(f"{HOLDS}/{held}", role="viewer", json={"decision": "confirm"})
    assert (answer.status_code, await live(service)) == (403, 30)
