"""What is printed, apart from any command: tables, lists, CSV cells, serial numbers, joined answers."""

from __future__ import annotations

import csv
import io
import json
from datetime import UTC, datetime
from itertools import count, islice
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from adept.cli.apple_bodies import devices_of, join_maps, last_members
from adept.cli.demo_check import differences
from adept.cli.files import replacing
from adept.cli.output import ItemsPrinter, counted, print_items, readable
from adept.cli.serials import NO_FILE, SerialsFile, fold, gather
from adept.cli.table import TablePrinter, print_table
from adept.errors import Misuse
from adept.records.csv_cells import cell, csv_line, defuse

NOON = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)


def test_columns_line_up(capsys: pytest.CaptureFixture[str]) -> None:
    assert print_table(("A", "LONG HEADER", "C"), [("1", "x", None), ("longer", True, "c")], empty="") == 2
    assert capsys.readouterr().out == "A       LONG HEADER  C\n1       x\nlonger  yes          c\n"


def test_wide_and_combining_characters_line_up(capsys: pytest.CaptureFixture[str]) -> None:
    print_table(("A", "B"), [("机", "x"), ("e\u0301", "x"), ("ab", "x")], empty="")
    assert capsys.readouterr().out == "A   B\n机  x\ne\u0301   x\nab  x\n"


def test_an_empty_table_is_a_sentence(capsys: pytest.CaptureFixture[str]) -> None:
    print_table(("A",), [], empty="There is nothing.")
    assert capsys.readouterr().out == "There is nothing.\n"


def test_a_table_takes_rows_as_they_come_and_prints_them_before_the_next(capsys: pytest.CaptureFixture[str]) -> None:
    printer = TablePrinter(("N",))
    printer.add((number,) for number in islice(count(), 1000))
    assert printer.printed == 1000
    printer.add([("wider than before",)])
    assert len(capsys.readouterr().out.splitlines()) == 1002


def test_a_list_is_one_document_with_its_cursor(capsys: pytest.CaptureFixture[str]) -> None:
    print_items([{"a": 1}, {"at": NOON, "raw": msgspec.Raw(b'{"b": 2}')}], next_cursor="7")
    out = capsys.readouterr().out
    assert json.loads(out) == {
        "items": [{"a": 1}, {"at": "2026-11-21T12:00:00Z", "raw": {"b": 2}}],
        "next_cursor": "7",
    }
    assert '{"b": 2}' in out


def test_an_empty_list_is_a_document_too(capsys: pytest.CaptureFixture[str]) -> None:
    ItemsPrinter().end()
    assert json.loads(capsys.readouterr().out) == {"items": [], "next_cursor": None}


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, ""),
        (False, "no"),
        (("a", 1), "a, 1"),
        (NOON, "2026-11-21 12:00:00Z"),
        ("a\tb\x1b[2J\n", "a\\tb\\x1b[2J\\n"),
        ("für 🍏", "für 🍏"),
    ],
)
def test_values_are_one_line_of_printable_text(value: object, text: str) -> None:
    assert readable(value) == text


@given(st.text())
def test_no_text_can_steer_the_terminal(text: str) -> None:
    assert readable(text).isprintable()


def test_things_are_counted_in_words() -> None:
    assert [counted(number, "device") for number in (0, 1, 2000)] == ["0 devices", "1 device", "2,000 devices"]


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r"])
def test_what_a_spreadsheet_would_run_gets_an_apostrophe(start: str) -> None:
    assert defuse(f"{start}cmd|' /C calc'!A0") == f"'{start}cmd|' /C calc'!A0"
    assert cell([f"{start}1", "2"]) == f"'{start}1;2"


@given(st.text())
def test_no_cell_begins_as_a_formula_and_all_others_stay(text: str) -> None:
    defused = defuse(text)
    assert not defused.startswith(("=", "+", "-", "@", "\t", "\r"))
    assert defused in (text, f"'{text}")


