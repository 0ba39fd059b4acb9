"""What a server may ask about enrollment profiles: define, read, assign, remove.

A profile never changes once defined; every definition makes a new one, even with equal content.
Source: Apple, "Define a Profile", "Get a Profile", "Assign a Profile", "Remove a Profile" (read 2026-11).
"""

from __future__ import annotations

from typing import Any

from adept.simulator.answers import Answer, ServiceError, success
from adept.simulator.calls import Call
from adept.simulator.clock import as_apple_time
from adept.simulator.device_acts import count_assignment, modify
from adept.simulator.documents import read
from adept.simulator.profile_rules import refusal


def define(call: Call) -> Answer:
    """POST /profile, with `devices` to assign at once."""
    profile = dict(call.document)
    code = refusal(profile)
    if code:
        raise ServiceError(400, code)
    serials = call.serials(may_be_empty=True)
    profile.pop("devices", None)
    uuid = call.truth.new_uuid()
    call.server.profiles[uuid] = profile | {"profile_uuid": uuid}
    return success(
        {"profile_uuid": uuid, "devices": call.outcomes(serials, lambda serial: _assign(call, serial, uuid))}
    )


def get(call: Call) -> Answer:
    """GET /profile?profile_uuid=UUID."""
    uuid = call.request.parameter("profile_uuid")
    if uuid is None:
        raise ServiceError(400, "PROFILE_UUID_REQUIRED")
    return success(_profile(call, uuid))


def assign(call: Call) -> Answer:
    """POST or PUT /profile/devices."""
    uuid = call.text("profile_uuid", "PROFILE_UUID_REQUIRED")
    serials = call.serials()
    uuid = _profile(call, uuid)["profile_uuid"]
    outcomes = call.outcomes(serials, lambda serial: _assign(call, serial, uuid))
    answer: dict[str, Any] = {"profile_uuid": uuid, "devices": outcomes}
    if call.version >= 10 and "THROTTLED" in outcomes.values():
        answer["retry_after_seconds"] = _longest_throttle_s(call, outcomes)
    return success(answer)


def remove(call: Call) -> Answer:
    """DELETE /profile/devices, with a JSON body; the profile itself stays. Assumed: SUCCESS where there was none."""

    def act(serial: str) -> str:
        if read(call.server.roster[serial]).get("profile_status") in ("assigned", "pushed"):
            modify(call.truth, call.server, serial, profile_status="removed")
        return "SUCCESS"

    return success({"devices": call.outcomes(call.serials(), act)})


def _profile(call: Call, uuid: str) -> dict[str, Any]:
    try:
        return call.server.profiles[uuid.upper()]
    except KeyError:
        raise ServiceError(404, "NOT_FOUND") from None


def _assign(call: Call, serial: str, uuid: str) -> str:
    count_assignment(call.truth, serial)
    if call.truth.is_throttled(serial):
        return "THROTTLED"
    modify(
        call.truth,
        call.server,
        serial,
        profile_status="assigned",
        profile_uuid=uuid,
        profile_assign_time=as_apple_time(call.truth.clock.now()),
        profile_push_time=None,
    )
    return "SUCCESS"


def _longest_throttle_s(call: Call, outcomes: dict[str, str]) -> int:
    """Apple's retry_after_seconds: long enough for every throttled device. A throttle by fault lasts an hour."""
    now_s = call.truth.clock.now_s()
    waits = (call.truth.throttled[serial] - now_s for serial in outcomes if call.truth.is_throttled(serial))
    return max(waits, default=3600)
