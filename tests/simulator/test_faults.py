"""Faults: which request they strike, and what each word makes of its answer."""

from __future__ import annotations

import json
from email.utils import parsedate_to_datetime
from typing import Any

import pytest

from adept.errors import ConfigError
from adept.simulator.fault_words import ENDPOINTS, WORDS, find_word
from adept.simulator.faults import Faults, endpoint_key
from adept.simulator.simulator import Simulator
from tests.simulator.caller import Caller
from tests.simulator.conftest import START

PROFILE = {"profile_name": "one", "url": "https://mdm.example.org/enroll"}

# Every code of Apple's, by the status it comes with.
CODES = {
    400: """ MALFORMED_REQUEST_BODY USER_AGENT_MISSING USER_AGENT_INVALID INVALID_CURSOR EXHAUSTED_CURSOR EXPIRED_CURSOR
        CURSOR_REQUIRED DEVICE_ID_REQUIRED PROFILE_UUID_REQUIRED NOT_FOUND PROFILE_NOT_FOUND CONFIG_NAME_REQUIRED
        CONFIG_NAME_INVALID CONFIG_URL_REQUIRED CONFIG_URL_INVALID DEPARTMENT_REQUIRED DEPARTMENT_INVALID
        SUPPORT_PHONE_REQUIRED SUPPORT_PHONE_INVALID SUPPORT_EMAIL_INVALID MAGIC_INVALID FLAGS_INVALID LOCALE_INVALID
        DESCRIPTION_INVALID MDM_SERVICE_DISCOVERY_URL_REQUIRED MDM_SERVICE_DISCOVERY_URL_NOT_VALID ORG_NOT_SUPPORTED""",
    401: "UNAUTHORIZED signature_invalid token_rejected EXPIRED_TOKEN",
    403: "FORBIDDEN ACCESS_DENIED T_C_NOT_SIGNED APPLE_SEED_FOR_IT_TURNED_OFF signature_invalid token_rejected",
    404: "NOT_FOUND PROFILE_NOT_FOUND DEVICE_NOT_FOUND",
    429: "TOO_MANY_REQUESTS",
}


def statuses(caller: Caller, count: int, method: str = "GET", path: str = "/account") -> list[int]:
    """The statuses of that many requests."""
    return [caller.call(method, path).status for _ in range(count)]


# Which requests


def test_a_fault_strikes_once_unless_told_otherwise(simulator: Simulator, caller: Caller):
    simulator.fault("get_account", "internal_server_error")
    assert statuses(caller, 3) == [500, 200, 200]


def test_a_fault_strikes_as_often_as_told_after_as_many_requests_as_told(simulator: Simulator, caller: Caller):
    simulator.fault("get_account", "internal_server_error", count=2, after=1)
    assert statuses(caller, 4) == [200, 500, 500, 200]


def test_faults_of_one_endpoint_are_served_in_order_with_pauses_of_success(simulator: Simulator, caller: Caller):
    for word in ("internal_server_error", "success", "gateway_timeout"):
        simulator.fault("get_account", word)
    assert statuses(caller, 4) == [500, 200, 504, 200]


def test_a_fault_concerns_its_endpoint_only(simulator: Simulator, caller: Caller):
    simulator.fault("get_account", "internal_server_error")
    assert caller.fetch()["devices"]
    assert statuses(caller, 1) == [500]


def test_a_fault_for_any_endpoint_strikes_the_next_request(simulator: Simulator, caller: Caller):
    caller.open()
    simulator.fault("*", "internal_server_error")
    assert caller.refusal("POST", "/devices/sync", {}) == (500, "")


def test_a_share_strikes_about_that_often_and_the_same_for_the_same_seed():
    def drawn() -> list[int]:
        simulator = Simulator(seed=5)
        simulator.fault("get_account", "internal_server_error", share=0.3)
        return statuses(Caller(simulator), 300)

    assert 60 < drawn().count(500) < 120
    assert drawn() == drawn()


