"""`adept devices`: listing, filtering, showing and exporting what is stored."""

from __future__ import annotations

import csv
import io
import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from adept.records.device_cells import CSV_COLUMNS
from adept.simulator.running import Running
from tests.cli.conftest import Run

IPAD, MAC, GONE = "F9FX10AAAA01", "C02AAAA00001", "C02AAAA00002"

pytestmark = pytest.mark.usefixtures("desk")


@pytest.fixture
def fleet(adept: Run, apple: Running, hq: str) -> Running:
    """An iPad, a Mac with a telling description, and a Mac that is gone."""
    apple.simulator.buy(serials=[IPAD], family="iPad", fields={"asset_tag": "=1+2", "imei": ["35", "36"]})
    apple.simulator.buy(serials=[MAC, GONE], family="Mac", fields={"description": "MBA 13 “für alle” 🍏"})
    apple.simulator.amend([MAC], key_of_the_future={"new": [1, None]})
    assert adept("accounts", "sync", hq).code == 0
    apple.simulator.release([GONE])
    assert adept("accounts", "sync", hq).code == 0
    return apple


def listed(adept: Run, *words: object) -> list[str]:
    ran = adept("devices", "list", "--json", *words)
    assert ran.code == 0, ran.err
    return [device["serial_number"] for device in ran.json["items"]]


@pytest.mark.parametrize(
    ("words", "serials"),
    [
        ((), [MAC, IPAD]),
        (("--account", "hq"), [MAC, IPAD]),
        (("--account", "HQ"), [MAC, IPAD]),
        (("--family", "ipad"), [IPAD]),
        (("--status", "empty"), [MAC, IPAD]),
        (("--status", "pushed"), []),
        (("--profile", "0" * 32), []),
        (("--deleted",), [GONE]),
        (("--search", "für"), [MAC]),
        (("--search", "=1+"), [IPAD]),
        (("--search", "c02aaaa"), [MAC]),
        (("--limit", 1), [MAC]),
        (("--limit", 1, "--family", "iPad"), [IPAD]),
    ],
)
def test_every_filter_narrows(adept: Run, fleet: Running, words: tuple[object, ...], serials: list[str]) -> None:
    assert listed(adept, *words) == serials


def test_a_device_has_apples_keys_at_top_level_beside_ours(adept: Run, fleet: Running) -> None:
    [mac, ipad] = adept("devices", "list", "--json").json["items"]
    assert mac["account"] == "hq"
    assert mac["key_of_the_future"] == {"new": [1, None]}
    assert mac["description"] == "MBA 13 “für alle” 🍏"
    assert ipad["imei"] == ["35", "36"]
    assert (mac["deleted_at"], mac["deleted_reason"]) == (None, None)
    assert mac["first_seen_at"].endswith("Z")
    [gone] = adept("devices", "list", "--deleted", "--json").json["items"]
    assert gone["deleted_reason"] == "deleted"
    assert gone["deleted_at"] >= gone["first_seen_at"]


def test_people_see_a_table(adept: Run, fleet: Running) -> None:
    lines = adept("devices", "list").out.splitlines()
    assert lines[0].split()[:3] == ["ACCOUNT", "SERIAL", "FAMILY"]
    assert lines[1].startswith(f"hq       {MAC}  Mac")
    assert "unassigned" not in lines[1]
    assert "DELETED" in adept("devices", "list", "--deleted").out.splitlines()[0]
    assert adept("devices", "list", "--status", "pushed").out == "There are no such devices.\n"


def test_an_unknown_account_or_impossible_limit_is_our_callers_mistake(adept: Run, fleet: Running) -> None:
    assert adept("devices", "list", "--account", "nobody").code == 2
    assert adept("devices", "list", "--limit", 0).code == 2


def test_show_tells_all_of_one_device_in_any_spelling(adept: Run, fleet: Running) -> None:
    shown = adept("devices", "show", f" {MAC.lower()} ", "--json").json
    assert (shown["serial_number"], shown["key_of_the_future"]) == (MAC, {"new": [1, None]})
    out = adept("devices", "show", MAC).out
    assert f"serial_number          {MAC}\n" in out
    assert "deleted_at" not in out
    assert "deleted_reason" in adept("devices", "show", GONE).out


def test_show_of_a_device_nobody_knows_or_several_have(adept: Run, fleet: Running, tmp_path: Path) -> None:
    assert adept("devices", "show", "NOSUCH").code == 2
    adept("accounts", "add", "twin", "--token", tmp_path / "token.json")
    adept("accounts", "sync", "twin")
    ran = adept("devices", "show", MAC)
    assert ran.code == 2
    assert "hq, twin" in ran.err
    assert adept("devices", "show", MAC, "--account", "twin", "--json").json["account"] == "twin"


def test_csv_has_a_header_and_every_known_key(adept: Run, fleet: Running) -> None:
    ran = adept("devices", "export")
    assert ran.code == 0
    rows = list(csv.DictReader(io.StringIO(ran.out, newline="")))
    assert tuple(rows[0]) == CSV_COLUMNS
    assert [row["serial_number"] for row in rows] == [MAC, IPAD]
    assert rows[0]["description"] == "MBA 13 “für alle” 🍏"
    assert rows[1]["imei"] == "35;36"
    assert rows[1]["deleted_at"] == ""


def test_csv_cells_that_a_spreadsheet_would_run_are_defused(adept: Run, fleet: Running) -> None:
    rows = list(csv.DictReader(io.StringIO(adept("devices", "export", "--format", "csv").out, newline="")))
    assert rows[1]["asset_tag"] == "'=1+2"
    raw = [json.loads(line) for line in adept("devices", "export", "--format", "ndjson").out.splitlines()]
    assert raw[1]["asset_tag"] == "=1+2"


def test_ndjson_has_one_object_a_line_with_every_key(adept: Run, fleet: Running) -> None:
    lines = adept("devices", "export", "--format", "ndjson").out.splitlines()
    devices: list[dict[str, Any]] = [json.loads(line) for line in lines]
    assert devices == adept("devices", "list", "--json").json["items"]


def test_tombstones_are_exported_only_on_demand(adept: Run, fleet: Running) -> None:
    assert GONE not in adept("devices", "export").out
    [row] = csv.DictReader(io.StringIO(adept("devices", "export", "--deleted").out, newline=""))
    assert (row["serial_number"], row["deleted_reason"]) == (GONE, "deleted")


def test_an_export_goes_to_a_file_whole_or_not_at_all(adept: Run, fleet: Running, tmp_path: Path) -> None:
    file = tmp_path / "devices.csv"
    file.write_text("old")
    assert adept("devices", "export", "-o", file, "--account", "nobody").code == 2
    assert file.read_text() == "old"
    assert adept("devices", "export", "-o", file, "--family", "iPad").out == ""
    assert len(file.read_text().splitlines()) == 2
    assert adept("devices", "export", "-o", tmp_path / "no" / "x.csv").code == 2
    assert adept("devices", "export", "--format", "xml").code == 2


def test_whoever_reads_only_the_beginning_of_an_export_gets_no_error(
    adept: Run, apple: Running, hq: str, spawn: Callable[..., subprocess.Popen[str]]
) -> None:
    apple.simulator.buy(5000)
    adept("accounts", "sync", hq)
    process = spawn("devices", "export", "--format", "ndjson")
    assert process.stdout is not None
    assert process.stderr is not None
    assert process.stdout.readline().startswith("{")
    process.stdout.close()
    assert process.wait(60) == 0
    assert process.stderr.read() == ""
    process.stdout = None
