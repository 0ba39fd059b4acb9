"""Devices over the API: lists and searches, one device, its history, and what Apple says of it now."""

from __future__ import annotations

import pytest

from tests.web.walking import add_account, walk

DEVICES = "/api/v1/devices"


@pytest.fixture
async def hq(service) -> list[str]:
    """An account with its ten devices; their serial numbers in order."""
    await add_account(service)
    await walk(service)
    return sorted(device.serial_number for device in await everything(service))


async def everything(service):
    from adept.records.device_lists import device_batches

    return [row async for rows in device_batches(service.store) for row in rows]


async def listed(service, **params):
    answer = await service.get(DEVICES, role="viewer", params=params)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def test_devices_are_listed_with_apples_keys_beside_ours(service, hq: list[str]):
    page = await listed(service)
    assert [device["serial_number"] for device in page["items"]] == hq
    assert (page["next_cursor"], page["total"], page["total_is_capped"]) == (None, 10, False)
    device = page["items"][0]
    assert (device["account"], device["deleted_at"], device["deleted_reason"]) == ("hq", None, None)
    assert device["first_seen_at"].endswith("Z")
    assert {"model", "description", "device_family", "wifi_mac_address"} <= device.keys()


@pytest.mark.parametrize("sort", ["serial_number", "model", "first_seen_at", "changed_at"])
async def test_pages_join_to_the_whole_whatever_the_order(service, hq: list[str], sort: str):
    for order in ("asc", "desc"):
        found, cursor = [], None
        while True:
            page = await listed(service, sort=sort, order=order, limit=3, **({"cursor": cursor} if cursor else {}))
            assert ("total" in page) == (cursor is None)
            found += [device["serial_number"] for device in page["items"]]
            cursor = page["next_cursor"]
            if cursor is None:
                break
        assert sorted(found) == hq


async def test_devices_are_searched_and_filtered(service, hq: list[str]):
    async def serials(**params) -> list[str]:
        return [device["serial_number"] for device in (await listed(service, **params))["items"]]

    one = hq[4]
    assert await serials(search=one.lower(), mode="exact") == [one]
    assert await serials(search=one[:7], mode="prefix", field="serial_number") == [one]
    assert await serials(search=one[2:9]) == [one]
    assert await serials(account="HQ", deleted="any") == hq
    assert await serials(deleted="true") == []
    assert await serials(changed_since="2100-01-01T00:00:00Z") == []
    mac = (await service.get(f"{DEVICES}/hq/{one}", role="viewer")).json()["wifi_mac_address"]
    assert await serials(search=mac.replace(":", "-").lower(), mode="exact") == [one]


async def test_a_cursor_of_another_list_is_refused(service, hq: list[str]):
    cursor = (await listed(service, limit=3))["next_cursor"]
    for params in (
        {"cursor": cursor, "sort": "model"},
        {"cursor": cursor, "order": "desc"},
        {"cursor": cursor, "family": "Mac"},
        {"cursor": "nonsense"},
        {"cursor": "WzEsIiIsMSx0cnVlXQ"},
        {"cursor": "🍏"},
    ):
        answer = await service.get(DEVICES, role="viewer", params=params)
        assert (answer.status_code, answer.json()["code"]) == (422, "misuse"), params


@pytest.mark.parametrize(
    "params",
    [
        {"limit": 0},
        {"limit": 1001},
        {"sort": "color"},
        {"deleted": "maybe"},
        {"mode": "regex"},
        {"changed_since": "yesterday"},
        {"changed_since": "2026-01-01T00:00:00"},
        {"search": "x" * 201},
    ],
)
async def test_what_can_not_be_asked_is_named(service, params):
    answer = await service.get(DEVICES, role="viewer", params=params)
    problem = answer.json()
    assert (answer.status_code, problem["code"]) == (422, "invalid_request")
    assert problem["errors"][0]["field"] == f"query.{next(iter(params))}"


async def test_an_unknown_account_or_device_is_not_found(service, hq: list[str]):
    for path in (f"{DEVICES}?account=nowhere", f"{DEVICES}/nowhere/{hq[0]}", f"{DEVICES}/hq/NOTHING"):
        answer = await service.get(path, role="viewer")
        assert (answer.status_code, answer.json()["code"]) == (404, "not_found"), path


async def test_a_device_is_shown_also_when_it_is_gone(service, hq: list[str]):
    service.simulator.simulator.release([hq[0]])
    await walk(service)
    device = (await service.get(f"{DEVICES}/HQ/{hq[0].lower()}", role="viewer")).json()
    assert (device["serial_number"], device["deleted_reason"]) == (hq[0], "deleted")
    assert [one["serial_number"] for one in (await listed(service, deleted="true"))["items"]] == [hq[0]]


async def test_the_history_of_a_device_goes_through_all_accounts_the_newest_first(service, hq: list[str]):
    simulator = service.simulator.simulator
    simulator.amend([hq[0]], asset_tag="A-17")
    await walk(service)
    simulator.release([hq[0]])
    await walk(service)
    path = f"{DEVICES}/hq/{hq[0]}/changes"
    whole = (await service.get(path, role="viewer")).json()
    assert [change["kind"] for change in whole["items"]] == ["deleted", "modified", "added"]
    assert whole["items"][1]["after"] == {"asset_tag": "A-17"}
    first = (await service.get(path, role="viewer", params={"limit": 2})).json()
    rest = (await service.get(path, role="viewer", params={"limit": 2, "cursor": first["next_cursor"]})).json()
    assert first["items"] + rest["items"] == whole["items"]
    assert rest["next_cursor"] is None
    assert (await service.get(f"{DEVICES}/hq/NOTHING/changes", role="viewer")).status_code == 404


async def test_apple_is_asked_about_a_device_and_nothing_is_stored(service, hq: list[str]):
    path = f"{DEVICES}/hq/{hq[0]}/ask"
    same = (await service.post(path, role="operator")).json()
    assert (same["found"], same["status"], same["differences"]) == (True, "SUCCESS", {"stored": {}, "apple": {}})
    assert same["device"]["serial_number"] == hq[0]
    service.simulator.simulator.amend([hq[0]], asset_tag="A-18")
    other = (await service.post(path, role="operator")).json()
    assert other["differences"]["apple"] == {"asset_tag": "A-18"}
    stored = (await service.get(f"{DEVICES}/hq/{hq[0]}", role="viewer")).json()
    assert stored.get("asset_tag") == other["differences"]["stored"].get("asset_tag")
    strange = (await service.post(f"{DEVICES}/hq/C02STRANGER0/ask", role="operator")).json()
    assert (strange["found"], strange["device"], strange["differences"]) == (False, None, None)
    assert strange["status"].startswith("NOT_")


async def test_apple_can_be_asked_by_operators_with_a_token_only(service, hq: list[str]):
    path = f"{DEVICES}/hq/{hq[0]}/ask"
    assert (await service.post(path, role="viewer")).status_code == 403
    await service.post("/api/v1/accounts", role="admin", json={"name": "bare"})
    bare = await service.post(f"{DEVICES}/bare/{hq[0]}/ask", role="operator")
    assert (bare.status_code, bare.json()["code"]) == (409, "needs_person")


@pytest.mark.parametrize("serial", ["%C3%A1%17", "%20"])
async def test_apple_is_not_asked_about_what_is_no_serial_number(service, hq: list[str], serial: str):
    before = len(service.simulator.simulator.requests())
    answer = await service.post(f"{DEVICES}/hq/{serial}/ask", role="operator")
    assert (answer.status_code, answer.json()["code"]) == (422, "misuse")
    assert len(service.simulator.simulator.requests()) == before
