"""The fleets that simulators start with, and what is bought later."""

from __future__ import annotations

import json
import re
from collections import Counter
from datetime import UTC, datetime
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adept.simulator.catalogue import FAMILY_WEIGHTS, MODELS
from adept.simulator.documents import read, render
from adept.simulator.fleet import Fleet
from adept.simulator.identifiers import eid, imei, luhn_of_type, mac_address

WHEN = datetime(2026, 3, 2, tzinfo=UTC)


def is_luhn(number: str) -> bool:
    """The textbook's way, digit by digit from the right."""
    total = 0
    for place, digit in enumerate(reversed(number)):
        value = int(digit) * (2 if place % 2 else 1)
        total += value - 9 if value > 9 else value
    return total % 10 == 0


def test_the_same_seed_gives_the_same_fleet_to_the_byte():
    assert Fleet(7).founding(500) == Fleet(7).founding(500)


def test_another_seed_gives_another_fleet():
    assert not set(Fleet(7).founding(500)) & set(Fleet(8).founding(500))


def test_a_fleet_has_all_families_both_shapes_of_serials_and_years_of_orders():
    devices = [json.loads(document) for document in Fleet(1).founding(20_000).values()]
    families = Counter(device["device_family"] for device in devices)
    assert set(families) == set(FAMILY_WEIGHTS)
    assert {len(device["serial_number"]) for device in devices} == {10, 12}
    assert {device["device_assigned_date"][:4] for device in devices} >= {
        "2021",
        "2022",
        "2023",
        "2024",
        "2025",
        "2026",
    }
    assert len({device["color"] for device in devices}) > 10
    assert any("asset_tag" in device for device in devices)
    assert any("asset_tag" not in device for device in devices)


def test_a_fleet_is_ordered_by_its_assignment_dates():
    dates = [json.loads(document)["device_assigned_date"] for document in Fleet(1).founding(3000).values()]
    assert all(earlier <= later for earlier, later in pairwise(dates))


def test_every_device_carries_plausible_numbers():
    for serial, document in Fleet(3).founding(2000).items():
        device = json.loads(document)
        assert device["serial_number"] == serial
        assert re.fullmatch(r"[0-9A-Z]{10}|[0-9A-Z]{12}", serial)
        assert re.fullmatch(r"(?:[0-9A-F]{2}:){5}[0-9A-F]{2}", device["wifi_mac_address"])
        assert device["profile_status"] == "empty"
        if "imei" in device:
            [number] = device["imei"]
            assert re.fullmatch(r"\d{15}", number)
            assert is_luhn(number)
            assert device["meid"] == [number[:14]]
            assert re.fullmatch(r"\d{32}", device["eid"])


def test_devices_are_born_with_their_keys_in_the_one_order():
    for document in Fleet(5).founding(2000).values():
        assert render(read(document)) == document


def test_a_hostile_fleet_has_families_and_keys_nobody_knows():
    devices = [json.loads(document) for document in Fleet(1, hostile=True).founding(5000).values()]
    assert any(device["device_family"] == "Hologram" for device in devices)
    assert any("key_of_the_future" in device for device in devices)
    assert any(device["device_family"] == "iPad" for device in devices)


@pytest.mark.parametrize("family", FAMILY_WEIGHTS)
def test_devices_of_one_family_can_be_ordered(family: str):
    devices = Fleet(1).order(5, (family,), WHEN, taken=())
    assert {json.loads(document)["device_family"] for document in devices.values()} == {family}


def test_an_order_takes_no_serial_number_that_is_taken():
    first = Fleet(1).order(50, ("iPad",), WHEN, taken=())
    assert not set(Fleet(1).order(50, ("iPad",), WHEN, taken=first)) & set(first)


def test_devices_with_chosen_serials_keep_them():
    assert list(Fleet(1).named(["A1", "b 2"], (), WHEN)) == ["A1", "b 2"]


def test_every_cellular_model_has_an_imei_type_of_eight_digits():
    assert all(model.tac is None or re.fullmatch(r"\d{8}", model.tac) for model in MODELS)


@given(st.integers(0, 2**20 - 1), st.integers(0, 10**8 - 1))
def test_every_imei_passes_the_luhn_check(bits: int, kind: int):
    tac = f"{kind:08d}"
    assert is_luhn(imei(bits, tac, luhn_of_type(tac)))


@given(st.integers(0, 2**64 - 1))
def test_every_eid_and_mac_address_has_its_length(bits: int):
    assert len(eid(bits)) == 32
    assert len(mac_address(bits)) == 17
