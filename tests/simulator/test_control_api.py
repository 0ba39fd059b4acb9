"""The control API over HTTP: every route of it, as scripts and tests of other languages use it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import httpx2
import pytest
from cryptography.hazmat.primitives.serialization import Encoding

from adept import Client, generate_keypair, open_server_token
from adept.protocol.keypair import Keypair, load_certificate
from adept.protocol.server_token import ServerToken
from adept.simulator import Simulator, serve
from adept.simulator.control_app import control_app
from adept.simulator.running import Running


@pytest.fixture(scope="module")
def running() -> Iterator[Running]:
    """One simulator for the module; each test starts from a reset."""
    with serve(Simulator(10)) as started:
        yield started


@pytest.fixture(scope="module")
def keypair() -> Keypair:
    """A key and a certificate for the portal."""
    return generate_keypair()


@pytest.fixture
def control(running: Running) -> Iterator[httpx2.Client]:
    """An HTTP client of the control port."""
    running.simulator.reset()
    with httpx2.Client(base_url=running.control_url) as http:
        yield http


def good(answer: httpx2.Response, status: int = 200) -> Any:
    """The document of an answer with that status."""
    assert answer.status_code == status, answer.text
    return answer.json()


def refused(answer: httpx2.Response, status: int, *named: str) -> None:
    """A refusal with that status, whose sentence names these."""
    assert answer.status_code == status, answer.text
    sentence = answer.json()["error"]
    assert [name for name in named if name not in sentence] == []


def test_the_state_tells_everything_at_a_glance(control: httpx2.Client):
    state = good(control.get("/state"))
    assert state["organizations"] == [
        {"name": "Example Organisation", "type": "org", "version": "v2", "terms_signed": True, "unassigned": 0}
    ]
    [server] = state["servers"]
    assert (server["name"], server["devices"], server["operations"]) == ("Example MDM", 10, 0)
    assert not server["has_certificate"]
    assert state["faults"] == []


def test_a_reset_goes_back_to_the_start(control: httpx2.Client):
    before = good(control.get("/devices"))
    good(control.post("/devices", json={"count": 3}))
    good(control.post("/servers", json={"name": "other"}), 201)
    good(control.post("/clock", json={"advance_s": 1e6}))
    state = good(control.post("/reset"))
    assert [server["devices"] for server in state["servers"]] == [10]
    assert good(control.get("/devices")) == before


def test_a_new_server_gets_a_token_in_apples_file_for_its_certificate(
    control: httpx2.Client, keypair: Keypair, running: Running
):
    good(control.post("/servers", json={"name": "plain", "certificate": keypair.certificate_pem.decode()}), 201)
    file = control.post("/servers/plain/token")
    assert file.status_code == 200
    disposition = file.headers["content-disposition"]
    assert disposition.startswith('attachment; filename="plain_Token_20')
    assert disposition.endswith('Z_smime.p7m"')
    assert ":" not in disposition
    token = open_server_token(file.content, keypair.private_key_pem)
    with Client(token, base_url=running.url) as client:
        assert client.account().server_name == "plain"


@pytest.mark.parametrize("name", ["Schule ü", "学校", "100%", "a?b#c"])
def test_a_server_may_have_any_name(control: httpx2.Client, name: str):
    made = good(control.post("/servers", json={"name": name}), 201)
    assert made["name"] == name
    assert len(made["uuid"]) == 32
    file = control.post(f"/servers/{quote(name, safe='')}/token?form=json")
    assert file.headers["content-disposition"].isascii()
    assert good(control.get("/devices", params={"server": name})) == {"devices": []}


def test_the_log_tells_what_happened_to_a_servers_devices_from_any_place_on(control: httpx2.Client, running: Running):
    [bought] = running.simulator.buy(1)
    running.simulator.amend([bought], asset_tag="desk 7")
    running.simulator.release([bought])
    whole = good(control.get("/log"))
    assert [(entry["serial_number"], entry["op_type"]) for entry in whole["operations"]] == [
        (bought, "added"),
        (bought, "modified"),
        (bought, "deleted"),
    ]
    assert whole["operations"][1]["asset_tag"] == "desk 7"
    assert good(control.get("/log?since=2")) == {"operations": whole["operations"][2:], "next": 3}
    assert good(control.get("/log?since=3")) == {"operations": [], "next": 3}
    assert control.get("/log?server=nobody").status_code == 404


@pytest.mark.parametrize("form", ["ber", "der"])
def test_a_token_comes_in_both_encodings(control: httpx2.Client, keypair: Keypair, form: str):
    good(control.post("/servers", json={"name": "one", "certificate": keypair.certificate_pem.decode()}), 201)
    file = control.post(f"/servers/one/token?form={form}")
    assert open_server_token(file.content, keypair.private_key_pem).consumer_key.startswith("CK_")


def test_a_token_comes_as_json_without_any_certificate(control: httpx2.Client):
    good(control.post("/servers", json={"name": "one"}), 201)
    file = control.post("/servers/one/token?form=json")
    assert ServerToken.from_json(file.content).consumer_key.startswith("CK_")
    assert file.headers["content-disposition"].endswith('Z.json"')


def test_a_token_for_nobody_is_not_made_and_the_old_one_lives(control: httpx2.Client, running: Running):
    before = running.token
    refused(control.post("/servers/Example MDM/token"), 409, "Example MDM", "certificate")
    refused(control.post("/servers/Example MDM/token?form=pem"), 409, "pem")
    assert running.token == before


@pytest.mark.parametrize("kind", ["pem", "der", "json"])
def test_a_key_is_uploaded_in_any_form(control: httpx2.Client, keypair: Keypair, kind: str):
    pem = keypair.certificate_pem
    body = {"pem": pem, "der": load_certificate(pem).public_bytes(Encoding.DER)}.get(
        kind, json.dumps({"certificate": pem.decode()}).encode()
    )
    good(control.put("/servers/Example%20MDM/certificate", content=body))
    assert good(control.get("/state"))["servers"][0]["has_certificate"]
    assert open_server_token(control.post("/servers/Example%20MDM/token").content, keypair.private_key_pem)


@pytest.mark.parametrize(
    "body", [b"", b"nonsense", b"-----BEGIN CERTIFICATE-----\nnonsense\n-----END CERTIFICATE-----\n"]
)
def test_what_is_no_certificate_is_refused(control: httpx2.Client, body: bytes):
    refused(control.put("/servers/Example MDM/certificate", content=body), 409, "certificate")


def test_a_revoked_token_is_dead_until_another_is_got(control: httpx2.Client, running: Running):
    assert control.delete("/servers/Example MDM/token").status_code == 204
    assert good(control.get("/state"))["servers"][0]["token_expiry"] is None
    assert httpx2.get(f"{running.url}/token").status_code == 404
    assert control.post("/servers/Example MDM/token?form=json").status_code == 200
    assert httpx2.get(f"{running.url}/token").status_code == 200


@pytest.mark.parametrize("name", ["", "Example MDM", "Unassigned", "Reassigned", "a/b"])
def test_a_servers_name_is_its_own_and_fits_into_an_address(control: httpx2.Client, name: str):
    refused(control.post("/servers", json={"name": name}), 409, repr(name))


def test_organisations_have_kinds_and_servers_of_their_own(control: httpx2.Client):
    good(control.post("/organizations", json={"name": "School", "type": "edu", "version": "v1"}), 201)
    good(control.post("/servers", json={"name": "classes", "organization": "School"}), 201)
    state = good(control.get("/state"))
    assert [owner["type"] for owner in state["organizations"]] == ["org", "edu"]
    assert state["servers"][1]["organization"] == "School"


@pytest.mark.parametrize(
    "body",
    [{"name": ""}, {"name": "Example Organisation"}, {"name": "A", "type": "club"}, {"name": "A", "version": "v3"}],
)
def test_an_odd_organisation_is_refused(control: httpx2.Client, body: dict[str, Any]):
    refused(control.post("/organizations", json=body), 409)


def test_devices_are_bought_by_number_by_serial_and_by_family(control: httpx2.Client):
    assert len(good(control.post("/devices", json={"count": 3, "family": "Mac"}))["serials"]) == 3
    assert good(control.post("/devices", json={"serials": ["A1", "A2"]})) == {"serials": ["A1", "A2"]}
    assert len(good(control.post("/devices", json={}))["serials"]) == 1
    devices = good(control.get("/devices?server=Example MDM"))["devices"]
    assert len(devices) == 16
    assert [device["device_family"] for device in devices[10:13]] == ["Mac"] * 3


def test_devices_are_bought_with_fields_of_ones_choice(control: httpx2.Client):
    good(control.post("/devices", json={"serials": ["A1"], "fields": {"color": "PLAID", "device_assigned_by": None}}))
    device = good(control.get("/devices"))["devices"][-1]
    assert device["color"] == "PLAID"
    assert "device_assigned_by" not in device


def test_devices_for_nobody_yet_are_on_no_server(control: httpx2.Client):
    [serial] = good(control.post("/devices", json={"count": 1, "server": None}))["serials"]
    assert good(control.get("/state"))["organizations"][0]["unassigned"] == 1
    good(control.post("/devices/assign", json={"serials": [serial], "server": "Example MDM"}))
    assert good(control.get("/devices"))["devices"][-1]["serial_number"] == serial


def test_devices_are_moved_unassigned_released_and_replaced(control: httpx2.Client):
    good(control.post("/servers", json={"name": "other"}), 201)
    serials = [device["serial_number"] for device in good(control.get("/devices"))["devices"]]
    move = {"serials": serials[:2], "server": "other", "migration_deadline": "2027-01-01T00:00:00Z"}
    assert good(control.post("/devices/assign", json=move)) == {"serials": serials[:2]}
    assert good(control.get("/devices?server=other"))["devices"][0]["mdm_migration_deadline"] == "2027-01-01T00:00:00Z"
    good(control.post("/devices/assign", json={"serials": serials[2:3], "server": None}))
    good(control.post("/devices/unassign", json={"serials": serials[3:4]}))
    good(control.post("/devices/release", json={"serials": serials[4:5]}))
    replaced = good(control.post("/devices/replace", json={"serials": serials[5:6], "server": "other"}))
    assert replaced["replaced"] == {serials[5]: replaced["serials"][0]}
    state = good(control.get("/state"))
    assert [server["devices"] for server in state["servers"]] == [4, 3]
    assert state["organizations"][0]["unassigned"] == 2


def test_devices_are_switched_on_amended_and_throttled(control: httpx2.Client, running: Running):
    [serial] = good(control.post("/devices", json={"serials": ["A1"]}))["serials"]
    assert good(control.post("/devices/switch-on", json={"serials": [serial]})) == {"serials": []}
    good(control.post("/devices/amend", json={"serials": [serial], "fields": {"asset_tag": "mine"}}))
    good(control.post("/throttle", json={"serials": [serial], "seconds": 60}))
    assert good(control.get("/devices"))["devices"][-1]["asset_tag"] == "mine"
    assert running.simulator._world.truth.is_throttled(serial)


@pytest.mark.parametrize("act", ["assign", "unassign", "release", "switch-on", "replace"])
def test_an_act_on_a_device_nobody_knows_is_not_found(control: httpx2.Client, act: str):
    refused(control.post(f"/devices/{act}", json={"serials": ["NOBODY"], "server": "Example MDM"}), 404, "NOBODY")


def test_an_assignment_names_its_server(control: httpx2.Client):
    refused(control.post("/devices/assign", json={"serials": []}), 409, "server")
    refused(control.post("/devices/assign", json={"serials": [], "server": "nowhere"}), 404, "nowhere", "Example MDM")


def test_terms_and_betas_are_turned_on_and_off(control: httpx2.Client, running: Running):
    with Client(running.token, base_url=running.url) as client:
        good(control.post("/terms", json={"signed": False}))
        with pytest.raises(Exception, match="T_C_NOT_SIGNED"):
            client.account()
        good(control.post("/terms", json={"signed": True, "organization": "Example Organisation"}))
        assert client.account()
        good(control.post("/betas", json={"allowed": False}))
        with pytest.raises(Exception, match="APPLE_SEED"):
            client.beta_tokens()
    refused(control.post("/terms", json={"signed": True, "organization": "X"}), 404, "X")


def test_the_clock_moves(control: httpx2.Client, running: Running):
    before = running.simulator.now()
    good(control.post("/clock", json={"advance_s": 86400}))
    assert (running.simulator.now() - before).total_seconds() > 86399


def test_faults_are_ordered_seen_and_forgotten(control: httpx2.Client, running: Running):
    order = {"endpoint": "post_devices_sync", "response": "unauthorized", "count": 2, "after": 1}
    assert good(control.post("/faults", json=order), 201)["faults"][0]["response"] == "unauthorized"
    assert good(control.get("/faults")) == {"faults": running.simulator.faults()}
    assert control.delete("/faults").status_code == 204
    assert good(control.get("/faults")) == {"faults": []}


@pytest.mark.parametrize(
    ("order", "named"),
    [
        ({"endpoint": "post_devices_sync", "response": "verboten"}, "verboten"),
        ({"endpoint": "nowhere", "response": "forbidden"}, "nowhere"),
        ({"endpoint": "get_account", "response": "forbidden", "share": 2}, "share"),
        ({"endpoint": "get_account", "response": "forbidden", "often": True}, "often"),
        ({"endpoint": "get_account"}, "response"),
    ],
)
def test_an_odd_order_is_refused_by_name(control: httpx2.Client, order: dict[str, Any], named: str):
    refused(control.post("/faults", json=order), 400, named)


def test_sessions_can_be_ended(control: httpx2.Client, running: Running):
    with Client(running.token, base_url=running.url) as client:
        client.account()
        assert control.delete("/sessions").status_code == 204
        assert good(control.get("/state"))["sessions"] == 0
        assert client.account()


def test_requests_are_counted_from_a_number_on(control: httpx2.Client, running: Running):
    assert good(control.get("/requests")) == {"requests": [], "next": 0}
    with Client(running.token, base_url=running.url) as client:
        client.account()
        first = good(control.get("/requests?since=0"))
        assert [line["path"] for line in first["requests"]] == ["/session", "/account"]
        client.account()
    second = good(control.get(f"/requests?since={first['next']}"))
    assert [(line["method"], line["path"], line["status"]) for line in second["requests"]] == [("GET", "/account", 200)]
    refused(control.get("/requests?since=yesterday"), 400, "yesterday")


def test_profiles_can_be_seen(control: httpx2.Client, running: Running):
    from adept import Profile

    with Client(running.token, base_url=running.url) as client:
        uuid = client.define_profile(Profile(profile_name="one", url="https://mdm.example.org/")).profile_uuid
    [profile] = good(control.get("/profiles"))["profiles"]
    assert (profile["profile_uuid"], profile["profile_name"]) == (uuid, "one")


@pytest.mark.parametrize("body", [b"", b"nonsense", b"[]", b'{"name":7}', b"\xff"])
def test_a_body_that_can_not_be_read_is_refused(control: httpx2.Client, body: bytes):
    refused(control.post("/servers", content=body), 400)


@pytest.mark.parametrize(("method", "path"), [("GET", "/nothing"), ("PATCH", "/state"), ("GET", "/clock")])
def test_there_is_nothing_else(control: httpx2.Client, method: str, path: str):
    assert control.request(method, path).status_code in (404, 405)


@pytest.mark.parametrize(
    "headers",
    [
        {"origin": "https://evil.example"},
        {"origin": "null"},
        {"origin": "http://[bad"},
        {"host": "["},
        {"host": "evil.example"},
        {"host": "evil.example:8080", "origin": "http://evil.example:8080"},
    ],
)
def test_pages_of_others_may_not_use_it(control: httpx2.Client, headers: dict[str, str]):
    refused(control.post("/reset", headers=headers), 403)


@pytest.mark.parametrize("path", ["/devices", "/devices/amend", "/servers"])
def test_what_is_nested_beyond_reason_is_refused(control: httpx2.Client, path: str):
    deep = b'{"serials": ["C02DEEP00001"], "fields": {"x": ' + b"[" * 100_000 + b"]" * 100_000 + b"}}"
    refused(control.post(path, content=deep), 400)


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1:99", "[::1]:99", "simulator", "a.localhost:8"])
def test_this_machine_has_several_names(control: httpx2.Client, host: str):
    assert control.get("/state", headers={"host": host}).status_code == 200
    assert control.get("/state", headers={"host": host, "origin": f"http://{host}"}).status_code == 200


async def test_it_is_an_asgi_application_that_other_servers_may_run():
    app = control_app(Simulator(2))
    async with httpx2.AsyncClient(transport=httpx2.ASGITransport(app=app), base_url="http://localhost") as http:
        assert (await http.get("/state")).json()["servers"][0]["devices"] == 2
    said: list[Any] = []
    heard = iter([{"type": "lifespan.startup"}, {"type": "lifespan.shutdown"}])

    async def receive() -> Any:
        return next(heard)

    async def send(message: Any) -> None:
        said.append(message["type"])

    await app({"type": "lifespan", "state": {}}, receive, send)
    assert said == ["lifespan.startup.complete", "lifespan.shutdown.complete"]
