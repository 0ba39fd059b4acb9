"""The endpoints one by one: what they answer, and with which code they refuse."""

from __future__ import annotations

import json
from typing import Any

import pytest

from adept.simulator.simulator import Simulator
from tests.simulator.caller import Caller

PROFILE: dict[str, Any] = {"profile_name": "one", "url": "https://mdm.example.org/enroll"}
UUID = "0" * 32
KEY = "ab" * 32


@pytest.fixture
def serial(simulator: Simulator) -> str:
    """An iPad on the first server."""
    return simulator.buy(1, family="iPad")[0]


@pytest.fixture
def uuid(caller: Caller) -> str:
    """A profile of the first server."""
    found: str = caller.json("POST", "/profile", PROFILE)["profile_uuid"]
    return found


# Paths, methods, bodies


@pytest.mark.parametrize("path", ["/", "/nothing", "/session/", "/server", "/roster/class"])
def test_an_unknown_path_is_not_found(caller: Caller, path: str):
    assert caller.refusal("GET", path) == (404, "")


@pytest.mark.parametrize(
    ("method", "path"),
    [("POST", "/session"), ("HEAD", "/session"), ("PUT", "/profile"), ("GET", "/devices"), ("DELETE", "/account")],
)
def test_a_wrong_method_is_an_empty_405(caller: Caller, method: str, path: str):
    assert caller.refusal(method, path) == (405, "")


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/server/devices"),
        ("POST", "/devices/sync"),
        ("POST", "/devices"),
        ("POST", "/devices/disown"),
        ("POST", "/profile"),
        ("POST", "/profile/devices"),
        ("PUT", "/profile/devices"),
        ("DELETE", "/profile/devices"),
        ("POST", "/device/activationlock"),
        ("POST", "/account-driven-enrollment/profile"),
    ],
)
@pytest.mark.parametrize("body", [b"", b"nonsense", b"[]", b'"text"', b'{"devices":', b"\xff", b"[" * 10_000])
def test_a_body_that_is_no_json_object_is_malformed(caller: Caller, method: str, path: str, body: bytes):
    assert caller.refusal(method, path, body) == (400, "MALFORMED_REQUEST_BODY")


@pytest.mark.parametrize("content_type", [None, "", "text/plain", "application/x-www-form-urlencoded"])
def test_a_body_that_is_not_declared_as_json_is_malformed(caller: Caller, content_type: str | None):
    assert caller.refusal("POST", "/server/devices", {}, content_type=content_type) == (400, "MALFORMED_REQUEST_BODY")


@pytest.mark.parametrize("content_type", ["application/json", "application/json; charset=utf-8", "Application/JSON"])
def test_json_may_be_declared_in_several_ways(caller: Caller, content_type: str):
    assert caller.call("POST", "/server/devices", {}, content_type=content_type).status == 200


def test_good_answers_and_errors_have_apples_content_types(caller: Caller):
    assert caller.call("GET", "/account").content_type == "application/json;charset=UTF8"
    assert caller.call("GET", "/profile").content_type == "text/plain;charset=UTF8"


def test_error_codes_are_bare_and_on_request_in_quotes_as_depsims(caller: Caller):
    assert caller.refusal("POST", "/devices/sync", {}) == (400, "CURSOR_REQUIRED")
    quoting = Caller(Simulator(quoted_errors=True))
    assert quoting.refusal("POST", "/devices/sync", {}) == (400, '"CURSOR_REQUIRED"')
    assert quoting.refusal("GET", "/account", x_adm_auth_session="x") == (401, '"UNAUTHORIZED"')
    assert quoting.refusal("PATCH", "/account") == (405, "")


@pytest.mark.parametrize("host", ["mdmenrollment.apple.com", "MDMENROLLMENT.APPLE.COM:443", "apple.com."])
def test_a_client_that_believes_to_speak_to_apple_is_told_that_it_does_not(caller: Caller, host: str):
    assert caller.refusal("GET", "/account", host=host) == (421, "THIS_IS_A_SIMULATOR")


