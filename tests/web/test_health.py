"""The first question of an admin: is everything all right, and if not, what do I do?"""

from __future__ import annotations

import json

from adept.store.accounts import account_named, update_account

HEALTH = "/api/v1/health"


async def test_an_empty_installation_is_all_right(service):
    answer = await service.get(HEALTH, role="viewer")
    assert answer.json() == {"status": "ok", "accounts": 0, "devices": 0, "by_health": {}, "concerns": []}


async def test_accounts_that_need_somebody_are_told_with_what_to_do_the_longest_waiting_first(service):
    token = json.loads(service.simulator.token.to_json())
    for name, fields in (("well", {"token": token}), ("late", {}), ("early", {}), ("still", {})):
        await service.post("/api/v1/accounts", role="admin", json={"name": name, **fields})
    await service.put("/api/v1/accounts/still/pause", role="operator")
    async with service.store.writing() as tx:
        early = await account_named(tx, "early")
        await update_account(tx, early.id, health_since=early.health_since.replace(year=2020))
    answer = (await service.get(HEALTH, role="viewer")).json()
    assert (answer["status"], answer["accounts"]) == ("attention", 4)
    assert answer["by_health"] == {"no_token": 2, "ok": 1, "paused": 1}
    assert [concern["account"] for concern in answer["concerns"]] == ["early", "late"]
    assert {concern["way_out"] for concern in answer["concerns"]} == {"upload a server token"}


async def test_health_is_not_for_everybody(service):
    assert (await service.get(HEALTH)).status_code == 401
