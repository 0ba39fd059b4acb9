"""Lists of serial numbers."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adept.client.batches import batches, join_assigned, join_details, join_results, one_serial, wanted_serials
from adept.errors import Misuse
from adept.protocol.details import DeviceDetails
from adept.protocol.device import Device, MalformedDevice, fold_serial
from adept.protocol.results import AssignResult, DeviceResults


def test_serials_are_folded_blanks_and_repetitions_dropped_and_order_kept() -> None:
    assert wanted_serials([" c02b ", "", "C02A", "c02B", "  ", "C02C"]) == ("C02B", "C02A", "C02C")


@pytest.mark.parametrize("serials", [[], [""], ["  ", "\t"], iter(())])
def test_nothing_left_is_misuse(serials: Any) -> None:
    with pytest.raises(Misuse, match="no serial number"):
        wanted_serials(serials)


def test_one_string_is_not_taken_for_a_list_of_its_letters() -> None:
    with pytest.raises(Misuse, match="as a list"):
        wanted_serials("C02A")


def test_what_is_no_string_is_misuse() -> None:
    with pytest.raises(Misuse, match="not int"):
        wanted_serials([5])  # type: ignore[list-item] # that is the point


def test_one_serial_is_folded() -> None:
    assert one_serial(" c02a") == "C02A"


@pytest.mark.parametrize(("count", "sizes"), [(1, [1]), (1000, [1000]), (1001, [1000, 1]), (2500, [1000, 1000, 500])])
def test_lists_are_cut_into_thousands(count: int, sizes: list[int]) -> None:
    serials = tuple(f"S{number}" for number in range(count))
    cut = list(batches(serials))
    assert [len(batch) for batch in cut] == sizes
    assert sum(cut, ()) == serials


@given(st.lists(st.text(max_size=5), max_size=30))
def test_what_is_left_is_folded_unique_and_complete(serials: list[str]) -> None:
    wanted = {fold_serial(serial) for serial in serials} - {""}
    if wanted:
        kept = wanted_serials(serials)
        assert set(kept) == wanted
        assert len(kept) == len(wanted)


def test_details_are_joined() -> None:
    device, broken = Device(serial_number="A"), MalformedDevice("C", "why", b"")
    joined = join_details(
        [
            DeviceDetails(found={"A": device}, absent={}, malformed={}),
            DeviceDetails(found={}, absent={"B": "NOT_FOUND"}, malformed={"C": broken}),
        ]
    )
    assert joined == DeviceDetails(found={"A": device}, absent={"B": "NOT_FOUND"}, malformed={"C": broken})


def test_of_several_throttles_the_longest_counts() -> None:
    parts = [AssignResult("u", {"A": "THROTTLED"}, 60), AssignResult("u", {"B": "THROTTLED"}, 3600)]
    assert join_assigned([*parts, AssignResult("u", {"C": "SUCCESS"})]) == AssignResult(
        "u", {"A": "THROTTLED", "B": "THROTTLED", "C": "SUCCESS"}, 3600
    )


def test_without_a_throttle_there_is_no_wait() -> None:
    assert join_assigned([AssignResult("u", {"A": "SUCCESS"})]).retry_after_s is None


def test_results_are_joined() -> None:
    assert join_results([DeviceResults({"A": "SUCCESS"}), DeviceResults({"B": "FAILED"})]).statuses == {
        "A": "SUCCESS",
        "B": "FAILED",
    }