def test_a_share_with_a_count_ends(simulator: Simulator, caller: Caller):
    simulator.fault("get_account", "internal_server_error", share=0.5, count=3)
    assert statuses(caller, 200).count(500) == 3
    assert simulator.faults() == []


def test_faults_can_be_seen_and_cleared(simulator: Simulator, caller: Caller):
    simulator.fault("GET /account", "too_many_requests", count=3, seconds=2)
    assert simulator.faults() == [
        {
            "endpoint": "get_account",
            "response": "too_many_requests",
            "count": 3,
            "share": None,
            "after": 0,
            "seconds": 2,
        }
    ]
    simulator.clear_faults()
    assert statuses(caller, 1) == [200]


def test_the_log_names_the_fault_that_answered(simulator: Simulator, caller: Caller):
    simulator.fault("get_account", "forbidden")
    caller.call("GET", "/account")
    assert [line.fault for line in simulator.requests()] == [None, "forbidden"]


@pytest.mark.parametrize(
    "spelling",
    [
        "post_server_devices",
        "POST_SERVER_DEVICES",
        "post_server_devices_responses",
        "POST /server/devices",
        " post  /server/devices ",
    ],
)
def test_an_endpoint_may_be_spelt_in_several_ways(spelling: str):
    assert endpoint_key(spelling) == "post_server_devices"


@pytest.mark.parametrize(
    ("spelling", "key"),
    [
        ("GET /os-beta-enrollment/tokens", "get_os_beta_enrollment_tokens"),
        ("GET /device/replacementDetails", "get_device_replacementdetails"),
        ("*", "*"),
    ],
)
def test_paths_with_dashes_and_capitals_are_endpoints_too(spelling: str, key: str):
    assert endpoint_key(spelling) == key


@pytest.mark.parametrize("spelling", ["", "get_nothing", "PATCH /account", "account"])
def test_an_endpoint_nobody_knows_is_named(spelling: str):
    with pytest.raises(ConfigError, match="no endpoint"):
        Faults(0).add(spelling, "forbidden")


@pytest.mark.parametrize(
    "numbers", [{"count": 0}, {"count": -1}, {"share": 0.0}, {"share": 1.5}, {"after": -1}, {"share": float("nan")}]
)
def test_numbers_that_can_not_be_are_refused(numbers: dict[str, Any]):
    with pytest.raises(ConfigError):
        Faults(0).add("get_account", "forbidden", **numbers)


def test_a_word_nobody_knows_is_named_with_its_likes():
    with pytest.raises(ConfigError, match=r"'forbiden'.*did you mean forbidden"):
        find_word("forbiden", "get_account")
    with pytest.raises(ConfigError, match="'zzz'"):
        find_word("zzz", "get_account")


@pytest.mark.parametrize(
    ("word", "endpoint"),
    [("truncated_fetch", "post_devices_sync"), ("not_accessible", "get_account"), ("expire_session", "get_session")],
)
def test_a_word_without_sense_at_an_endpoint_is_refused(word: str, endpoint: str):
    with pytest.raises(ConfigError, match="makes no sense"):
        find_word(word, endpoint)


@pytest.mark.parametrize("endpoint", sorted(ENDPOINTS))
def test_every_endpoint_of_the_service_can_be_struck(caller: Caller, simulator: Simulator, endpoint: str):
    path = {
        "post_server_devices": "/server/devices",
        "post_devices_sync": "/devices/sync",
        "post_devices_disown": "/devices/disown",
        "post_profile_devices": "/profile/devices",
        "put_profile_devices": "/profile/devices",
        "delete_profile_devices": "/profile/devices",
        "post_device_activationlock": "/device/activationlock",
        "get_device_replacementdetails": "/device/replacementDetails",
        "get_os_beta_enrollment_tokens": "/os-beta-enrollment/tokens",
    }
    method, _, rest = endpoint.partition("_")
    where = path.get(endpoint, "/account-driven-enrollment/profile" if "driven" in endpoint else f"/{rest}")
    simulator.fault(endpoint, "gateway_timeout")
    assert caller.raw(method.upper(), where).status == 504