@pytest.mark.parametrize("host", ["localhost:8080", "pineapple.com", "apple.com.example.org"])
def test_other_names_of_the_simulator_are_its_owners_business(caller: Caller, host: str):
    assert caller.call("GET", "/account", host=host).status == 200


# Account and organisation


def test_an_account_tells_the_server_its_organisation_and_the_limits_of_pages(simulator: Simulator, caller: Caller):
    account = caller.json("GET", "/account")
    assert account["server_name"] == "Example MDM"
    assert len(account["server_uuid"]) == 32
    assert account["org_name"] == "Example Organisation"
    assert account["org_version"] == "v2"
    assert account["admin_id"] == account["facilitator_id"]
    limits = {url["uri"]: url["limit"] for url in account["urls"] if "limit" in url}
    assert limits == {path: {"default": 100, "maximum": 1000} for path in ("/server/devices", "/devices/sync")}


@pytest.mark.parametrize("version", [None, 1, 2])
def test_an_old_version_has_no_urls_and_no_organisation_keys(simulator: Simulator, version: int | None):
    account = Caller(simulator, version=version).json("GET", "/account")
    assert not {"urls", "org_type", "org_version", "org_id", "org_id_hash"} & set(account)


def test_smaller_pages_are_told_and_kept():
    caller = Caller(Simulator(30, page_limit=7))
    limits = [url["limit"] for url in caller.json("GET", "/account")["urls"] if "limit" in url]
    assert limits == [{"default": 7, "maximum": 7}] * 2
    assert len(caller.fetch(limit=1000)["devices"]) == 7


def test_two_servers_have_names_and_uuids_of_their_own(simulator: Simulator, caller: Caller):
    uuid = simulator.add_server("other")
    simulator.get_token("other", form="json")
    account = Caller(simulator, server="other").json("GET", "/account")
    assert (account["server_name"], account["server_uuid"]) == ("other", uuid)
    assert account["org_id"] == caller.json("GET", "/account")["org_id"]
    assert uuid != caller.json("GET", "/account")["server_uuid"]


def test_beta_tokens_are_given_unless_the_organisation_turned_them_off(simulator: Simulator, caller: Caller):
    tokens = caller.json("GET", "/os-beta-enrollment/tokens")["betaEnrollmentTokens"]
    assert {token["os"] for token in tokens} == {"iOS", "OSX", "tvOS"}
    simulator.allow_betas(allowed=False)
    assert caller.refusal("GET", "/os-beta-enrollment/tokens") == (403, "APPLE_SEED_FOR_IT_TURNED_OFF")


def test_a_discovery_url_is_set_read_and_deleted(caller: Caller):
    path = "/account-driven-enrollment/profile"
    assert caller.refusal("GET", path) == (404, "NOT_FOUND")
    assert caller.call("POST", path, {"mdm_service_discovery_url": "https://mdm.example.org/x"}).status == 200
    assert caller.json("GET", path) == {
        "mdm_service_discovery_url": "https://mdm.example.org/x",
        "last_updated_timestamp": "2026-03-02T10:00:00Z",
    }
    assert caller.call("DELETE", path).status == 200
    assert caller.refusal("GET", path) == (404, "NOT_FOUND")


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({}, "MDM_SERVICE_DISCOVERY_URL_REQUIRED"),
        ({"mdm_service_discovery_url": ""}, "MDM_SERVICE_DISCOVERY_URL_REQUIRED"),
        ({"mdm_service_discovery_url": "http://mdm.example.org"}, "MDM_SERVICE_DISCOVERY_URL_NOT_VALID"),
        ({"mdm_service_discovery_url": "https://"}, "MDM_SERVICE_DISCOVERY_URL_NOT_VALID"),
        ({"mdm_service_discovery_url": "https://[x"}, "MDM_SERVICE_DISCOVERY_URL_NOT_VALID"),
        ({"mdm_service_discovery_url": "https://a b"}, "MDM_SERVICE_DISCOVERY_URL_NOT_VALID"),
        ({"mdm_service_discovery_url": 7}, "MALFORMED_REQUEST_BODY"),
    ],
)
def test_an_odd_discovery_url_is_refused(caller: Caller, body: dict[str, Any], code: str):
    assert caller.refusal("POST", "/account-driven-enrollment/profile", body) == (400, code)


