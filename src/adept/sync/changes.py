"""What an entry of Apple's listings means for what we know of a device. Pure: no I/O, no clock.

One rule decides, entry by entry, so that the outcome does not depend on how Apple cut its answers into pages:

- An entry of a *fetch* or of *details* is the device as it is: it replaces what we know whole, brings a tombstone back
  to life, and says nothing on when (the stored op_date stays).
- An entry of a *sync* counts if its op_date is later than the stored one, or absent; an earlier one is ignored.
  `deleted` only makes a tombstone; anything else replaces the device whole, so that a cleared tag disappears.
- Two entries of one op_date that say different things leave the device *in doubt*: a deletion wins for the moment, and
  Apple is asked by POST /devices before the pass ends. Apple documents no tie-break.
- Unknown op_types count as a change of the device. Assumed: Apple may add some, and the entry carries the whole device.

Source: Apple, "Sync the List of Devices" (read 2026-11): of entries for one serial number the latest op_date is true.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum
from functools import lru_cache
from hashlib import blake2b
from typing import Any, NamedTuple

import msgspec

from adept.protocol.device import Device, OpType
from adept.protocol.pages import MAXIMUM_LIMIT

_ENVELOPE_KEYS = frozenset({"serial_number", "op_type", "op_date", "response_status"})
_encode_sorted = msgspec.json.Encoder(order="sorted").encode
_decode = msgspec.json.decode


class Source(StrEnum):
    """Which of Apple's answers an entry stood in."""

    FETCH = "fetch"
    SYNC = "sync"
    DETAILS = "details"


class Kind(StrEnum):
    """What a change is to those who follow the feed."""

    ADDED = "added"
    MODIFIED = "modified"
    DELETED = "deleted"


class Reason(StrEnum):
    """Why a device has a tombstone."""

    DELETED = "deleted"  # Apple said so: unassigned, moved or disowned
    REPLACED = "replaced"  # Apple said so: released by a replacement
    MISSING = "missing"  # a full fetch did not show it, and POST /devices did not know it
    SERVER_REPLACED = "server_replaced"  # the account was pointed at another server
    ACCOUNT_REMOVED = "account_removed"


class State(NamedTuple):
    """What is known of one device of one account. `device` is None where only the store has the document."""

    content_hash: bytes
    op_type: str | None
    op_date: datetime | None
    deleted_reason: str | None  # None: it is live
    in_doubt: bool = False
    device: Device | None = None

    @property
    def is_live(self) -> bool:
        """Whether it is there; else it is a tombstone."""
        return self.deleted_reason is None


def content(document: bytes | str) -> dict[str, Any]:
    """A device's own fields: Apple's document without absent values and without what only the listing says of it."""
    values: dict[str, Any] = _decode(document)
    absent = [key for key, value in values.items() if value is None or value == "" or key in _ENVELOPE_KEYS]
    for key in absent:
        del values[key]
    return values


@lru_cache(maxsize=4 * MAXIMUM_LIMIT)
def content_hash(document: bytes) -> bytes:
    """16 bytes that differ when, and only when, `content` does, whatever the order of keys.

    Remembered for the last few pages, so that a page can be hashed while the database is busy with the one before.
    """
    return blake2b(_encode_sorted(content(document)), digest_size=16).digest()


def fold(known: State | None, entries: Sequence[Device], source: Source) -> State:
    """What is known of a device after one or more entries for it, in Apple's order."""
    state = known
    for entry in entries:
        state = _fold_sync(state, entry) if source is Source.SYNC else _fold_listing(state, entry)
    assert state is not None, "fold needs an entry"
    return state


def _fold_listing(known: State | None, entry: Device) -> State:
    """Observed nowhere, but handled: an entry of a fetch that says `deleted` is a deletion."""
    if entry.op_type == OpType.DELETED:
        return _fold_sync(known, entry)
    return State(
        content_hash=content_hash(entry.document),
        op_type=known.op_type if known else None,
        op_date=known.op_date if known else None,
        deleted_reason=None,
        device=entry,
    )


def _fold_sync(known: State | None, entry: Device) -> State:
    if known is None or known.op_date is None or entry.op_date is None:
        return _taken(known, entry)
    if entry.op_date > known.op_date:
        return _taken(known, entry)
    if entry.op_date < known.op_date:
        return known
    return _at_the_same_time(known, entry)


def _taken(known: State | None, entry: Device) -> State:
    op_date = entry.op_date or (known.op_date if known else None)
    if entry.op_type == OpType.DELETED:
        reason = Reason.REPLACED if entry.released_by_replacement else Reason.DELETED
        if known is None:
            return State(content_hash(entry.document), entry.op_type, op_date, reason, device=entry)
        reason_kept = known.deleted_reason or reason
        return known._replace(op_type=entry.op_type, op_date=op_date, deleted_reason=reason_kept, in_doubt=False)
    return State(content_hash(entry.document), entry.op_type, op_date, None, device=entry)


def _at_the_same_time(known: State, entry: Device) -> State:
    if entry.op_type == OpType.DELETED:
        return known if not known.is_live else _taken(known, entry)._replace(in_doubt=True)
    if known.op_type == OpType.DELETED:
        return known._replace(in_doubt=True)
    if content_hash(entry.document) == known.content_hash:
        return known
    return _taken(known, entry)._replace(in_doubt=True)


def kind_of_change(before: State | None, after: State) -> Kind | None:
    """What to tell those who follow; None if nothing that concerns them is new."""
    if before is None or not before.is_live:
        return Kind.ADDED if after.is_live else None
    if not after.is_live:
        return Kind.DELETED
    return Kind.MODIFIED if before.content_hash != after.content_hash else None


def differences(before: bytes | str, after: bytes | str) -> tuple[dict[str, Any], dict[str, Any]]:
    """The fields of two documents that differ, as they were and as they are; an absent one stands in neither."""
    old, new = content(before), content(after)
    keys = [key for key in old.keys() | new.keys() if old.get(key) != new.get(key)]
    return {key: old[key] for key in sorted(keys) if key in old}, {key: new[key] for key in sorted(keys) if key in new}
