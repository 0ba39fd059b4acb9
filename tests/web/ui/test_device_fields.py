"""Apple's values as people read them, whatever Apple sends."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from adept.protocol.device import DEVICE_KEYS
from adept.web.ui.device_fields import ABSENT, LABELS, field_rows, unsaid, value_of


def test_every_key_we_know_has_a_name_of_its_own() -> None:
    assert set(LABELS) == set(DEVICE_KEYS)
    assert len(set(LABELS.values())) == len(LABELS)


@pytest.mark.parametrize(
    ("key", "found", "told"),
    [
        ("model", "iPad", "iPad"),
        ("model", "", None),
        ("os", "OSX", "macOS"),
        ("os", "iPadOS", "iPadOS"),
        ("imei", ["1", "2"], "1, 2"),
        ("imei", [], None),
        ("imei", 7, "7"),
        ("is_replacement_device", True, "yes"),
        ("is_replacement_device", "true", "true"),
        ("profile_push_time", "2026-03-01T12:00:00Z", datetime(2026, 3, 1, 12, tzinfo=UTC)),
        ("profile_push_time", "soon", "soon"),
        ("profile_push_time", 5, "5"),
        ("model", {"a": [None]}, '{"a":[null]}'),
        ("tomorrow", "OSX", "OSX"),
    ],
)
def test_a_value_is_told_in_plain_words_beside_its_json(key: str, found: Any, told: Any) -> None:
    value = value_of(key, found)
    assert value.told == told
    assert json.loads(value.raw or "") == found


def test_known_keys_come_first_and_what_belongs_to_an_answer_is_not_compared() -> None:
    stored = {"tomorrow": 1, "op_type": "added", "color": "RED", "serial_number": "C02"}
    live = {"serial_number": "C02", "color": "BLUE", "response_status": "SUCCESS", "today": None}
    rows = field_rows(json.dumps(stored), live, differing={"color"})
    assert [row.key for row in rows] == ["serial_number", "color", "op_type", "tomorrow", "today"]
    assert [row.key for row in rows if row.differs] == ["color"]
    assert {row.key: row.live for row in rows}["op_type"] is None
    assert {row.key: row.live for row in rows}["tomorrow"] == ABSENT


def test_what_apple_leaves_out_is_named() -> None:
    assert {"Model", "IMEI"} <= set(unsaid('{"serial_number": "C02", "model": "", "color": "RED"}'))
    assert not {"Colour", "Serial number", "Last event at Apple"} & set(unsaid('{"serial_number": "C", "color": "R"}'))