def test_the_old_programme_has_neither_activation_lock_nor_account_driven_enrollment(simulator: Simulator):
    simulator.add_organisation("Old School", type="edu", version="v1")
    simulator.add_server("old", organisation="Old School")
    simulator.get_token("old", form="json")
    [serial] = simulator.buy(1, family="iPad", server="old")
    caller = Caller(simulator, server="old")
    for method in ("GET", "POST", "DELETE"):
        assert caller.refusal(method, "/account-driven-enrollment/profile", {}) == (400, "ORG_NOT_SUPPORTED")
    answer = caller.json("POST", "/device/activationlock", {"device": serial})
    assert answer == {"serial_number": serial, "response_status": "ORG_NOT_SUPPORTED"}
    assert caller.json("GET", "/account")["org_type"] == "edu"


# Devices


def test_details_answer_every_serial_once_with_the_record_or_not_found(
    simulator: Simulator, caller: Caller, serial: str
):
    odd = 'X"\\'
    found = caller.json("POST", "/devices", {"devices": [serial, odd, serial]})["devices"]
    assert found == {
        serial: json.loads(simulator.devices()[serial]) | {"response_status": "SUCCESS"},
        odd: {"response_status": "NOT_FOUND"},
    }


@pytest.mark.parametrize(
    ("method", "path", "rest"),
    [
        ("POST", "/devices", {}),
        ("POST", "/devices/disown", {}),
        ("POST", "/profile/devices", {"profile_uuid": UUID}),
        ("PUT", "/profile/devices", {"profile_uuid": UUID}),
        ("DELETE", "/profile/devices", {}),
    ],
)
@pytest.mark.parametrize(
    ("devices", "code"),
    [
        ({}, "DEVICE_ID_REQUIRED"),
        ({"devices": []}, "DEVICE_ID_REQUIRED"),
        ({"devices": None}, "DEVICE_ID_REQUIRED"),
        ({"devices": "C02"}, "MALFORMED_REQUEST_BODY"),
        ({"devices": [7]}, "MALFORMED_REQUEST_BODY"),
    ],
)
def test_endpoints_of_devices_want_a_list_of_serials(
    caller: Caller, method: str, path: str, rest: dict[str, Any], devices: dict[str, Any], code: str
):
    assert caller.refusal(method, path, rest | devices) == (400, code)


def test_disowned_devices_are_gone(simulator: Simulator, caller: Caller, serial: str):
    answer = caller.json("POST", "/devices/disown", {"devices": [serial, "X"]})
    assert answer == {"devices": {serial: "SUCCESS", "X": "NOT_ACCESSIBLE"}}
    assert serial not in simulator.devices()


def test_a_server_without_the_permission_may_not_disown(simulator: Simulator):
    simulator.add_server("careful", may_disown=False)
    simulator.get_token("careful", form="json")
    [serial] = simulator.buy(1, server="careful")
    answer = Caller(simulator, server="careful").refusal("POST", "/devices/disown", {"devices": [serial]})
    assert answer == (403, "ACCESS_DENIED")
    assert serial in simulator.devices("careful")


def test_a_replacement_tells_which_device_it_replaced(simulator: Simulator, caller: Caller, serial: str):
    new = simulator.replace([serial])[serial]
    assert caller.json("GET", f"/device/replacementDetails?device={new}") == {
        "serial_number": new,
        "original_device_serial_number": serial,
        "replacement_date": "2026-03-02",
    }