# Errors in place of service


@pytest.mark.parametrize(
    ("status", "code"), [(status, code) for status, codes in CODES.items() for code in codes.split()]
)
def test_there_is_a_word_for_every_code_of_apples(simulator: Simulator, caller: Caller, status: int, code: str):
    head = {400: "bad_request", 401: "unauthorized", 403: "forbidden", 404: "not_found", 429: "too_many_requests"}[
        status
    ]
    word = (
        head
        if code in ("UNAUTHORIZED", "FORBIDDEN", "TOO_MANY_REQUESTS") or (status, code) == (404, "NOT_FOUND")
        else f"{head}_{code.lower()}"
    )
    simulator.fault("get_profile", word)
    answer = caller.call("GET", "/profile")
    assert (answer.status, answer.body.decode()) == (status, code)
    assert answer.content_type == "text/plain;charset=UTF8"


@pytest.mark.parametrize(
    ("word", "status"),
    [
        ("bad_request", 400),
        ("invalid_method", 405),
        ("internal_server_error", 500),
        ("gateway_timeout", 504),
        ("service_unavailable_without_retry_after", 503),
    ],
)
@pytest.mark.parametrize("quoted", [False, True])
def test_errors_without_a_code_have_no_body(word: str, status: int, quoted: bool):
    simulator = Simulator(quoted_errors=quoted)
    simulator.fault("get_session", word)
    answer = Caller(simulator).open()
    assert (answer.status, answer.body) == (status, b"")
    assert "Retry-After" not in answer.headers


def test_errors_by_fault_are_quoted_too_where_that_is_wanted():
    simulator = Simulator(quoted_errors=True)
    simulator.fault("get_session", "forbidden_t_c_not_signed")
    assert Caller(simulator).open().body == b'"T_C_NOT_SIGNED"'


@pytest.mark.parametrize(
    ("word", "seconds", "header"),
    [
        ("too_many_requests", None, "10"),
        ("too_many_requests", 3, "3"),
        ("too_many_requests", 0.5, "0.5"),
        ("service_unavailable", None, "120"),
        ("too_many_requests_without_retry_after", 3, None),
    ],
)
def test_retry_after_comes_in_seconds(
    simulator: Simulator, caller: Caller, word: str, seconds: float | None, header: str | None
):
    simulator.fault("get_account", word, seconds=seconds)
    assert caller.call("GET", "/account").headers.get("Retry-After") == header


@pytest.mark.parametrize(
    ("word", "seconds", "wait_s"), [("too_many_requests_date", None, 10), ("service_unavailable_date", 7, 7)]
)
def test_retry_after_comes_as_a_date(
    simulator: Simulator, caller: Caller, word: str, seconds: float | None, wait_s: int
):
    simulator.fault("get_account", word, seconds=seconds)
    header = caller.call("GET", "/account").headers["Retry-After"]
    assert (parsedate_to_datetime(header) - START).total_seconds() == wait_s
    assert header.endswith("GMT")


def test_a_date_to_retry_after_counts_by_real_time_however_far_the_clock_was_moved(
    simulator: Simulator, caller: Caller
):
    simulator.advance(3600)
    caller.open()
    simulator.fault("get_account", "too_many_requests_date")
    header = caller.call("GET", "/account").headers["Retry-After"]
    assert (parsedate_to_datetime(header) - START).total_seconds() == 10


