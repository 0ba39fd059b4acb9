"""Exports over the API: files that join what is listed, in either form."""

from __future__ import annotations

import csv
import io
import json

import pytest

from tests.web.walking import add_account, walk

EXPORT = "/api/v1/devices/export"


@pytest.fixture
async def hq(service) -> list[dict[str, object]]:
    """An account's devices as they are listed."""
    await add_account(service)
    await walk(service)
    page = (await service.get("/api/v1/devices", role="viewer")).json()
    found: list[dict[str, object]] = page["items"]
    return found


async def export(service, **params):
    answer = await service.get(EXPORT, role="viewer", params=params)
    assert answer.status_code == 200, answer.text
    return answer


async def test_ndjson_has_the_very_objects_of_the_list(service, hq):
    answer = await export(service, format="ndjson")
    assert [json.loads(line) for line in answer.text.splitlines()] == hq
    assert answer.headers["Content-Type"] == "application/x-ndjson"
    assert answer.headers["Content-Disposition"] == 'attachment; filename="devices.ndjson"'


async def test_csv_has_a_line_a_device_under_its_keys(service, hq):
    answer = await export(service)
    assert answer.headers["Content-Type"] == "text/csv; charset=utf-8"
    rows = list(csv.DictReader(io.StringIO(answer.text, newline="")))
    assert [row["serial_number"] for row in rows] == [device["serial_number"] for device in hq]
    for row, device in zip(rows, hq, strict=True):
        assert row["first_seen_at"] == device["first_seen_at"]
        assert row["imei"] == ";".join(device.get("imei", []))
        assert row["model"] == device["model"]


async def test_filters_and_limits_narrow_a_file_as_they_do_a_list(service, hq):
    family = hq[0]["device_family"]
    wanted = [device for device in hq if device["device_family"] == family]
    answer = await export(service, format="ndjson", family=family)
    assert [json.loads(line) for line in answer.text.splitlines()] == wanted
    assert len((await export(service, format="ndjson", limit=3)).text.splitlines()) == 3
    assert len((await export(service, limit=3)).text.splitlines()) == 4
    everything = (await export(service, format="ndjson")).text
    assert (await export(service, format="ndjson", limit=2**64)).text == everything
    assert (await export(service, format="ndjson", deleted="true")).content == b""
    assert len((await export(service, deleted="true")).text.splitlines()) == 1


@pytest.mark.parametrize("form", ["csv", "ndjson"])
async def test_what_can_not_be_exported_is_a_problem_and_no_file(service, form: str):
    unknown = await service.get(EXPORT, role="viewer", params={"format": form, "account": "nowhere"})
    assert (unknown.status_code, unknown.json()["code"]) == (404, "not_found")
    form_unknown = await service.get(EXPORT, role="viewer", params={"format": "xlsx"})
    assert (form_unknown.status_code, form_unknown.json()["code"]) == (422, "invalid_request")
