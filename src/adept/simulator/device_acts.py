"""What happens to devices, and what each act writes into whose log.

    act                                        record after                      log entry
    bought, assigned to a server for the first time, or after being unassigned
                                               empty, device_assigned_date now   added
    unassigned, released, disowned             gone                              deleted
    assigned from another server               removed, old profile data stay    modified; deleted on the old server
    assigned to the server it is on            removed, old profile data stay    modified
    assigned with a migration deadline         empty, the deadline               added; deleted on the old server
    profile assigned                           assigned, uuid, assign time       modified
    switched on (fetches its profile)          pushed, push time                 modified
    profile removed by API                     removed, uuid and times stay      modified
    replaced                                   gone                              deleted, released_by_replacement
    arrives as a replacement                   empty, is_replacement_device      added

Nothing of a throttled device is logged until its throttle ends.
Observed: the moves between servers, to the same server and the removal, in reports from production.
Assumed: `modified` for assign and push, and what a `deleted` entry holds (no profile keys), after Apple's sample.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from adept.errors import Misuse
from adept.simulator.clock import as_apple_time
from adept.simulator.documents import PROFILE_KEYS, changed, read, without
from adept.simulator.organisation import MdmServer, Operation, Organisation
from adept.simulator.truth import Truth, Unknown

RELEASE_GRACE_S = 24 * 3600  # Assumed: "a short grace period", in which a released device may be assigned again
THROTTLE_S = 3600
_DAY_S = 24 * 3600
_FRESH = {"profile_status": "empty", "profile_uuid": None, "profile_assign_time": None, "profile_push_time": None}


def found(truth: Truth, server: MdmServer, count: int, families: Sequence[str] = ()) -> None:
    """Give a new server the fleet it starts with; this is before the log begins."""
    devices = truth.fleet.founding(count, families)
    server.roster.update(devices)
    truth.holders.update(dict.fromkeys(devices, server))


def buy(
    truth: Truth,
    *,
    count: int | None = None,
    serials: Sequence[str] | None = None,
    families: Sequence[str] = (),
    server: MdmServer | None = None,
    organisation: Organisation | None = None,
    fields: Mapping[str, Any] | None = None,
) -> list[str]:
    """New devices for an organisation, assigned to `server` or to nobody yet; gives their serial numbers.

    `fields` overwrites keys of every new document: odd values and keys of the future are welcome here.
    """
    now = truth.clock.now()
    for serial in serials or ():
        if serial in truth.holders:
            raise Misuse(f"there is a device {serial!r} already")
    if serials is not None:
        devices = truth.fleet.named(serials, families, now)
    else:
        devices = truth.fleet.order(1 if count is None else count, families, now, taken=truth.holders)
    if fields:
        devices = {serial: changed(document, **fields) for serial, document in devices.items()}
    owner = server.organisation if server else organisation or truth.organisation()
    for serial, document in devices.items():
        owner.released.pop(serial, None)
        if server:
            _arrive(truth, server, serial, document, "added")
        else:
            _shelve(truth, owner, serial, document)
    return list(devices)


def assign(
    truth: Truth, serials: Sequence[str], server: MdmServer, *, migration_deadline: datetime | None = None
) -> None:
    """Assign devices to a server in the portal, wherever in its organisation they are. All of them or none."""
    places = {serial: _find(truth, serial, server.organisation) for serial in dict.fromkeys(serials)}
    date = as_apple_time(truth.clock.now())
    deadline = as_apple_time(migration_deadline) if migration_deadline else None
    for serial, place in places.items():
        document = _leave(truth, serial, place, is_moving=place is not server)
        if isinstance(place, MdmServer) and (deadline is None or place is server):
            stale = changed(
                document, profile_status="removed", device_assigned_date=date, mdm_migration_deadline=deadline
            )
            _arrive(truth, server, serial, stale, "modified")
        else:
            fresh = changed(document, **_FRESH, device_assigned_date=date, mdm_migration_deadline=deadline)
            _arrive(truth, server, serial, fresh, "added")


def unassign(truth: Truth, serials: Sequence[str]) -> None:
    """Take devices off their servers; they stay in the organisation. All of them or none."""
    places = {serial: truth.holder(serial) for serial in dict.fromkeys(serials)}
    for serial, place in places.items():
        owner = place.organisation if isinstance(place, MdmServer) else place
        _shelve(truth, owner, serial, _depart(truth, serial, place))


def release(truth: Truth, serials: Sequence[str], **marks: Any) -> None:
    """Release devices from their organisation. Assigning them again works for a short grace period only."""
    places = {serial: truth.holder(serial) for serial in dict.fromkeys(serials)}
    for serial, place in places.items():
        owner = place.organisation if isinstance(place, MdmServer) else place
        owner.released[serial] = (truth.clock.now_s(), _depart(truth, serial, place, **marks))
        del truth.holders[serial]


def replace(truth: Truth, serials: Sequence[str], *, server: MdmServer | None = None) -> dict[str, str]:
    """Apple replaces devices: the old ones are released, new ones arrive on the same server; old serial to new."""
    places = {serial: truth.holder(serial) for serial in dict.fromkeys(serials)}
    replaced = {}
    for serial, place in places.items():
        document = place.roster[serial] if isinstance(place, MdmServer) else place.unassigned[serial]
        family = read(document).get("device_family")
        target = server or (place if isinstance(place, MdmServer) else None)
        owner = place.organisation if isinstance(place, MdmServer) else place
        release(truth, [serial], released_by_replacement=True)
        [new] = buy(
            truth,
            count=1,
            families=(family,) if family in ("iPad", "iPhone", "iPod", "Mac", "AppleTV", "Vision") else (),
            server=target,
            organisation=owner,
            fields={"is_replacement_device": True},
        )
        truth.replacements[new] = (serial, truth.clock.now().date().isoformat())
        replaced[serial] = new
    return replaced


def switch_on(truth: Truth, serials: Sequence[str]) -> list[str]:
    """Let devices be set up: those with a profile assigned fetch it. Gives the serial numbers of those that did."""
    places = [(serial, truth.holder(serial)) for serial in dict.fromkeys(serials)]
    fetched = []
    for serial, place in places:
        if isinstance(place, MdmServer) and read(place.roster[serial]).get("profile_status") == "assigned":
            now = as_apple_time(truth.clock.now())
            modify(truth, place, serial, profile_status="pushed", profile_push_time=now, mdm_migration_deadline=None)
            fetched.append(serial)
    return fetched


def amend(truth: Truth, serials: Sequence[str], fields: Mapping[str, Any]) -> None:
    """Change any field of assigned devices (an asset tag, a key of the future): `modified`. None takes a key away."""
    for serial in serials:
        place = truth.holder(serial)
        if not isinstance(place, MdmServer):
            raise Misuse(f"device {serial!r} is assigned to no server")
        modify(truth, place, serial, **fields)


def throttle(truth: Truth, serials: Sequence[str], seconds: int) -> None:
    """Refuse profile assignments to these devices for so long by the simulator's clock; 0 ends it."""
    until = truth.clock.now_s() + seconds
    truth.throttled.update(dict.fromkeys(serials, until))


