"""depsim's configuration files, read as they are."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from adept.errors import ConfigError
from adept.simulator.depsim import read_configuration
from adept.simulator.simulator import Simulator
from tests.simulator.caller import Caller

# The words that configuration files of the field use, by endpoint.
EVIDENCED = {
    "get_session": """
        bad_request forbidden_access_denied forbidden_t_c_not_signed invalid_method unauthorized
        too_many_requests
    """,
    "get_account": """
        forbidden unauthorized invalid_method
    """,
    "post_server_devices": """
        bad_request_malformed_request_body bad_request_invalid_cursor bad_request_exhausted_cursor forbidden
        unauthorized invalid_method
    """,
    "post_devices_sync": """
        bad_request_malformed_request_body bad_request_invalid_cursor bad_request_exhausted_cursor forbidden
        unauthorized invalid_method bad_request_cursor_required
    """,
    "post_devices": """
        success not_found forbidden bad_request_malformed_request_body bad_request_device_id_required
        unauthorized invalid_method
    """,
    "post_devices_disown": """
        success not_accessible not_found forbidden bad_request_malformed_request_body
        bad_request_device_id_required unauthorized invalid_method
    """,
    "post_profile": """
        success not_accessible failed forbidden bad_request_malformed_request_body
        bad_request_config_url_required bad_request_config_name_required bad_request_department_required
        bad_request_support_phone_required unauthorized invalid_method
    """,
    "put_profile_devices": """
        success not_accessible failed forbidden bad_request_malformed_request_body
        bad_request_device_id_required bad_request_profile_uuid_required bad_request_profile_not_found
        unauthorized invalid_method
    """,
    "get_profile": """
        forbidden bad_request_profile_uuid_required bad_request_profile_not_found unauthorized
        invalid_method
    """,
    "delete_profile_devices": """
        success not_accessible failed forbidden bad_request_device_id_required unauthorized invalid_method
    """,
}
FILE = {
    "device_insertions": {"devices_per_event": 500, "device_types": ["IPAD", "MAC"]},
    **{
        f"{endpoint}_responses": [{"count": 1, "response": word} for word in words.split()]
        for endpoint, words in EVIDENCED.items()
    },
}


def test_a_file_with_every_word_of_the_field_is_read_unchanged(tmp_path: Path):
    path = tmp_path / "depsim.json"
    path.write_text(json.dumps(FILE, indent=2))
    found = read_configuration(path)
    assert (found.devices, found.families) == (500, ("iPad", "Mac"))
    assert len(found.faults) == sum(len(words.split()) for words in EVIDENCED.values())


def test_the_words_come_in_order_and_then_service_is_good():
    simulator = Simulator(config={"get_session_responses": FILE["get_session_responses"]})
    caller = Caller(simulator)
    answers = [caller.open() for _ in range(7)]
    assert [(answer.status, answer.body.decode()) for answer in answers[:6]] == [
        (400, ""),
        (403, "ACCESS_DENIED"),
        (403, "T_C_NOT_SIGNED"),
        (405, ""),
        (401, "UNAUTHORIZED"),
        (429, "TOO_MANY_REQUESTS"),
    ]
    assert answers[6].status == 200


def test_forbidden_is_forbidden():
    simulator = Simulator(config={"get_account_responses": [{"count": 2, "response": "forbidden"}]})
    caller = Caller(simulator)
    assert [caller.call("GET", "/account").body for _ in range(3)][:2] == [b"FORBIDDEN"] * 2


def test_the_configuration_sets_the_size_and_the_families_of_the_fleet():
    simulator = Simulator(config=FILE)
    families = {json.loads(document)["device_family"] for document in simulator.devices().values()}
    assert len(simulator.devices()) == 500
    assert families == {"iPad", "Mac"}


def test_a_number_of_devices_given_overrides_the_configuration():
    assert len(Simulator(3, config=FILE).devices()) == 3
    assert len(Simulator(0, config=FILE).devices()) == 0


def test_a_configuration_without_insertions_makes_no_devices():
    assert len(Simulator(config={}).devices()) == 0


def test_a_reset_serves_the_configurations_faults_again():
    simulator = Simulator(config={"get_session_responses": [{"response": "bad_request"}]})
    for _ in range(2):
        assert [Caller(simulator).open().status for _ in range(2)] == [400, 200]
        simulator.reset()


@pytest.mark.parametrize(
    ("config", "named"),
    [
        ({"device_insertion": {}}, "device_insertion"),
        ({"get_nothing_responses": []}, "get_nothing_responses"),
        ({"device_insertions": []}, "device_insertions"),
        ({"device_insertions": {"every": 5}}, "every"),
        ({"device_insertions": {"devices_per_event": "many"}}, "many"),
        ({"device_insertions": {"devices_per_event": -1}}, "-1"),
        ({"device_insertions": {"devices_per_event": True}}, "True"),
        ({"device_insertions": {"device_types": "IPAD"}}, "device_types"),
        ({"device_insertions": {"device_types": ["NEWTON"]}}, "NEWTON"),
        ({"get_account_responses": {}}, "get_account_responses"),
        ({"get_account_responses": ["forbidden"]}, "forbidden"),
        ({"get_account_responses": [{"count": 1}]}, "response"),
        ({"get_account_responses": [{"response": "forbidden", "times": 3}]}, "times"),
        ({"get_account_responses": [{"response": "forbidden", "count": 0}]}, "0"),
        ({"get_account_responses": [{"response": "forbidden", "count": "1"}]}, "1"),
        ({"get_account_responses": [{"response": "verboten"}]}, "verboten"),
        ({"get_account_responses": [{"response": 7}]}, "7"),
    ],
)
def test_what_nobody_knows_stops_the_start_and_is_named(config: dict[str, Any], named: str):
    with pytest.raises(ConfigError, match=named):
        Simulator(config=config)


@pytest.mark.parametrize("content", ["", "{", "[]", "\ufeff{}x", '"text"'])
def test_a_file_that_is_no_json_object_is_named(tmp_path: Path, content: str):
    path = tmp_path / "odd.json"
    path.write_text(content, encoding="utf-8")
    with pytest.raises(ConfigError, match="odd"):
        read_configuration(path)


def test_a_file_that_is_not_there_is_named(tmp_path: Path):
    with pytest.raises(ConfigError, match="absent"):
        Simulator(config=str(tmp_path / "absent.json"))


@pytest.mark.parametrize(
    "settings",
    [
        {"devices": -1},
        {"assign_methods": []},
        {"assign_methods": ["PATCH"]},
        {"cursor_length": 1001},
        {"page_limit": 0},
        {"page_limit": 1001},
    ],
)
def test_settings_that_can_not_be_are_refused(settings: dict[str, Any]):
    with pytest.raises(ConfigError):
        Simulator(**settings)
