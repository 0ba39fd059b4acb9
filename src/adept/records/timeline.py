"""The history of one serial number as somebody tells it: leaving one account of ours for another is one event."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from adept.store.changes import StoredChange
from adept.sync.changes import Kind, Reason, content, differences

MOVED = "moved"
MOVE_WITHIN = timedelta(days=7)  # between what two accounts say; each is walked at least once a day while it works
_AWAY = (Reason.DELETED, Reason.MISSING)  # not: the account was removed, or given another server


@dataclass(frozen=True, slots=True)
class Difference:
    """A field that differs; None where it is absent."""

    key: str
    was: Any
    becomes: Any


@dataclass(frozen=True, slots=True)
class Event:
    """What became of a device. `kind` is that of a change, or "moved": then `left` is the account it came from."""

    kind: str
    account: str
    account_id: int | None
    found_at: datetime
    op_date: datetime | None
    pass_id: int | None
    reason: str | None
    differences: tuple[Difference, ...]
    left: str | None = None
    left_id: int | None = None
    left_at: datetime | None = None


def timeline(changes: Sequence[StoredChange]) -> list[Event]:
    """The events of one serial number, in the order of its changes: the newest first. Pure.

    Of a move the accounts tell in either order, each when it is walked: they count as one event, where its later half
    stands.
    """
    partners = _moves(changes)
    halves = set(partners.values())
    events = []
    for number, change in enumerate(changes):
        if number in partners:
            events.append(_moved(change, changes[partners[number]]))
        elif number not in halves:
            events.append(_event(change))
    return events


def _moves(changes: Sequence[StoredChange]) -> Mapping[int, int]:
    """By the place of the newer half of each move, that of the older one."""
    ends = [number for number, change in enumerate(changes) if change.kind != Kind.MODIFIED]
    found: dict[int, int] = {}
    place = 0
    while place + 1 < len(ends):
        newer, older = ends[place], ends[place + 1]
        if _is_move(changes[newer], changes[older]):
            found[newer] = older
            place += 1
        place += 1
    return found


def _is_move(newer: StoredChange, older: StoredChange) -> bool:
    left, came = _halves(newer, older)
    return (
        (left.kind, came.kind) == (Kind.DELETED, Kind.ADDED)
        and left.account_name != came.account_name
        and left.reason in _AWAY
        and newer.found_at - older.found_at <= MOVE_WITHIN
    )


def _halves(one: StoredChange, other: StoredChange) -> tuple[StoredChange, StoredChange]:
    return (one, other) if one.kind == Kind.DELETED else (other, one)


def _moved(newer: StoredChange, older: StoredChange) -> Event:
    left, came = _halves(newer, older)
    told = differences(left.before, came.after) if left.before and came.after else ({}, {})
    return Event(
        MOVED,
        came.account_name,
        came.account_id,
        newer.found_at,
        came.op_date or left.op_date,
        came.pass_id,
        None,
        tuple(_paired(*told)),
        left=left.account_name,
        left_id=left.account_id,
        left_at=left.found_at,
    )


def _event(change: StoredChange) -> Event:
    told = ({}, {}) if change.kind != Kind.MODIFIED else (_read(change.before), _read(change.after))
    return Event(
        change.kind,
        change.account_name,
        change.account_id,
        change.found_at,
        change.op_date,
        change.pass_id,
        change.reason,
        tuple(_paired(*told)),
    )


def _read(document: str | None) -> dict[str, Any]:
    return content(document) if document else {}


def _paired(was: Mapping[str, Any], becomes: Mapping[str, Any]) -> Iterable[Difference]:
    for key in sorted(was.keys() | becomes.keys()):
        yield Difference(key, was.get(key), becomes.get(key))
