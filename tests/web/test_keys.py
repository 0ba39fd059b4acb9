"""API keys over the API: shown once, listed without themselves, revoked."""

from __future__ import annotations

from datetime import datetime, timedelta

from tests.web.conftest import RunningService

KEYS = "/api/v1/keys"


async def make(service: RunningService, **fields: object) -> dict[str, object]:
    """Make a key, as an administrator's program."""
    answer = await service.post(KEYS, role="admin", json={"name": "backup", "role": "viewer"} | fields)
    assert answer.status_code == 201, answer.text
    made: dict[str, object] = answer.json()
    return made


async def test_a_key_is_made_shown_once_and_works(service: RunningService) -> None:
    answer = await service.post(KEYS, role="admin", json={"name": "Backup", "role": "operator"})
    made = answer.json()
    assert (answer.status_code, answer.headers["location"]) == (201, f"{KEYS}/backup")
    who = await service.get("/api/v1/session", headers={"Authorization": f"Bearer {made['key']}"})
    assert (who.json()["name"], who.json()["role"]) == ("backup", "operator")
    for path in (KEYS, f"{KEYS}/backup", "/api/v1/audit"):
        assert made["key"] not in (await service.get(path, role="admin")).text
    shown = (await service.get(f"{KEYS}/backup", role="admin")).json()
    assert (shown["created_by"], shown["may_read_secrets"], shown["expires_at"]) == ("admin", False, None)


async def test_the_last_use_of_a_key_is_shown(service: RunningService) -> None:
    made = await make(service)
    shown = await service.get(f"{KEYS}/backup", role="admin")
    assert shown.json()["last_used_at"] is None
    for _ in range(100):  # it is noted after the answer
        await service.get("/api/v1/session", headers={"Authorization": f"Bearer {made['key']}"})
        shown = await service.get(f"{KEYS}/backup", role="admin")
        if shown.json()["last_used_at"] is not None:
            break
    assert datetime.fromisoformat(shown.json()["last_used_at"]) == service.clock()


async def test_a_revoked_key_is_worth_nothing_from_the_next_request_on(service: RunningService) -> None:
    headers = {"Authorization": f"Bearer {(await make(service))['key']}"}
    assert (await service.get("/api/v1/session", headers=headers)).status_code == 200
    for _ in range(2):
        assert (await service.delete(f"{KEYS}/backup", role="admin")).status_code == 204
    assert (await service.get("/api/v1/session", headers=headers)).status_code == 401
    assert "backup" not in (await service.get(KEYS, role="admin")).text
    assert (await service.get(f"{KEYS}/backup", role="admin")).json()["revoked_at"] is not None
    listed = await service.get(KEYS, role="admin", params={"revoked": True})
    assert [item["name"] for item in listed.json()["items"]] == ["admin", "backup"]


async def test_a_key_runs_out_at_its_time(service: RunningService) -> None:
    expires_at = service.clock() + timedelta(hours=1)
    headers = {"Authorization": f"Bearer {(await make(service, expires_at=expires_at.isoformat()))['key']}"}
    assert (await service.get("/api/v1/session", headers=headers)).status_code == 200
    service.clock.advance(hours=1)
    assert (await service.get("/api/v1/session", headers=headers)).status_code == 401


async def test_what_cant_be_a_key_is_refused(service: RunningService) -> None:
    await make(service)
    for body, status in (
        ({"name": "backup", "role": "viewer"}, 409),
        ({"name": "no name", "role": "viewer"}, 422),
        ({"name": "other", "role": "owner"}, 422),
        ({"name": "other", "role": "viewer", "expires_at": "2020-01-01T00:00:00Z"}, 422),
        ({"name": "other", "role": "viewer", "expires_at": "2030-01-01T00:00:00"}, 422),
        ({"name": "other", "role": "viewer", "key": "adk_of-my-own"}, 422),
    ):
        assert (await service.post(KEYS, role="admin", json=body)).status_code == status, body
    for method in ("GET", "DELETE"):
        assert (await service.request(method, f"{KEYS}/nobody", role="admin")).status_code == 404


async def test_a_key_that_may_not_read_secrets_makes_none_that_may(service: RunningService) -> None:
    body = {"name": "reader", "role": "admin", "may_read_secrets": True}
    refused = await service.post(KEYS, role="admin", json=body)
    assert (refused.status_code, refused.json()["code"]) == (403, "may_not_give")
    assert (await service.post(KEYS, role="admin", may_read_secrets=True, json=body)).status_code == 201