def count_assignment(truth: Truth, serial: str) -> None:
    """Note that a profile is to be assigned to the device, and throttle it for an hour if that is once too often.

    Assumed: Apple doesn't say what is too often, nor for how long; off unless the simulator is told a number.
    """
    if truth.throttle_after is None or truth.is_throttled(serial):
        return
    now_s = truth.clock.now_s()
    recent = [second for second in truth.assignments.get(serial, ()) if second > now_s - _DAY_S]
    if len(recent) >= truth.throttle_after:
        throttle(truth, [serial], THROTTLE_S)
    truth.assignments[serial] = [*recent, now_s]


def modify(truth: Truth, server: MdmServer, serial: str, **fields: Any) -> None:
    """Set fields of a device on a server and log it as modified."""
    document = changed(server.roster[serial], **fields)
    server.place(serial, document)
    _log(truth, server, serial, document, "modified")


def _find(truth: Truth, serial: str, organisation: Organisation) -> MdmServer | Organisation:
    if serial in organisation.released:
        since = organisation.released[serial][0]
        if truth.clock.now_s() - since > RELEASE_GRACE_S:
            raise Misuse(f"device {serial!r} was released from {organisation.name!r} for good")
        return organisation
    place = truth.holder(serial)
    owner = place.organisation if isinstance(place, MdmServer) else place
    if owner is not organisation:
        raise Unknown(f"device {serial!r} belongs to {owner.name!r}, not to {organisation.name!r}")
    return place


def _leave(truth: Truth, serial: str, place: MdmServer | Organisation, *, is_moving: bool) -> bytes:
    """Take the device from where it is, on its way to a server: another one (logged), or the same."""
    if isinstance(place, MdmServer):
        return _depart(truth, serial, place) if is_moving else place.take(serial)
    if serial in place.released:
        return place.released.pop(serial)[1]
    return place.unassigned.pop(serial)


def _depart(truth: Truth, serial: str, place: MdmServer | Organisation, **marks: Any) -> bytes:
    """Take the device from a server (logged) or from the shelf (not logged); gives its document."""
    if isinstance(place, Organisation):
        return place.unassigned.pop(serial)
    document = place.take(serial)
    _log(truth, place, serial, without(document, PROFILE_KEYS, **marks), "deleted")
    return document


def _arrive(truth: Truth, server: MdmServer, serial: str, document: bytes, op_type: str) -> None:
    server.place(serial, document)
    truth.holders[serial] = server
    _log(truth, server, serial, document, op_type)


def _shelve(truth: Truth, owner: Organisation, serial: str, document: bytes) -> None:
    owner.unassigned[serial] = document
    truth.holders[serial] = owner


def _log(truth: Truth, server: MdmServer, serial: str, document: bytes, op_type: str) -> None:
    if truth.is_throttled(serial):
        return
    date = as_apple_time(truth.clock.now())
    server.log.append(Operation(serial, document, f',"op_type":"{op_type}","op_date":"{date}"}}'.encode()))