def test_what_is_no_replacement_of_ours_is_not_found(simulator: Simulator, caller: Caller, serial: str):
    new = simulator.replace([serial])[serial]
    simulator.assign([new], None)
    assert caller.refusal("GET", "/device/replacementDetails") == (400, "DEVICE_ID_REQUIRED")
    assert caller.refusal("GET", "/device/replacementDetails?device=") == (400, "DEVICE_ID_REQUIRED")
    for other in ("X", new, next(iter(simulator.devices()))):
        assert caller.refusal("GET", f"/device/replacementDetails?device={other}") == (404, "DEVICE_NOT_FOUND")


def test_endpoints_of_later_versions_are_not_there(simulator: Simulator, serial: str):
    assert Caller(simulator, version=9).refusal("GET", "/device/replacementDetails?device=X") == (404, "")
    assert Caller(simulator, version=1).refusal("POST", "/device/activationlock", {"device": serial}) == (404, "")


def test_a_device_can_be_locked_once(caller: Caller, serial: str):
    body = {"device": serial, "escrow_key": KEY, "lost_message": "please return"}
    assert caller.json("POST", "/device/activationlock", body)["response_status"] == "SUCCESS"
    assert caller.json("POST", "/device/activationlock", body)["response_status"] == "DEVICE_ALREADY_LOCKED"


@pytest.mark.parametrize(
    ("family", "status"), [("Mac", "DEVICE_NOT_SUPPORTED"), ("iPhone", "SUCCESS"), ("Vision", "SUCCESS")]
)
def test_macs_can_not_be_locked(simulator: Simulator, caller: Caller, family: str, status: str):
    [serial] = simulator.buy(1, family=family)
    assert caller.json("POST", "/device/activationlock", {"device": serial})["response_status"] == status


def test_devices_of_others_can_not_be_locked(caller: Caller):
    assert caller.json("POST", "/device/activationlock", {"device": "X"})["response_status"] == "NOT_ACCESSIBLE"


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({}, "DEVICE_ID_REQUIRED"),
        ({"device": ["C02"]}, "MALFORMED_REQUEST_BODY"),
        ({"device": "C02", "escrow_key": "DASHED-CODE"}, "MALFORMED_REQUEST_BODY"),
        ({"device": "C02", "escrow_key": "z" * 64}, "MALFORMED_REQUEST_BODY"),
        ({"device": "C02", "escrow_key": 7}, "MALFORMED_REQUEST_BODY"),
    ],
)
def test_an_odd_lock_request_is_refused(caller: Caller, body: dict[str, Any], code: str):
    assert caller.refusal("POST", "/device/activationlock", body) == (400, code)


# Profiles


def test_every_definition_makes_another_profile(simulator: Simulator, caller: Caller):
    first, second = (caller.json("POST", "/profile", PROFILE) for _ in range(2))
    assert first["devices"] == {}
    assert len(first["profile_uuid"]) == 32
    assert first["profile_uuid"] != second["profile_uuid"]
    assert set(simulator.profiles()) == {first["profile_uuid"], second["profile_uuid"]}


def test_a_defined_profile_is_read_back_with_its_uuid_and_without_devices(caller: Caller, serial: str):
    profile = PROFILE | {"is_mdm_removable": True, "key_of_the_future": [1], "devices": [serial, "X"]}
    answer = caller.json("POST", "/profile", profile)
    assert answer["devices"] == {serial: "SUCCESS", "X": "NOT_ACCESSIBLE"}
    uuid = answer["profile_uuid"]
    profile.pop("devices")
    for spelling in (uuid, uuid.lower()):
        assert caller.json("GET", f"/profile?profile_uuid={spelling}") == profile | {"profile_uuid": uuid}


def test_profiles_belong_to_their_server(simulator: Simulator, caller: Caller, uuid: str):
    simulator.add_server("other")
    simulator.get_token("other", form="json")
    assert Caller(simulator, server="other").refusal("GET", f"/profile?profile_uuid={uuid}") == (404, "NOT_FOUND")


