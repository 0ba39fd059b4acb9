"""The details of devices."""

from __future__ import annotations

import json
from typing import Any

import pytest

from adept.errors import Malformed
from adept.protocol.details import DeviceDetails, decode_details

ENDPOINT = "POST /devices"


def details(**devices: Any) -> DeviceDetails:
    return decode_details(json.dumps({"devices": devices}).encode(), endpoint=ENDPOINT)


def test_a_device_takes_its_serial_number_from_the_map_where_it_has_none() -> None:
    read = details(F9FX10AAAA01={"model": "iPad", "response_status": "SUCCESS"})
    assert read.found["F9FX10AAAA01"].serial_number == "F9FX10AAAA01"
    assert read.found["F9FX10AAAA01"].model == "iPad"


@pytest.mark.parametrize("status", ["NOT_FOUND", "NOT_ACCESSIBLE", "FAILED", "SOMETHING_NEW", "success"])
def test_anything_but_success_is_absent_with_apples_word(status: str) -> None:
    assert details(A1={"response_status": status}).absent == {"A1": status}


@pytest.mark.parametrize("status", ["SUCCESS", None, ""])
def test_a_device_without_a_status_is_there(status: str | None) -> None:
    read = details(A1={"serial_number": "A1", "response_status": status})
    assert set(read.found) == {"A1"}
    assert not read.absent


def test_serial_numbers_are_folded() -> None:
    read = decode_details(
        b'{"devices": {" f9fx ": {"response_status": "SUCCESS"}, "zz": {"response_status": "NOT_FOUND"}}}',
        endpoint=ENDPOINT,
    )
    assert set(read.found) == {"F9FX"}
    assert set(read.absent) == {"ZZ"}


def test_a_device_that_cant_be_read_is_neither_found_nor_absent() -> None:
    read = details(A1={"model": 3, "response_status": "SUCCESS"}, A2="SUCCESS", A3={"response_status": 404})
    assert not read.found
    assert not read.absent
    assert set(read.malformed) == {"A1", "A2", "A3"}
    assert "$.model" in read.malformed["A1"].reason
    assert read.malformed["A1"].serial_number == "A1"


def test_a_device_that_describes_another_is_malformed() -> None:
    read = details(A1={"serial_number": "A2", "response_status": "SUCCESS"})
    assert "A2" in read.malformed["A1"].reason
    assert not read.found


def test_a_serial_number_in_two_spellings_is_there_if_one_of_them_is() -> None:
    read = details(a1={"response_status": "SUCCESS"}, A1={"response_status": "NOT_FOUND"})
    assert set(read.found) == {"A1"}
    assert not read.absent


@pytest.mark.parametrize("body", [b"{}", b'{"devices": null}', b'{"devices": {}}', b'{"devices": ""}'])
def test_no_devices_is_an_empty_answer(body: bytes) -> None:
    read = decode_details(body, endpoint=ENDPOINT)
    assert (read.found, read.absent, read.malformed) == ({}, {}, {})


@pytest.mark.parametrize("body", [b"", b"[]", b'{"devices": []}', b'{"devices": 3}', b"<html>", b'{"devices": {"A1'])
def test_an_answer_of_another_shape_is_malformed(body: bytes) -> None:
    with pytest.raises(Malformed, match="POST /devices: Apple's answer is not a map of devices"):
        decode_details(body, endpoint=ENDPOINT)


def test_a_null_entry_was_not_answered_for() -> None:
    read = details(A1=None)
    assert (read.found, read.absent, read.malformed) == ({}, {}, {})


def test_an_entry_under_a_blank_serial_number_is_malformed() -> None:
    read = decode_details(b'{"devices": {" ": {"response_status": "SUCCESS"}}}', endpoint=ENDPOINT)
    assert set(read.malformed) == {""}
    assert read.malformed[""].serial_number is None


def test_unknown_keys_of_a_device_are_kept() -> None:
    assert details(A1={"response_status": "SUCCESS", "capacity": 64}).found["A1"].extra == {"capacity": 64}
