"""What assigning, removing, disowning and defining answer per device."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adept.errors import Malformed
from adept.protocol.results import (
    LONGEST_WAIT_S,
    AssignResult,
    DefineResult,
    DeviceResults,
    DeviceStatus,
    decode_assign_result,
    decode_define_result,
    decode_device_results,
)


def assigned(**answer: Any) -> AssignResult:
    return decode_assign_result(json.dumps(answer).encode(), endpoint="POST /profile/devices")


def test_the_statuses_of_a_device_are_these() -> None:
    assert [str(status) for status in DeviceStatus] == ["SUCCESS", "NOT_ACCESSIBLE", "FAILED", "THROTTLED", "NOT_FOUND"]


def test_an_assignment_answers_device_by_device() -> None:
    statuses = {"A1": "SUCCESS", "A2": "NOT_ACCESSIBLE", "A3": "FAILED", "A4": "THROTTLED", "A5": "BRAND_NEW"}
    result = assigned(profile_uuid="U", devices=statuses, retry_after_seconds=3600)
    assert result == AssignResult("U", statuses, 3600)


@pytest.mark.parametrize(
    ("found", "seconds"),
    [
        *[(3600, 3600), (0, 0), ("3600", 3600), (1.5, 2), (2.0, 2), (-1, None), ("soon", None), ("", None)],
        *[(None, None), (True, None), ([], None), ({}, None), ("²", None), ("1" * 30, None)],
        *[(1e300, LONGEST_WAIT_S), (10**30, LONGEST_WAIT_S), ("99999999999", LONGEST_WAIT_S)],
    ],
)
def test_retry_after_seconds_is_a_number_of_seconds_or_absent(found: Any, seconds: int | None) -> None:
    assert assigned(devices={}, retry_after_seconds=found).retry_after_s == seconds


@pytest.mark.parametrize("found", [None, "", 3, ["U"]])
def test_an_assignment_without_its_profiles_uuid_is_still_read(found: Any) -> None:
    assert assigned(profile_uuid=found, devices={"A1": "SUCCESS"}) == AssignResult(None, {"A1": "SUCCESS"})


def test_a_number_too_long_to_read_does_not_cost_the_result() -> None:
    body = b'{"devices": {"A1": "SUCCESS"}, "retry_after_seconds": ' + b"9" * 5000 + b"}"
    assert decode_assign_result(body, endpoint="x") == AssignResult(None, {"A1": "SUCCESS"})


def test_a_new_profile_has_its_uuid_and_its_devices() -> None:
    body = b'{"profile_uuid": "U", "devices": {"A1": "SUCCESS"}}'
    assert decode_define_result(body, endpoint="POST /profile") == DefineResult("U", {"A1": "SUCCESS"})


def test_a_new_profile_needs_no_devices() -> None:
    assert decode_define_result(b'{"profile_uuid": "U"}', endpoint="POST /profile") == DefineResult("U", {})


@pytest.mark.parametrize("body", [b"{}", b'{"profile_uuid": ""}', b'{"profile_uuid": 7}', b'{"devices": {}}'])
def test_a_new_profile_without_a_uuid_is_malformed(body: bytes) -> None:
    with pytest.raises(Malformed) as caught:
        decode_define_result(body, endpoint="POST /profile")
    assert caught.value.endpoint == "POST /profile"


@pytest.mark.parametrize("body", [b"{}", b'{"devices": null}', b'{"devices": ""}', b'{"devices": {}}'])
def test_a_missing_map_is_an_empty_one(body: bytes) -> None:
    assert decode_device_results(body, endpoint="POST /devices/disown") == DeviceResults({})


@pytest.mark.parametrize("body", [b"", b"[]", b'{"devices": ["A1"]}', b'{"devices": 3}', b"<html>", b'{"devices": {'])
def test_an_answer_of_another_shape_is_malformed(body: bytes) -> None:
    for decode in (decode_device_results, decode_assign_result, decode_define_result):
        with pytest.raises(Malformed):
            decode(body, endpoint="DELETE /profile/devices")


@pytest.mark.parametrize("status", [None, "", 3, {"status": "SUCCESS"}, ["SUCCESS"], True])
def test_a_device_whose_answer_is_no_word_was_not_answered_for(status: Any) -> None:
    result = assigned(devices={"A1": status, "A2": "SUCCESS"})
    assert result.statuses == {"A2": "SUCCESS"}
    assert result.missing(["A1", "A2"]) == ("A1",)


@pytest.mark.parametrize("pair", [{"a1": "SUCCESS", "A1": "FAILED"}, {"a1": "FAILED", "A1": "SUCCESS"}])
def test_of_two_answers_for_one_device_the_bad_one_counts(pair: dict[str, str]) -> None:
    assert assigned(devices=pair).statuses == {"A1": "FAILED"}


@pytest.mark.parametrize(
    "result", [DeviceResults({"A1": "x"}), DefineResult("U", {"A1": "x"}), AssignResult("U", {"A1": "x"})]
)
def test_missing_are_those_asked_for_folded_in_order_and_once(
    result: DeviceResults | DefineResult | AssignResult,
) -> None:
    assert result.missing(["c3", "A1", " a1 ", "B2", "C3", "", " "]) == ("C3", "B2")


serials = st.lists(st.text(alphabet="abAB01 ", max_size=3), max_size=12)


@given(asked=serials, answered=serials)
def test_every_serial_number_asked_for_is_answered_or_missing(asked: list[str], answered: list[str]) -> None:
    result = assigned(devices=dict.fromkeys(answered, "SUCCESS"))
    wanted = {serial.strip().upper() for serial in asked} - {""}
    assert wanted == set(result.missing(asked)) | (wanted & result.statuses.keys())
    assert not set(result.missing(asked)) & result.statuses.keys()
