"""What Apple's log implies of the feed. Pure.

Each device has a history at Apple: what it was when its server was founded, then what each operation made of it. The
feed may leave states out (a page, or a fetch, tells the last of several), but it tells none that never was, and none
before an earlier one: what it tells of a device is a part of that history, in order, and ends where the history ends.
Where Apple was asked about devices by their serial numbers, its answer may be ahead of what its listing tells next:
such accounts may see a state once more, still none that never was.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from adept.store.changes import StoredChange
from adept.sync.changes import content

State = dict[str, Any] | None  # a device's own fields, None: it is not there


def histories(founded: Iterable[Mapping[str, Any]], log: Iterable[Mapping[str, Any]]) -> dict[str, list[State]]:
    """What each device of a server has been, by its serial number."""
    found: dict[str, list[State]] = {}
    for device in founded:
        found.setdefault(device["serial_number"], []).append(content(json.dumps(device)))
    for entry in log:
        state = None if entry["op_type"] == "deleted" else content(json.dumps(entry))
        found.setdefault(entry["serial_number"], []).append(state)
    return found


def told(changes: Iterable[StoredChange]) -> dict[str, list[State]]:
    """What the feed tells each device to have been."""
    found: dict[str, list[State]] = {}
    for change in changes:
        states = found.setdefault(change.serial_number, [])
        if change.kind == "deleted":
            states.append(None)
        elif change.kind == "added":
            states.append(content(change.after or "{}"))
        else:
            before, after = json.loads(change.before or "{}"), json.loads(change.after or "{}")
            was = (states[-1] if states else None) or {}
            states.append({key: value for key, value in was.items() if key not in before} | after)
    return found


def contradictions(
    history: Mapping[str, Sequence[State]], feed: Mapping[str, Sequence[State]], *, strict: bool
) -> list[str]:
    """Where the feed tells what the history does not imply, a sentence for each device."""
    wrong = []
    for serial, states in feed.items():
        was = history.get(serial, [])
        if strict and not _is_part(states, was):
            wrong.append(f"{serial}: told {_short(states)}, was {_short(was)}")
        elif any(state not in was for state in states):
            wrong.append(f"{serial}: told a state that never was, {_short(states)} of {_short(was)}")
        elif states[-1] != was[-1]:
            wrong.append(f"{serial}: told last {_short(states[-1:])}, is {_short(was[-1:])}")
    wrong += [
        f"{serial}: never told, is {_short(was[-1:])}"
        for serial, was in history.items()
        if serial not in feed and was[-1] is not None
    ]
    return wrong


def _is_part(states: Sequence[State], of: Sequence[State]) -> bool:
    """Whether the states stand in `of` in this order, with others in between."""
    rest = iter(of)
    return all(any(state == other for other in rest) for state in states)


def _short(states: Sequence[State]) -> str:
    shown = [
        "gone" if state is None else f"{state.get('profile_status')} {state.get('asset_tag', '')}".strip()
        for state in states
    ]
    return f"[{', '.join(shown)}]"
