"""Passes over the API: asked for, answered with where to follow them, and listed."""

from __future__ import annotations

import pytest

from adept.sync.outcome import PassKind
from tests.web.walking import add_account, walk

HQ = "/api/v1/accounts/hq"


async def ask(service, kind: str = "sync"):
    return await service.post(f"{HQ}/passes", role="operator", json={"kind": kind})


async def test_a_pass_that_was_asked_for_is_the_one_that_is_walked(service):
    await add_account(service)
    service.wakes.clear()
    asked = await ask(service)
    assert asked.status_code == 202
    assert (asked.json()["state"], asked.json()["requested_by"]) == ("queued", "operator")
    assert service.wakes
    where = asked.headers["Location"]
    assert where == f"/api/v1/passes/{asked.json()['id']}"
    await walk(service)
    done = (await service.get(where, role="viewer")).json()
    assert (done["state"], done["account"], done["added"]) == ("done", "hq", 10)


async def test_asking_twice_gives_the_pass_that_waits_and_a_full_one_where_that_is_asked_for(service):
    await add_account(service)
    first, second, third = await ask(service), await ask(service), await ask(service, "full")
    assert first.json()["id"] == second.json()["id"] == third.json()["id"]
    assert third.json()["kind"] == "full"


async def test_an_account_that_can_not_be_walked_says_what_has_to_happen_first(service):
    await service.post("/api/v1/accounts", role="admin", json={"name": "hq"})
    bare = await ask(service)
    assert (bare.status_code, bare.json()["code"]) == (409, "needs_person")
    await service.put(f"{HQ}/pause", role="operator")
    paused = await ask(service)
    assert (paused.status_code, paused.json()["code"]) == (409, "needs_person")
    assert "paused" in paused.json()["detail"]
    assert (await service.get("/api/v1/passes", role="viewer")).json()["items"] == []


@pytest.mark.parametrize("body", [{"kind": "everything"}, {"kind": 1}, {"sort": "sync"}, [], None])
async def test_a_pass_of_no_known_kind_is_refused(service, body):
    await add_account(service)
    answer = await service.post(f"{HQ}/passes", role="operator", json=body)
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_request")


async def test_passes_are_listed_newest_first_page_by_page(service):
    await add_account(service)
    for _ in range(5):
        await walk(service)
    for path in (f"{HQ}/passes", "/api/v1/passes"):
        found: list[int] = []
        cursor = None
        while cursor is not None or not found:
            query = {"limit": 2} | ({"cursor": cursor} if cursor else {})
            page = (await service.get(path, role="viewer", params=query)).json()
            assert len(page["items"]) <= 2
            found += [item["id"] for item in page["items"]]
            cursor = page["next_cursor"]
        assert found == sorted(found, reverse=True)
        assert len(found) == len(set(found)) == 5


@pytest.mark.parametrize("query", [{"limit": 0}, {"limit": 1001}, {"limit": "x"}, {"cursor": "x"}, {"cursor": "-1"}])
async def test_a_limit_or_cursor_that_can_not_be_is_refused(service, query):
    answer = await service.get("/api/v1/passes", role="viewer", params=query)
    assert answer.status_code == 422


@pytest.mark.parametrize("pass_id", ["1", "9007199254740992"])
async def test_a_pass_that_is_not_there_is_not_found(service, pass_id):
    assert (await service.get(f"/api/v1/passes/{pass_id}", role="viewer")).status_code == 404
    assert (await service.get(f"/api/v1/passes/{pass_id}/events", role="viewer")).status_code == 404


async def test_a_viewer_looks_but_does_not_start(service):
    await add_account(service)
    await walk(service, kind=PassKind.FULL)
    assert (await service.post(f"{HQ}/passes", role="viewer", json={"kind": "sync"})).status_code == 403
    assert len((await service.get("/api/v1/passes", role="viewer")).json()["items"]) == 1
