"""Stores what Apple said of devices: devices, changes and outbox rows, in the caller's transaction.

`apply_entries` writes devices and returns what changed; `announce` writes that to the feed and the outbox. They are two
because numbers of the feed are drawn under a lock that is held to the commit: draw them last.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple

import msgspec

from adept.protocol.device import Device
from adept.store import changes as change_rows
from adept.store import devices as device_rows
from adept.store import outbox
from adept.store.accounts import count_live
from adept.store.database import Transaction
from adept.store.searched import searched_text
from adept.sync.changes import Kind, Source, State, content_hash, differences, fold, kind_of_change
from adept.sync.lease import Lease

_encode = msgspec.json.Encoder(order="deterministic").encode


class Change(NamedTuple):
    """What is new about one device, to be announced."""

    serial_number: str
    kind: Kind
    reason: str | None
    before: str | None
    after: str | None
    op_type: str | None
    op_date: datetime | None


@dataclass(frozen=True, slots=True)
class Applied:
    """What a batch of entries did. `live` are the serial numbers it showed as existing."""

    changes: list[Change] = field(default_factory=list)
    live: list[str] = field(default_factory=list)
    left_doubts: bool = False


async def apply_entries(
    tx: Transaction, lease: Lease, entries: Sequence[Device], source: Source, *, now: datetime
) -> Applied:
    """Write what entries say of devices; a constant number of statements, and none for devices that are as known."""
    by_serial: dict[str, list[Device]] = {}
    for entry in entries:
        by_serial.setdefault(entry.serial_number, []).append(entry)
    if not by_serial:
        return Applied()
    known = await device_rows.known(tx, lease.account_id, list(by_serial))
    before: dict[str, State] = {}
    after: dict[str, State] = {}
    live: list[str] = []
    for serial, told in by_serial.items():
        row = known.get(serial)
        if row is not None:
            if source is not Source.SYNC and _is_as_known(row, told):
                live.append(serial)
                continue
            before[serial] = _state(row)
        after[serial] = fold(before.get(serial), told, source)
        if after[serial].is_live:
            live.append(serial)
    await _write(tx, lease, before, after, now=now)
    return Applied(_changes(known, before, after), live, left_doubts=any(state.in_doubt for state in after.values()))


def _is_as_known(row: device_rows.KnownDevice, told: Sequence[Device]) -> bool:
    """A listing's one entry for a live device that says what is known: nothing to fold, nothing to write.

    Apple mostly says it in the same bytes, which are compared in a twentieth of the time that hashing takes.
    """
    if len(told) != 1 or row.deleted_reason is not None or row.in_doubt or told[0].op_type is not None:
        return False
    document = told[0].document
    return row.document == document.decode() or row.content_hash == content_hash(document)


def _state(row: device_rows.KnownDevice) -> State:
    return State(row.content_hash, row.op_type, row.op_date, row.deleted_reason, row.in_doubt)


async def _write(
    tx: Transaction, lease: Lease, before: dict[str, State], after: dict[str, State], *, now: datetime
) -> None:
    whole: list[dict[str, Any]] = []
    tombstones: list[dict[str, Any]] = []
    touched: list[dict[str, Any]] = []
    for serial, state in after.items():
        old = before.get(serial)
        if old is None or (state.device is not None and _is_new(old, state)):
            whole.append(_device_row(serial, state, now=now))
        elif old.is_live and not state.is_live:
            deletion = {"deleted_at": now, "deleted_reason": state.deleted_reason, "changed_at": now}
            tombstones.append(_listing_columns(serial, state) | deletion)
        elif _listing(old) != _listing(state):
            touched.append(_listing_columns(serial, state))
    await device_rows.put(tx, lease.account_id, whole)
    await device_rows.set_tombstones(tx, lease.account_id, tombstones)
    await device_rows.touch(tx, lease.account_id, touched)


def _is_new(old: State, new: State) -> bool:
    return old.content_hash != new.content_hash or old.is_live != new.is_live


def _listing(state: State) -> tuple[Any, ...]:
    return state.op_type, state.op_date, state.in_doubt


def _listing_columns(serial: str, state: State) -> dict[str, Any]:
    return {
        "serial_number": serial,
        "op_type": state.op_type,
        "op_date": state.op_date,
        "in_doubt": state.in_doubt,
    }


def _device_row(serial: str, state: State, *, now: datetime) -> dict[str, Any]:
    """The row of a device whose document Apple just gave. `first_seen_at` counts only where there is no row yet."""
    device = state.device
    assert device is not None
    return {
        "serial_number": serial,
        "op_type": state.op_type,
        "op_date": state.op_date,
        "in_doubt": state.in_doubt,
        "deleted_at": None if state.is_live else now,
        "deleted_reason": state.deleted_reason,
        "document": device.document.decode(),
        "content_hash": state.content_hash,
        "model": device.model,
        "description": device.description,
        "color": device.color,
        "asset_tag": device.asset_tag,
        "device_family": device.device_family,
        "os": device.os,
        "profile_status": device.profile_status,
        "profile_uuid": device.profile_uuid,
        "device_assigned_date": device.device_assigned_date,
        "first_seen_at": now,
        "changed_at": now,
        "searched": searched_text(device),
    }


def _changes(
    known: dict[str, device_rows.KnownDevice], before: dict[str, State], after: dict[str, State]
) -> list[Change]:
    changes = []
    for serial, state in after.items():
        kind = kind_of_change(before.get(serial), state)
        if kind is not None:
            was_known = kind is not Kind.ADDED  # a tombstone that comes back has nothing before it
            changes.append(_change(serial, kind, state, known[serial].document if was_known else None))
    return changes


def _change(serial: str, kind: Kind, state: State, old_document: str | None) -> Change:
    """`before` and `after`: of a modification what differs, of an addition and a deletion the whole document."""
    before = old_document
    after = state.device.document.decode() if state.device is not None and kind is not Kind.DELETED else None
    if before is not None and after is not None:
        was, becomes = differences(before, after)
        before, after = _encode(was).decode(), _encode(becomes).decode()
    return Change(serial, kind, state.deleted_reason, before, after, state.op_type, state.op_date)


async def announce(
    tx: Transaction, lease: Lease, changes: Sequence[Change], *, pass_id: int | None, now: datetime
) -> None:
    """Write changes to the feed, in order of kind, and one outbox row per kind; count who came and went.

    Call it last in a transaction, with every change of it.
    """
    if not changes:
        return
    if more := sum((change.kind is Kind.ADDED) - (change.kind is Kind.DELETED) for change in changes):
        await count_live(tx, lease.account_id, more)
    ordered = sorted(changes, key=lambda change: change.kind)
    first = await change_rows.draw_numbers(tx, len(ordered))
    numbered = list(enumerate(ordered, start=first))
    account = {"account_id": lease.account_id, "account_name": lease.account_name}
    await change_rows.add_changes(
        tx,
        [
            {
                "id": number,
                **account,
                "serial_number": change.serial_number,
                "pass_id": pass_id,
                "kind": change.kind.value,
                "reason": change.reason,
                "before": change.before,
                "after": change.after,
                "op_type": change.op_type,
                "op_date": change.op_date,
                "found_at": now,
            }
            for number, change in numbered
        ],
    )
    spans: dict[Kind, list[int]] = {}
    for number, change in numbered:
        spans.setdefault(change.kind, []).append(number)
    await outbox.add_outbox(
        tx,
        [
            {**account, "kind": kind.value, "first_change": span[0], "last_change": span[-1], "created_at": now}
            for kind, span in spans.items()
        ],
    )