def test_reading_wants_a_uuid_that_exists(caller: Caller):
    assert caller.refusal("GET", "/profile") == (400, "PROFILE_UUID_REQUIRED")
    assert caller.refusal("GET", f"/profile?profile_uuid={UUID}") == (404, "NOT_FOUND")


@pytest.mark.parametrize("method", ["POST", "PUT"])
def test_a_profile_is_assigned_by_post_and_by_put(caller: Caller, serial: str, uuid: str, method: str):
    answer = caller.json(method, "/profile/devices", {"profile_uuid": uuid.lower(), "devices": [serial, "X", serial]})
    assert answer == {"profile_uuid": uuid, "devices": {serial: "SUCCESS", "X": "NOT_ACCESSIBLE"}}


@pytest.mark.parametrize(("only", "other"), [("POST", "PUT"), ("PUT", "POST")])
def test_one_of_the_two_methods_can_be_turned_off(only: str, other: str):
    simulator = Simulator(1, assign_methods=[only])
    caller = Caller(simulator)
    uuid = caller.json("POST", "/profile", PROFILE)["profile_uuid"]
    body = {"profile_uuid": uuid, "devices": list(simulator.devices())}
    assert caller.refusal(other, "/profile/devices", body) == (405, "")
    assert caller.call(only, "/profile/devices", body).status == 200
    assert caller.call("DELETE", "/profile/devices", body).status == 200


@pytest.mark.parametrize(
    ("body", "answer"),
    [
        ({"devices": ["C02"]}, (400, "PROFILE_UUID_REQUIRED")),
        ({"devices": ["C02"], "profile_uuid": ""}, (400, "PROFILE_UUID_REQUIRED")),
        ({"devices": ["C02"], "profile_uuid": 7}, (400, "MALFORMED_REQUEST_BODY")),
        ({"devices": ["C02"], "profile_uuid": UUID}, (404, "NOT_FOUND")),
    ],
)
def test_an_odd_profile_can_not_be_assigned(caller: Caller, body: dict[str, Any], answer: tuple[int, str]):
    assert caller.refusal("POST", "/profile/devices", body) == answer


@pytest.mark.parametrize(("version", "status"), [(8, "FAILED"), (9, "THROTTLED"), (10, "THROTTLED")])
def test_a_throttle_is_a_failure_below_version_nine_and_tells_its_end_from_ten(
    simulator: Simulator, serial: str, uuid: str, version: int, status: str
):
    simulator.throttle([serial], 60)
    body = {"profile_uuid": uuid, "devices": [serial]}
    answer = Caller(simulator, version=version).json("POST", "/profile/devices", body)
    assert answer["devices"] == {serial: status}
    assert ("retry_after_seconds" in answer) == (version == 10)