@given(st.lists(st.one_of(st.none(), st.booleans(), st.text(), st.lists(st.text(alphabet="ab;"))), min_size=1))
def test_a_csv_line_reads_back_as_its_cells(values: list[object]) -> None:
    [row] = csv.reader(io.StringIO(csv_line(values).decode("utf-8", "replace"), newline=""))
    assert len(row) == len(values)
    for found, value in zip(row, values, strict=True):
        assert found == cell(value).encode("utf-8", "replace").decode()


def test_cells_are_text_for_other_programs() -> None:
    assert [cell(value) for value in (None, True, NOON, ["1", "2"], 7)] == [
        "",
        "true",
        "2026-11-21T12:00:00Z",
        "1;2",
        "7",
    ]


def test_serials_are_folded_and_blanks_and_duplicates_dropped() -> None:
    assert fold([" c02a ", "C02A", "", "b,c  d", "C"]) == ["C02A", "B", "C", "D"]


@given(st.lists(st.text()))
def test_folding_twice_is_folding_once(words: list[str]) -> None:
    once = fold(words)
    assert fold(once) == once
    assert len(set(once)) == len(once)


def test_serials_come_from_arguments_before_the_file(tmp_path: Path) -> None:
    file = tmp_path / "serials"
    file.write_bytes("\ufeffb\r\nA\r\n".encode())
    assert gather(["a"], SerialsFile(serials_file=file)) == ["A", "B"]


def test_a_file_of_serials_that_is_no_text_is_told(tmp_path: Path) -> None:
    (tmp_path / "serials").write_bytes(b"\xff\xfe\x00\x81")
    with pytest.raises(Misuse, match="not a text file"):
        gather([], SerialsFile(serials_file=tmp_path / "serials"))
    with pytest.raises(Misuse, match="no serial number"):
        gather([" "], NO_FILE)


def test_a_single_answer_stays_as_it_is_and_several_become_one() -> None:
    one = b'{"devices": {"A": "SUCCESS"}, "profile_uuid": "U"}'
    two = b'{"profile_uuid":"U","devices":{"B":{"x" : 1}},"retry_after_seconds":90,"new":true}'
    three = b'{"profile_uuid":"U","devices":{"C":"THROTTLED"},"retry_after_seconds":120}'
    assert join_maps([one]) is one
    joined = join_maps([one, two, three])
    assert json.loads(joined) == {
        "profile_uuid": "U",
        "new": True,
        "devices": {"A": "SUCCESS", "B": {"x": 1}, "C": "THROTTLED"},
        "retry_after_seconds": 120,
    }
    assert b'{"x" : 1}' in joined


def test_the_parts_of_a_page_are_taken_as_they_are() -> None:
    page = b'{"devices": [{"a" : 1}, {}], "cursor": "c", "more_to_follow": "false", "else": 1}'
    assert [bytes(device) for device in devices_of(page)] == [b'{"a" : 1}', b"{}"]
    assert last_members(page) == b',"cursor":"c","more_to_follow":"false"'
    assert list(devices_of(b"{}")) == []
    assert last_members(b"{}") == b""


def test_a_file_is_replaced_only_when_it_is_complete(tmp_path: Path) -> None:
    file = tmp_path / "out"
    file.write_text("old")
    with pytest.raises(ZeroDivisionError), replacing(file) as out:
        out.write(bytes(1 // 0))
    assert [path.name for path in tmp_path.iterdir()] == ["out"]
    assert file.read_text() == "old"
    with replacing(file) as out:
        out.write(b"new")
    assert [path.read_text() for path in tmp_path.iterdir()] == ["new"]


def test_the_demonstration_finds_every_difference() -> None:
    stored = {"A": '{"x":1,"op_type":"added"}', "B": '{"x":1}', "C": "{}"}
    truth = {"A": {"x": 1}, "B": {"x": 2}, "D": {}}
    assert differences(stored, truth) == [
        "B is stored otherwise",
        "C is stored but not at Apple",
        "D is not stored",
    ]
    assert differences({"A": '{"x":1}'}, {"A": {"x": 1}}) == []
