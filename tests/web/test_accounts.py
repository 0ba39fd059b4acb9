"""Accounts over the API: they come, are shown, edited, paused and removed."""

from __future__ import annotations

import json

import pytest

from adept.settings import Settings
from adept.store.audit import audit_entries

API = "/api/v1/accounts"


async def add(service, name="hq", **fields):
    answer = await service.post(API, role="admin", json={"name": name, **fields})
    assert answer.status_code == 201, answer.text
    return answer


async def acts(service):
    """What the audit log says, the oldest first."""
    async with service.store.reading() as tx:
        rows = [row for row in await audit_entries(tx, limit=1000) if row.act.startswith("account.")]
    return [(row.act, row.subject, row.actor, row.before, row.after) for row in reversed(rows)]


async def test_an_account_is_added_shown_and_listed(service):
    added = await add(service, "HQ")
    assert added.headers["Location"] == f"{API}/hq"
    assert added.headers["ETag"] == '"v1"'
    shown = await service.get(f"{API}/hq", role="viewer")
    assert shown.json() == added.json()
    assert shown.headers["ETag"] == '"v1"'
    document = shown.json()
    assert (document["name"], document["health"], document["base_url"]) == ("hq", "no_token", service.simulator.url)
    assert document["way_out"] == "upload a server token"
    listed = (await service.get(API, role="viewer")).json()
    assert listed["next_cursor"] is None
    assert listed["items"] == [{key: document[key] for key in listed["items"][0]}]
    assert service.wakes


async def test_an_account_comes_with_its_token_or_not_at_all(service):
    token = json.loads(service.simulator.token.to_json())
    added = await add(service, "hq", token=token)
    assert added.json()["health"] == "ok"
    assert "CK_" not in added.text
    stranger = token | {"consumer_key": "CK_stranger"}
    refused = await service.post(API, role="admin", json={"name": "lab", "token": stranger})
    assert refused.status_code == 502, refused.text
    assert (await service.get(f"{API}/lab", role="admin")).status_code == 404
    incomplete = await service.post(API, role="admin", json={"name": "lab", "token": {"consumer_key": "CK_x"}})
    assert (incomplete.status_code, incomplete.json()["code"]) == (422, "token_file")


@pytest.mark.parametrize("name", ["", "a b", "../etc", "a/b", "ä", "-x", "x" * 65, "a?b", "%2f"])
async def test_a_name_that_is_unusable_in_an_address_is_refused_with_what_is_allowed(service, name):
    answer = await service.post(API, role="admin", json={"name": name})
    assert answer.status_code == 422
    assert answer.json()["code"] == "misuse"
    assert "a-z, 0-9" in answer.json()["way_out"]


async def test_a_name_that_is_taken_is_a_conflict(service):
    await add(service)
    answer = await service.post(API, role="admin", json={"name": "Hq"})
    assert (answer.status_code, answer.json()["code"]) == (409, "conflict")


async def test_an_unknown_account_is_not_found_whatever_is_asked_of_it(service):
    for method, path, options in (
        ("GET", "", {}),
        ("DELETE", "?confirm=none", {}),
        ("GET", "/certificate", {}),
        ("GET", "/token", {}),
        ("PUT", "/token", {"content": b"x"}),
        ("GET", "/holds", {}),
        ("GET", "/holds/1", {}),
        ("PUT", "/holds/1", {"json": {"decision": "confirm"}}),
        ("PUT", "/pause", {}),
        ("DELETE", "/pause", {}),
        ("GET", "/passes", {}),
        ("POST", "/passes", {"json": {"kind": "sync"}}),
    ):
        answer = await service.request(method, f"{API}/none{path}", role="admin", **options)
        assert (answer.status_code, answer.json()["code"]) == (404, "not_found"), (method, path, answer.text)


async def test_put_makes_an_account_and_repeating_it_changes_nothing(service):
    made = await service.put(f"{API}/hq", role="admin", json={"interval_s": 900})
    assert (made.status_code, made.headers["ETag"]) == (201, '"v1"')
    assert made.json()["interval_s"] == 900
    again = await service.put(f"{API}/hq", role="admin", json={"interval_s": 900})
    assert (again.status_code, again.headers["ETag"]) == (200, '"v1"')
    assert [act for act, *_ in await acts(service)] == ["account.added"]


async def test_an_edit_needs_the_etag_of_what_was_looked_at(service):
    await add(service)
    blind = await service.put(f"{API}/hq", role="admin", json={"interval_s": 900})
    assert (blind.status_code, blind.json()["code"]) == (428, "precondition_required")
    edited = await service.put(f"{API}/hq", role="admin", json={"interval_s": 900}, headers={"If-Match": '"v1"'})
    assert (edited.status_code, edited.headers["ETag"]) == (200, '"v2"')
    nonsense = await service.put(f"{API}/hq", role="admin", json={"interval_s": 800}, headers={"If-Match": "nonsense"})
    assert nonsense.status_code == 422


async def test_the_second_of_two_editors_is_shown_the_change_of_the_first(service):
    await add(service)
    first = await service.put(f"{API}/hq", role="admin", json={"interval_s": 900}, headers={"If-Match": '"v1"'})
    second = await service.put(f"{API}/hq", role="admin", json={"page_size": 50}, headers={"If-Match": '"v1"'})
    assert second.status_code == 409
    problem = second.json()
    assert problem["code"] == "conflict"
    assert problem["current"] == first.json()
    assert "changed by key admin on" in problem["detail"]
    assert (await service.get(f"{API}/hq", role="admin")).json()["page_size"] is None