# What becomes of devices


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/devices/disown"),
        ("POST", "/profile"),
        ("POST", "/profile/devices"),
        ("PUT", "/profile/devices"),
        ("DELETE", "/profile/devices"),
    ],
)
@pytest.mark.parametrize(
    ("word", "status"),
    [
        ("not_accessible", "NOT_ACCESSIBLE"),
        ("failed", "FAILED"),
        ("throttled", "THROTTLED"),
        ("unknown_status", "STATUS_OF_THE_FUTURE"),
    ],
)
def test_an_outcome_can_be_forced_and_nothing_changes(
    simulator: Simulator, caller: Caller, method: str, path: str, word: str, status: str
):
    uuid = caller.json("POST", "/profile", PROFILE)["profile_uuid"]
    before = simulator.devices()
    simulator.fault(f"{method} {path}", word)
    body = PROFILE | {"profile_uuid": uuid, "devices": list(before)[:3]}
    answer = caller.json(method, path, body)
    assert answer["devices"] == dict.fromkeys(list(before)[:3], status)
    assert simulator.devices() == before


@pytest.mark.parametrize(
    ("word", "status"), [("not_accessible", "NOT_ACCESSIBLE"), ("not_found", "NOT_FOUND"), ("failed", "FAILED")]
)
def test_details_can_be_made_to_find_nothing(simulator: Simulator, caller: Caller, word: str, status: str):
    simulator.fault("post_devices", word)
    [serial, *_] = simulator.devices()
    assert caller.json("POST", "/devices", {"devices": [serial]}) == {"devices": {serial: {"response_status": status}}}


def test_not_found_is_a_status_at_disown_and_an_error_where_one_thing_is_asked_for(
    simulator: Simulator, caller: Caller
):
    simulator.fault("post_devices_disown", "not_found")
    simulator.fault("post_profile_devices", "not_found")
    assert caller.json("POST", "/devices/disown", {"devices": ["X"]}) == {"devices": {"X": "NOT_FOUND"}}
    assert caller.refusal("POST", "/profile/devices", {}) == (404, "NOT_FOUND")


def test_a_forced_throttle_tells_an_hour(simulator: Simulator, caller: Caller):
    uuid = caller.json("POST", "/profile", PROFILE)["profile_uuid"]
    simulator.fault("post_profile_devices", "throttled")
    body = {"profile_uuid": uuid, "devices": list(simulator.devices())[:1]}
    assert caller.json("POST", "/profile/devices", body)["retry_after_seconds"] == 3600


def test_missing_devices_are_left_out_and_not_acted_on(simulator: Simulator, caller: Caller):
    uuid = caller.json("POST", "/profile", PROFILE)["profile_uuid"]
    serials = list(simulator.devices())[:4]
    simulator.fault("post_profile_devices", "missing_devices")
    answer = caller.json("POST", "/profile/devices", {"profile_uuid": uuid, "devices": serials})
    assert answer["devices"] == dict.fromkeys(serials[1::2], "SUCCESS")
    assigned = [serial for serial in serials if b'"assigned"' in simulator.devices()[serial]]
    assert assigned == serials[1::2]


@pytest.mark.parametrize(("method", "path"), [("POST", "/devices"), ("DELETE", "/profile/devices")])
def test_a_strange_device_is_answered_for_unasked(simulator: Simulator, caller: Caller, method: str, path: str):
    simulator.fault(f"{method} {path}", "strange_device")
    [serial, *_] = simulator.devices()
    answer = caller.json(method, path, {"devices": [serial]})
    assert set(answer["devices"]) == {serial, "ZZ9PLURALZ"}


def test_details_may_leave_devices_out(simulator: Simulator, caller: Caller):
    simulator.fault("post_devices", "missing_devices")
    serials = list(simulator.devices())[:2]
    assert set(caller.json("POST", "/devices", {"devices": serials})["devices"]) == {serials[1]}


@pytest.mark.parametrize(
    "word", ["org_not_supported", "device_not_supported", "device_already_locked", "failed", "not_accessible"]
)
def test_a_lock_can_be_made_to_fail(simulator: Simulator, caller: Caller, word: str):
    [serial] = simulator.buy(1, family="iPad")
    simulator.fault("post_device_activationlock", word)
    body = {"device": serial}
    assert caller.json("POST", "/device/activationlock", body)["response_status"] == word.upper()
    assert caller.json("POST", "/device/activationlock", body)["response_status"] == "SUCCESS"


