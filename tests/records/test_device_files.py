"""Lines of exports, held to the careful way: Apple's documents of every shape, and ours beside them."""

from __future__ import annotations

import csv
import io
from datetime import datetime
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from adept.protocol.device import DEVICE_KEYS
from adept.records.csv_cells import csv_line
from adept.records.device_cells import CSV_COLUMNS, csv_lines
from adept.records.device_json import json_lines, json_list
from adept.records.devices import OURS_LAST, device_document, plain
from adept.store.device_streams import ExportedDevice
from adept.store.inventory import ListedDevice

NOW = "2026-11-20T12:00:00.123456Z"
NOW_TIME = datetime.fromisoformat(NOW)

texts = st.sampled_from(
    ["", "=1+2", "+49", "-1", "@x", "\tx", "\rx", 'a "b", c', "Größe 🍏", "line\nbreak", "'x", "\\", "cr\rx", "A-17"]
)
values = st.one_of(texts, st.none(), st.booleans(), st.integers(-5, 5), st.lists(texts, max_size=2), st.just({"a": 1}))
keys = st.sampled_from([*DEVICE_KEYS[1:], *OURS_LAST, "account", "response_status", "key_of_the_future"])


def exported(document: str, serial: str = "C02", deleted_at: str | None = None) -> ExportedDevice:
    return ExportedDevice("hq", serial, document, NOW, deleted_at, "deleted" if deleted_at else None, NOW)


def carefully_as_csv(row: ExportedDevice) -> bytes:
    document = device_document(row)
    return csv_line([plain(document.get(column)) for column in CSV_COLUMNS])


@given(st.dictionaries(keys, values), st.booleans())
def test_a_line_of_either_form_says_what_the_document_says(apples: dict[str, Any], spaced: bool):
    written = msgspec.json.encode({"serial_number": "C02", **apples})
    row = exported((msgspec.json.format(written, indent=1) if spaced else written).decode())
    assert msgspec.json.decode(json_lines([row])) == msgspec.json.decode(msgspec.json.encode(device_document(row)))
    assert csv_lines([row]) == carefully_as_csv(row)


@pytest.mark.parametrize(
    "document",
    [
        '{"serial_number":"C02"}',
        '{"serial_number":"c02","model":"iMac"}',
        '{"serial_number":" C02 ","model":"iMac"}',
        '{"model":"iMac","serial_number":"C02"}',
        '{"serial_number":"C02","serial_number":"C03"}',
        '{"serial_number":"C022","model":"iMac"}',
        '{"model":"iMac"}',
        "{}",
        ' {"serial_number":"C02","account":"theirs"} ',
        '{"serial_number":"C02","deleted_at":"never"}',
        '{"serial_number":"C02","imei":"35"}',
        '{"serial_number":"C02","is_replacement_device":"true","description":7}',
        '{"serial_number":"C02","model":"\\u003d1+2"}',
    ],
)
def test_documents_that_are_not_as_apple_writes_them_keep_one_serial_number_and_our_keys(document: str):
    row = exported(document, deleted_at=NOW)
    line = json_lines([row])
    found = msgspec.json.decode(line, type=dict[str, Any])
    assert found == msgspec.json.decode(msgspec.json.encode(device_document(row)))
    assert (found["serial_number"], found["account"], found["deleted_reason"]) == ("C02", "hq", "deleted")
    assert line.count(b'"serial_number"') == 1
    assert csv_lines([row]) == carefully_as_csv(row)


def test_a_document_on_several_lines_is_one_line():
    row = exported('{"serial_number":"C02",\n"model":"iMac"}')
    assert json_lines([row]).count(b"\n") == 1


def listed(document: str, changed_at: datetime, deleted_at: datetime | None) -> ListedDevice:
    why = "deleted" if deleted_at else None
    return ListedDevice(1, 1, "hq", "C02", None, document, NOW_TIME, changed_at, deleted_at, why)


def test_a_list_is_what_the_documents_say():
    rows = [
        listed('{"serial_number":"C02"}', NOW_TIME.replace(microsecond=0), None),
        listed('{"account":"theirs","serial_number":"C02"}', NOW_TIME, NOW_TIME),
    ]
    written = msgspec.json.encode(json_list(rows))
    assert msgspec.json.decode(written) == msgspec.json.decode(msgspec.json.encode(list(map(device_document, rows))))
    assert msgspec.json.encode(json_list([])) == b"[]"


def test_several_devices_are_several_lines():
    rows = [exported(f'{{"serial_number":"S{number}","model":"a,b"}}', f"S{number}") for number in range(3)]
    assert [msgspec.json.decode(line)["serial_number"] for line in json_lines(rows).splitlines()] == ["S0", "S1", "S2"]
    found = list(csv.reader(io.StringIO(csv_lines(rows).decode(), newline="")))
    assert [line[CSV_COLUMNS.index("serial_number")] for line in found] == ["S0", "S1", "S2"]