async def test_only_what_is_named_changes_and_null_means_as_many_as_apple_gives(service):
    await service.put(f"{API}/hq", role="admin", json={"interval_s": 900, "page_size": 50})
    edited = await service.put(f"{API}/hq", role="admin", json={"page_size": None}, headers={"If-Match": '"v1"'})
    assert (edited.json()["interval_s"], edited.json()["page_size"]) == (900, None)


@pytest.mark.parametrize(
    "body",
    [
        {"interval_s": 59},
        {"interval_s": 10**9},
        {"interval_s": "900"},
        {"page_size": 0},
        {"page_size": 1001},
        {"x": 1},
        [],
    ],
)
async def test_settings_out_of_range_are_refused_field_by_field(service, body):
    answer = await service.put(f"{API}/hq", role="admin", json=body)
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_request")
    assert answer.json()["errors"]
    assert (await service.get(f"{API}/hq", role="admin")).status_code == 404


async def test_an_edit_of_an_account_that_was_removed_meanwhile_does_not_bring_it_back(service):
    answer = await service.put(f"{API}/hq", role="admin", json={"interval_s": 900}, headers={"If-Match": '"v1"'})
    assert answer.status_code == 404


async def test_a_shorter_interval_makes_the_account_due_sooner(service):
    await add(service, "hq", token=json.loads(service.simulator.token.to_json()))
    async with service.store.writing() as tx:
        from adept.store.accounts import account_named, update_account

        account = await account_named(tx, "hq")
        now = service.clock()
        await update_account(tx, account.id, last_pass_at=now, next_sync_at=now.replace(year=now.year + 1))
    await service.put(f"{API}/hq", role="admin", json={"interval_s": 600}, headers={"If-Match": '"v1"'})
    async with service.store.reading() as tx:
        account = await account_named(tx, "hq")
    assert (account.next_sync_at - now).total_seconds() <= 600 * 1.1


async def test_pausing_and_resuming_are_idempotent_and_told_once(service):
    await add(service)
    for _ in range(2):
        answer = await service.put(f"{API}/hq/pause", role="operator")
        assert (answer.status_code, answer.json()["health"], answer.json()["paused"]) == (200, "paused", True)
    for _ in range(2):
        answer = await service.delete(f"{API}/hq/pause", role="operator")
        assert (answer.status_code, answer.json()["paused"]) == (200, False)
    assert [act for act, *_ in await acts(service)] == ["account.added", "account.paused", "account.resumed"]


async def test_removing_needs_the_name_once_more(service):
    await add(service)
    assert (await service.delete(f"{API}/hq", role="admin")).status_code == 422
    assert (await service.delete(f"{API}/hq?confirm=lab", role="admin")).status_code == 422
    removed = await service.delete(f"{API}/hq?confirm=HQ", role="admin")
    assert (removed.status_code, removed.json()) == (200, {"account": "hq", "devices": 0})
    assert (await service.get(f"{API}/hq", role="admin")).status_code == 404


async def test_every_act_is_in_the_audit_log_with_who_did_it_and_what_it_was_before(service):
    await add(service)
    await service.put(f"{API}/hq", role="admin", json={"interval_s": 900}, headers={"If-Match": '"v1"'})
    await service.delete(f"{API}/hq?confirm=hq", role="admin")
    found = await acts(service)
    assert [(act, subject, actor) for act, subject, actor, *_ in found] == [
        ("account.added", "hq", "admin"),
        ("account.changed", "hq", "admin"),
        ("account.removed", "hq", "admin"),
    ]
    before, after = found[1][3:]
    assert (json.loads(before), json.loads(after)) == ({"interval_s": 1800}, {"interval_s": 900})


class TestBaseUrls:
    """Where the operator did not allow private addresses."""

    @pytest.fixture
    def service_settings(self, service_settings: Settings) -> Settings:
        return service_settings.model_copy(update={"allow_private_addresses": False})

    @pytest.mark.parametrize(
        "url", ["http://127.0.0.1:1", "https://10.0.0.1", "https://[fd00::1]", "https://localhost"]
    )
    async def test_a_private_base_url_is_refused_and_the_way_out_is_the_operators(self, service, url):
        answer = await service.post(API, role="admin", json={"name": "hq", "base_url": url})
        assert (answer.status_code, answer.json()["code"]) == (422, "misuse")
        assert "ADEPT_ALLOW_PRIVATE_ADDRESSES" in answer.json()["way_out"]
        await add(service)
        edited = await service.put(f"{API}/hq", role="admin", json={"base_url": url}, headers={"If-Match": '"v1"'})
        assert edited.status_code == 422

    async def test_the_operators_own_base_url_is_taken_wherever_it_leads(self, service):
        own = service.simulator.url
        assert (await add(service, base_url=own)).json()["base_url"] == own
        same = await service.put(f"{API}/hq", role="admin", json={"base_url": own + "/"})
        assert (same.status_code, same.headers["ETag"]) == (200, '"v1"')


class TestPrivateBaseUrls:
    """Where the operator did."""

    @pytest.fixture
    def service_settings(self, service_settings: Settings) -> Settings:
        return service_settings.model_copy(update={"allow_private_addresses": True})

    async def test_a_private_base_url_is_taken_and_asked_from_then_on(self, service):
        await add(service)
        there = {"base_url": "http://127.0.0.1:9"}
        edited = await service.put(f"{API}/hq", role="admin", json=there, headers={"If-Match": '"v1"'})
        assert (edited.status_code, edited.json()["base_url"]) == (200, "http://127.0.0.1:9")