# Sessions


def test_a_session_can_be_expired_in_mid_walk(simulator: Simulator, caller: Caller):
    caller.fetch(limit=2)
    simulator.fault("post_server_devices", "expire_session")
    assert caller.refusal("POST", "/server/devices", {}) == (401, "UNAUTHORIZED")
    assert caller.refusal("GET", "/account") == (401, "UNAUTHORIZED")


def test_a_new_session_token_can_be_sent_with_any_answer(simulator: Simulator, caller: Caller):
    caller.open()
    before = caller.session
    simulator.fault("post_devices_sync", "new_session_token")
    assert caller.refusal("POST", "/devices/sync", {})[0] == 400
    assert caller.session != before
    assert caller.call("GET", "/account").status == 200


def test_a_session_token_can_be_empty(simulator: Simulator, caller: Caller):
    simulator.fault("get_session", "empty_session_token")
    assert json.loads(caller.open().body) == {"auth_session_token": ""}


# Trouble on the line that shows in the answer


@pytest.mark.parametrize(
    ("word", "status", "content_type", "start"),
    [
        ("bad_gateway_html", 502, "text/html", b"<!DOCTYPE html>"),
        ("success_html", 200, "text/html", b"<!DOCTYPE html>"),
        ("success_empty", 200, "application/json;charset=UTF8", b""),
        ("success_wrong_shape", 200, "application/json;charset=UTF8", b'["this"'),
        ("redirect", 302, "text/plain;charset=UTF8", b""),
    ],
)
def test_an_answer_can_be_something_else(
    simulator: Simulator, caller: Caller, word: str, status: int, content_type: str, start: bytes
):
    simulator.fault("get_account", word)
    answer = caller.call("GET", "/account")
    assert (answer.status, answer.content_type) == (status, content_type)
    assert answer.body.startswith(start)
    assert ("Location" in answer.headers) == (word == "redirect")


def test_half_a_body_is_complete_http_and_broken_json(simulator: Simulator, caller: Caller):
    whole = caller.call("GET", "/account").body
    simulator.fault("get_account", "half_body")
    assert caller.call("GET", "/account").body == whole[: len(whole) // 2]


@pytest.mark.parametrize(
    "word", ["drop_after", "drop_during", "bad_gateway_html", "half_body", "slow", "slow_body", "success_html"]
)
def test_with_trouble_after_the_act_the_act_has_taken_effect(simulator: Simulator, caller: Caller, word: str):
    simulator.fault("post_profile", word, seconds=0)
    caller.call("POST", "/profile", PROFILE)
    assert len(simulator.profiles()) == 1


@pytest.mark.parametrize("word", ["drop_before", "redirect", "internal_server_error"])
def test_with_trouble_before_the_act_nothing_has_happened(simulator: Simulator, caller: Caller, word: str):
    simulator.fault("post_profile", word)
    caller.call("POST", "/profile", PROFILE)
    assert simulator.profiles() == {}


def test_a_dropped_request_stands_in_the_log_without_a_status(simulator: Simulator, caller: Caller):
    simulator.fault("get_account", "drop_after")
    caller.call("GET", "/account")
    assert [line.status for line in simulator.requests()] == [200, None]


def test_trouble_on_the_line_does_not_hide_a_refusal(simulator: Simulator, caller: Caller):
    simulator.fault("post_devices_sync", "slow", seconds=0)
    assert caller.refusal("POST", "/devices/sync", {}) == (400, "CURSOR_REQUIRED")


def test_every_word_is_carried_out_somewhere():
    """No word without an effect: each is a status, or one of the four who carry effects out, or good service."""
    assert {word.effect for word in WORDS.values()} == {None, "result", "page", "line", "session"}
    assert [word.name for word in WORDS.values() if word.effect is None and word.status is None] == ["success"]
