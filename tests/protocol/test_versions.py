"""Protocol versions."""

from __future__ import annotations

import pytest

from adept.protocol.account import Account
from adept.protocol.device import DEVICE_KEYS
from adept.protocol.profile import KEYS
from adept.protocol.versions import (
    ACCOUNT_KEYS_SINCE,
    ENDPOINTS_SINCE,
    IPADOS_SINCE,
    KEYS_SINCE,
    PROFILE_KEYS_SINCE,
    PROTOCOL_VERSION,
    RETRY_AFTER_SECONDS_SINCE,
    THROTTLED_SINCE,
)


def keys_of(since: dict[str, int], version: int) -> set[str]:
    return {key for key, first in since.items() if first == version}


def test_the_newest_version_is_sent() -> None:
    assert PROTOCOL_VERSION == 10
    assert max(KEYS_SINCE.values()) == PROTOCOL_VERSION


def test_every_field_of_a_device_has_its_version() -> None:
    assert set(KEYS_SINCE) == set(DEVICE_KEYS)


def test_every_field_of_an_account_has_its_version() -> None:
    assert set(ACCOUNT_KEYS_SINCE) == set(Account.__struct_fields__) - {"document"}


def test_profile_keys_that_need_a_version_are_keys_of_profiles() -> None:
    assert set(PROFILE_KEYS_SINCE) < set(KEYS)


@pytest.mark.parametrize(
    ("version", "keys"),
    [
        (2, {"os", "device_family"}),
        (3, set()),
        (4, set()),
        (5, set()),
        (6, set()),
        (7, set()),
        (8, {"mdm_migration_deadline"}),
        (9, set()),
        (
            10,
            {"imei", "meid", "eid", "wifi_mac_address", "bluetooth_mac_address", "ethernet_mac_address"}
            | {"is_replacement_device", "released_by_replacement"},
        ),
    ],
)
def test_a_version_adds_these_device_keys(version: int, keys: set[str]) -> None:
    assert keys_of(dict(KEYS_SINCE), version) == keys


def test_version_3_adds_the_organisation_and_the_urls() -> None:
    assert keys_of(dict(ACCOUNT_KEYS_SINCE), 3) == {"urls", "org_type", "org_version", "org_id", "org_id_hash"}


def test_version_2_adds_these_profile_keys() -> None:
    assert keys_of(dict(PROFILE_KEYS_SINCE), 2) == {
        "await_device_configured",
        "is_multi_user",
        "auto_advance_setup",
        "support_email_address",
    }


def test_two_endpoints_need_more_than_the_first_version() -> None:
    assert dict(ENDPOINTS_SINCE) == {"POST /device/activationlock": 2, "GET /device/replacementDetails": 10}


def test_behaviour_changes_with_these_versions() -> None:
    assert (IPADOS_SINCE, THROTTLED_SINCE, RETRY_AFTER_SECONDS_SINCE) == (7, 9, 10)