def test_retry_after_seconds_covers_every_throttled_device(
    simulator: Simulator, caller: Caller, serial: str, uuid: str
):
    [other] = simulator.buy(1)
    simulator.throttle([serial], 60)
    simulator.throttle([other], 600)
    answer = caller.json("POST", "/profile/devices", {"profile_uuid": uuid, "devices": [serial, other]})
    assert answer["retry_after_seconds"] == 600


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"profile_name": None}, "CONFIG_NAME_REQUIRED"),
        ({"profile_name": ""}, "CONFIG_NAME_INVALID"),
        ({"profile_name": "x" * 126}, "CONFIG_NAME_INVALID"),
        ({"url": None}, "CONFIG_URL_REQUIRED"),
        ({"url": ""}, "CONFIG_URL_INVALID"),
        ({"url": "mdm.example.org"}, "CONFIG_URL_INVALID"),
        ({"url": "https://a b/"}, "CONFIG_URL_INVALID"),
        ({"url": "https://[x/"}, "CONFIG_URL_INVALID"),
        ({"url": "https://a:port/"}, "CONFIG_URL_INVALID"),
        ({"url": "https://example.org/" + "x" * 1981}, "CONFIG_URL_INVALID"),
        ({"url": "https://example.org/" + "ü" * 331}, "CONFIG_URL_INVALID"),
        ({"department": ""}, "DEPARTMENT_INVALID"),
        ({"department": "x" * 126}, "DEPARTMENT_INVALID"),
        ({"support_phone_number": "x" * 51}, "SUPPORT_PHONE_INVALID"),
        ({"support_email_address": "x" * 251}, "SUPPORT_EMAIL_INVALID"),
        ({"org_magic": ""}, "MAGIC_INVALID"),
        ({"org_magic": "x" * 257}, "MAGIC_INVALID"),
        ({"is_mdm_removable": False}, "FLAGS_INVALID"),
        ({"is_mdm_removable": False, "is_supervised": False}, "FLAGS_INVALID"),
        ({"language": "english"}, "LOCALE_INVALID"),
        ({"language": "en", "region": "us"}, "LOCALE_INVALID"),
        ({"profile_name": 7}, "MALFORMED_REQUEST_BODY"),
        ({"is_supervised": "true"}, "MALFORMED_REQUEST_BODY"),
        ({"skip_setup_items": "Siri"}, "MALFORMED_REQUEST_BODY"),
        ({"anchor_certs": [7]}, "MALFORMED_REQUEST_BODY"),
        ({"url": "", "profile_name": None, "is_mdm_removable": False}, "CONFIG_NAME_REQUIRED"),
        ({"url": "", "is_mdm_removable": False, "language": "english"}, "CONFIG_URL_INVALID"),
        ({"is_mdm_removable": False, "language": "english"}, "FLAGS_INVALID"),
    ],
)
def test_a_profile_apple_would_not_take_is_refused_by_its_code(caller: Caller, change: dict[str, Any], code: str):
    profile = {key: value for key, value in (PROFILE | change).items() if value is not None}
    assert caller.refusal("POST", "/profile", profile) == (400, code)


@pytest.mark.parametrize(
    "change",
    [
        {"profile_name": "ü" * 125},
        {"url": "https://example.org/" + "x" * 1980},
        {"url": "http://example.org/"},
        {"department": "d", "support_phone_number": "p", "support_email_address": "e", "org_magic": "m"},
        {"is_mdm_removable": False, "is_supervised": True},
        {"language": "en", "region": "US"},
        {"language": "deu"},
        {"region": "US"},
        {"skip_setup_items": ["Siri", "KeyOfTheFuture"]},
        {"department": None, "devices": None},
    ],
)
def test_a_profile_within_the_rules_is_taken(caller: Caller, change: dict[str, Any]):
    assert caller.call("POST", "/profile", PROFILE | change).status == 200


# The log of requests


def test_requests_are_logged_with_what_tests_count_and_nothing_secret(simulator: Simulator, caller: Caller):
    caller.call("GET", "/account")
    caller.refusal("POST", "/devices/sync", {})
    caller.raw("PATCH", "/nothing")
    lines = simulator.requests()
    assert [(line.number, line.method, line.path, line.status) for line in lines] == [
        (1, "GET", "/session", 200),
        (2, "GET", "/account", 200),
        (3, "POST", "/devices/sync", 400),
        (4, "PATCH", "/nothing", 404),
    ]
    assert {line.server for line in lines} == {"Example MDM", None}
    assert lines[1].protocol_version == "10"
    assert lines[1].user_agent == "tests/1"
    assert lines[3].user_agent is None
    text = repr(lines)
    assert caller.session is not None
    assert caller.session not in text
    assert not [secret for secret in caller.token.values() if secret in text]


@pytest.mark.parametrize(("since", "numbers"), [(0, [1, 2, 3]), (1, [2, 3]), (3, []), (9, [])])
def test_the_log_can_be_read_from_a_number_on(simulator: Simulator, caller: Caller, since: int, numbers: list[int]):
    caller.call("GET", "/account")
    caller.call("GET", "/account")
    assert [line.number for line in simulator.requests(since)] == numbers
