"""Whether the store has what Apple has, key by key. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

_OF_A_LISTING = ("op_type", "op_date", "response_status")  # belong to an answer, not to a device

_decode = msgspec.json.Decoder(dict[str, Any]).decode


def differences(stored: Mapping[str, str], truth: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """A sentence for each device that is missing, too many, or not as Apple has it; empty if there is none."""
    missing = [f"{serial} is not stored" for serial in truth.keys() - stored.keys()]
    surplus = [f"{serial} is stored but not at Apple" for serial in stored.keys() - truth.keys()]
    both = truth.keys() & stored.keys()
    wrong = [
        f"{serial} is stored otherwise" for serial in both if _plain(_decode(stored[serial])) != _plain(truth[serial])
    ]
    return sorted([*missing, *surplus, *wrong])


def _plain(device: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in device.items() if key not in _OF_A_LISTING}
