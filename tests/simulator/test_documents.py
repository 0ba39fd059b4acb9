"""Documents of devices: rendering, changing, and what older protocol versions see."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adept.simulator.documents import KEYS_SINCE, at_version, changed, read, render, with_suffix, without
from adept.simulator.fleet import Fleet

FULL = {
    "serial_number": "C02AAAAAAAAA",
    "model": "iPad",
    "description": 'the "best", one",op_type":',
    "color": "BLUE",
    "asset_tag": "tag \U0001f3f7",
    "profile_status": "assigned",
    "profile_uuid": "A" * 32,
    "profile_assign_time": "2026-03-02T10:00:00Z",
    "profile_push_time": "2026-03-02T10:00:00Z",
    "device_assigned_by": "it@example.org",
    "device_assigned_date": "2026-03-02T10:00:00Z",
    "os": "iPadOS",
    "device_family": "iPad",
    "mdm_migration_deadline": "2026-04-02T10:00:00Z",
    "wifi_mac_address": "AA:BB:CC:DD:EE:FF",
    "bluetooth_mac_address": "AA:BB:CC:DD:EE:FE",
    "ethernet_mac_address": "AA:BB:CC:DD:EE:FD",
    "imei": ["350000000000006"],
    "meid": ["35000000000000"],
    "eid": "8" * 32,
    "is_replacement_device": True,
    "released_by_replacement": True,
    "key_of_the_future": {"a": [1]},
}
OPERATION = b',"op_type":"added","op_date":"2026-03-02T10:00:00Z"}'


def test_changing_a_field_keeps_the_order_of_keys():
    document = Fleet(1).named(["A1"], ("iPad",), datetime(2026, 3, 2, tzinfo=UTC))["A1"]
    there = changed(document, profile_status="assigned", profile_uuid="B" * 32)
    back = changed(there, profile_status="empty", profile_uuid=None)
    assert back == document


def test_none_takes_a_key_away_and_an_empty_string_does_not():
    assert read(changed(render(FULL), asset_tag=None, color="")) == {
        key: value for key, value in FULL.items() if key != "asset_tag"
    } | {"color": ""}


def test_keys_nobody_knows_survive_and_come_last():
    document = changed(render(FULL), color="RED")
    assert list(read(document))[-1] == "key_of_the_future"
    assert "key_of_the_future" not in read(changed(document, key_of_the_future=None))


def test_keys_can_be_taken_away_and_marks_set_at_once():
    fields = read(without(render(FULL), ["imei", "meid"], is_replacement_device=False))
    assert "imei" not in fields
    assert fields["is_replacement_device"] is False


def test_the_newest_version_sees_the_document_as_it_lies():
    assert at_version(render(FULL), 10) == render(FULL)


@pytest.mark.parametrize("version", range(1, 10))
def test_an_older_version_sees_no_key_that_came_later(version: int):
    seen = read(at_version(render(FULL), version))
    assert {key for key in KEYS_SINCE if key in seen} == {key for key, since in KEYS_SINCE.items() if since <= version}
    assert "key_of_the_future" not in seen


@pytest.mark.parametrize(("version", "os"), [(1, None), (2, "iOS"), (6, "iOS"), (7, "iPadOS"), (10, "iPadOS")])
def test_ipads_say_ios_below_version_seven(version: int, os: str | None):
    assert read(at_version(render(FULL), version)).get("os") == os


def test_other_systems_keep_their_name_in_every_version():
    document = render(FULL | {"os": "OSX", "device_family": "Mac"})
    assert read(at_version(document, 2))["os"] == "OSX"


@given(
    st.sets(st.sampled_from([key for key in FULL if key != "serial_number"])),
    st.integers(1, 10),
    st.booleans(),
)
def test_every_version_sees_the_same_keys_however_it_is_cut(absent: set[str], version: int, is_operation: bool):
    fields = {key: value for key, value in FULL.items() if key not in absent}
    document = render(fields)
    if is_operation:
        document = with_suffix(document, OPERATION)
        fields |= {"op_type": "added", "op_date": "2026-03-02T10:00:00Z"}
    expected = {
        key: value
        for key, value in fields.items()
        if KEYS_SINCE.get(key, 10 if key == "key_of_the_future" else 1) <= version
    }
    if version < 7 and "os" in expected:
        expected["os"] = "iOS"
    assert json.loads(at_version(document, version)) == expected
