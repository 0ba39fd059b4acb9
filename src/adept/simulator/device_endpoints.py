"""What a server may ask about devices: fetch, sync, details, disown, replacement, activation lock.

Source: Apple, "Fetch Devices", "Sync the List of Devices", "Get Device Details", "Disown Devices", "Get Replacement
Details", "Activation Lock a Device" (read 2026-11).
"""

from __future__ import annotations

from typing import Any

from adept.simulator import device_acts
from adept.simulator.answers import Answer, ServiceError, rendered, success
from adept.simulator.calls import STRANGE_SERIAL, Call
from adept.simulator.documents import at_version, read, with_suffix
from adept.simulator.listings import DEFAULT_LIMIT, MAXIMUM_LIMIT

_FOUND = b',"response_status":"SUCCESS"}'


def cursor_and_limit(call: Call, *, page_limit: int | None) -> tuple[str | None, int]:
    """What a request for a page asks for. Assumed: limits outside 1 to 1000 are brought inside."""
    cursor, limit = call.document.get("cursor"), call.document.get("limit")
    if not isinstance(cursor, str | None) or not isinstance(limit, int | None) or isinstance(limit, bool):
        raise ServiceError(400, "MALFORMED_REQUEST_BODY")
    largest = page_limit or MAXIMUM_LIMIT
    return cursor, min(max(1, DEFAULT_LIMIT if limit is None else limit), largest)


def details(call: Call) -> Answer:
    """POST /devices: each serial with its device, or with NOT_FOUND. Devices of other servers are not found."""
    value = call.forced.value if call.forced else None
    serials = call.serials()
    if value is not None and value not in ("", "+"):
        return success({"devices": {serial: {"response_status": value} for serial in serials}})
    heard = [*serials, STRANGE_SERIAL] if value == "+" else serials[1::2] if value == "" else serials
    members = [_name(serial) + b":" + _details(call, serial) for serial in heard]
    return rendered(b'{"devices":{' + b",".join(members) + b"}}")


def _details(call: Call, serial: str) -> bytes:
    document = call.server.roster.get(serial)
    if document is None:
        return b'{"response_status":"NOT_FOUND"}'
    return with_suffix(at_version(document, call.version), _FOUND)


def _name(serial: str) -> bytes:
    import msgspec

    return msgspec.json.encode(serial)


def disown(call: Call) -> Answer:
    """POST /devices/disown: released from the organisation. Assumed: ACCESS_DENIED without the permission to."""
    serials = call.serials()
    if not call.server.may_disown:
        raise ServiceError(403, "ACCESS_DENIED")

    def act(serial: str) -> str:
        device_acts.release(call.truth, [serial])
        return "SUCCESS"

    return success({"devices": call.outcomes(serials, act)})


def replacement(call: Call) -> Answer:
    """GET /device/replacementDetails?device=SERIAL."""
    serial = call.request.parameter("device")
    if serial is None:
        raise ServiceError(400, "DEVICE_ID_REQUIRED")
    if serial not in call.server.roster or serial not in call.truth.replacements:
        raise ServiceError(404, "DEVICE_NOT_FOUND")
    original, date = call.truth.replacements[serial]
    return success({"serial_number": serial, "original_device_serial_number": original, "replacement_date": date})


def activation_lock(call: Call) -> Answer:
    """POST /device/activationlock: failures are 200 with a status, too. Assumed: an odd escrow key is malformed."""
    serial = call.text("device", "DEVICE_ID_REQUIRED")
    escrow_key = call.document.get("escrow_key")
    if escrow_key is not None and not _is_escrow_key(escrow_key):
        raise ServiceError(400, "MALFORMED_REQUEST_BODY")
    status = call.forced.value if call.forced else _lock(call, serial, escrow_key)
    return success({"serial_number": serial, "response_status": status})


def _lock(call: Call, serial: str, escrow_key: str | None) -> str:
    document = call.server.roster.get(serial)
    if document is None:
        return "NOT_ACCESSIBLE"
    if call.organisation.version != "v2":
        return "ORG_NOT_SUPPORTED"
    if read(document).get("device_family") not in ("iPad", "iPhone", "iPod", "Vision"):
        return "DEVICE_NOT_SUPPORTED"
    if serial in call.truth.activation_locks:
        return "DEVICE_ALREADY_LOCKED"
    call.truth.activation_locks[serial] = escrow_key
    return "SUCCESS"


def _is_escrow_key(value: Any) -> bool:
    return isinstance(value, str) and len(value) == 64 and not set(value.lower()) - set("0123456789abcdef")
