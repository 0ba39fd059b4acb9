"""Per-device results: what assigning, removing, disowning and defining with devices answer.

These come with HTTP 200, so a call that succeeded may have failed for every device. Serial numbers may be missing from
the answer: those count as failed, never as done (Observed: fleetdm/fleet pull request 31666).
Source: Apple, "Assign a Profile", "Remove a Profile", "Disown Devices", "Define a Profile" (read 2026-11).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from enum import StrEnum
from math import ceil

import msgspec

from adept.protocol.answers import UNREADABLE, malformed, read_any, read_object, read_struct
from adept.protocol.device import fold_serial

MAXIMUM_DEVICES = 1000  # serial numbers a request: Apple's advice for assigning, kept for the others too
FAILED_ATTEMPTS_BEFORE_APPLE = 3  # after that many FAILED of one device: contact Apple
RETRY_THROTTLED_AFTER_S = 86_400  # without retry_after_seconds; Observed: Apple's advice in fleetdm/fleet issue 37072
LONGEST_WAIT_S = 31_536_000  # a year: what is longer is read as that


class DeviceStatus(StrEnum):
    """Apple's word for one device. Apple may add to it: the maps hold plain strings."""

    SUCCESS = "SUCCESS"
    NOT_ACCESSIBLE = "NOT_ACCESSIBLE"  # not on this MDM server
    FAILED = "FAILED"  # unexpected; below protocol version 9 Assumed to stand for THROTTLED as well
    THROTTLED = "THROTTLED"  # assign only, from version 9: too many assignments of this device; none was made
    NOT_FOUND = "NOT_FOUND"  # details only


class DeviceResults(msgspec.Struct, frozen=True):
    """Apple's word for each device, by folded serial number."""

    statuses: dict[str, str]

    def missing(self, asked: Iterable[str]) -> tuple[str, ...]:
        """Those of the serial numbers asked about that Apple did not answer for, folded, in order, each once."""
        return _missing(self.statuses, asked)


class DefineResult(msgspec.Struct, frozen=True):
    """A new profile's UUID, and what became of the devices named in it."""

    profile_uuid: str  # opaque; Observed: 32 hex, 16 in some documents
    statuses: dict[str, str]

    def missing(self, asked: Iterable[str]) -> tuple[str, ...]:
        """As `DeviceResults.missing`."""
        return _missing(self.statuses, asked)


class AssignResult(msgspec.Struct, frozen=True):
    """What became of an assignment, device by device."""

    profile_uuid: str | None  # Apple's echo of the request's
    statuses: dict[str, str]
    retry_after_s: int | None = None  # how long the THROTTLED ones must wait; version 10, only where there are any

    def missing(self, asked: Iterable[str]) -> tuple[str, ...]:
        """As `DeviceResults.missing`."""
        return _missing(self.statuses, asked)


def decode_device_results(body: bytes, *, endpoint: str) -> DeviceResults:
    """Read the answer of remove and disown; a missing map is an empty one; raises Malformed."""
    return DeviceResults(_read_statuses(body, endpoint))


def decode_define_result(body: bytes, *, endpoint: str) -> DefineResult:
    """Read the answer of define; raises Malformed, also without a profile_uuid."""
    statuses = _read_statuses(body, endpoint)
    return read_struct(body, DefineResult, endpoint=endpoint, what="a defined profile", statuses=statuses)


def decode_assign_result(body: bytes, *, endpoint: str) -> AssignResult:
    """Read the answer of assign; a `retry_after_seconds` that is no number of seconds counts as absent."""
    keys = read_object(body, endpoint=endpoint, what="the result of an assignment")
    statuses = _read_statuses(body, endpoint)
    uuid = read_any(bytes(keys["profile_uuid"])) if "profile_uuid" in keys else None
    wait = _read_seconds(read_any(bytes(keys["retry_after_seconds"]))) if "retry_after_seconds" in keys else None
    return AssignResult(uuid if isinstance(uuid, str) else None, statuses, wait)


def _read_statuses(body: bytes, endpoint: str) -> dict[str, str]:
    """The map of devices, folded. A value that is no word is left out: Apple did not answer for that device."""
    what = "a map of results by device"
    keys = read_object(body, endpoint=endpoint, what=what)
    try:
        found = msgspec.json.decode(keys.get("devices", b"{}"), type=dict[str, object])
    except UNREADABLE as error:
        raise malformed(body, str(error), endpoint=endpoint, what=what, field="$.devices") from error
    statuses: dict[str, str] = {}
    for serial, status in found.items():
        folded = fold_serial(serial)
        if isinstance(status, str) and status and statuses.get(folded, DeviceStatus.SUCCESS) == DeviceStatus.SUCCESS:
            statuses[folded] = status
    return statuses


def _read_seconds(found: object) -> int | None:
    """Assumed: a string of digits or a fraction may come one day; a fraction rounds up. No wait exceeds a year."""
    if isinstance(found, str) and found.strip().isascii() and found.strip().isdigit() and len(found) < 12:
        return min(int(found), LONGEST_WAIT_S)
    if isinstance(found, bool) or not isinstance(found, int | float) or found < 0:
        return None
    return min(ceil(found), LONGEST_WAIT_S)


def _missing(statuses: Mapping[str, str], asked: Iterable[str]) -> tuple[str, ...]:
    wanted = dict.fromkeys(fold_serial(serial) for serial in asked)
    return tuple(serial for serial in wanted if serial and serial not in statuses)
