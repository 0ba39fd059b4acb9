"""Lists of serial numbers: folded, cut into requests of 1000, and their results put together again. Pure.

Source: Apple, "Assign a Profile" (read 2026-11): keep a request to 1000 devices; no other endpoint states a limit.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from adept.errors import Misuse
from adept.protocol.details import DeviceDetails
from adept.protocol.device import fold_serial
from adept.protocol.results import MAXIMUM_DEVICES, AssignResult, DeviceResults


def wanted_serials(serials: Iterable[str]) -> tuple[str, ...]:
    """Folded, without blanks and repetitions, in the order given; Misuse if nothing is left or it is one string."""
    if isinstance(serials, str | bytes):
        raise Misuse("serial numbers come as a list, not as one string", way_out=f"write [{serials!r}]")
    folded: dict[str, None] = {}
    for serial in serials:
        if not isinstance(serial, str):
            raise Misuse(f"a serial number is a string, not {type(serial).__name__}")
        if text := fold_serial(serial):
            folded[text] = None
    if not folded:
        raise Misuse("no serial number given")
    return tuple(folded)


def one_serial(serial: str) -> str:
    """One serial number, folded; Misuse if it is blank."""
    return wanted_serials([serial])[0]


def batches(serials: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    """Cut into runs of at most 1000."""
    for start in range(0, len(serials), MAXIMUM_DEVICES):
        yield serials[start : start + MAXIMUM_DEVICES]


def join_details(parts: list[DeviceDetails]) -> DeviceDetails:
    """Several answers of POST /devices as one."""
    found, absent, malformed = {}, {}, {}
    for part in parts:
        found.update(part.found)
        absent.update(part.absent)
        malformed.update(part.malformed)
    return DeviceDetails(found=found, absent=absent, malformed=malformed)


def join_assigned(parts: list[AssignResult]) -> AssignResult:
    """Several answers of an assign as one; of several waits the longest."""
    waits = [part.retry_after_s for part in parts if part.retry_after_s is not None]
    statuses = {serial: status for part in parts for serial, status in part.statuses.items()}
    return AssignResult(parts[0].profile_uuid, statuses, max(waits, default=None))


def join_results(parts: list[DeviceResults]) -> DeviceResults:
    """Several answers of a remove or a disown as one."""
    return DeviceResults({serial: status for part in parts for serial, status in part.statuses.items()})
