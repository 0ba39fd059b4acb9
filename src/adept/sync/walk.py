"""A pass in progress: its lease, its totals, and the one way in which it writes.

Every transaction of a pass goes through `Walk.writing`, which checks the lease first and writes the totals last, so
that nothing of a lost walk is stored and the pass's row tells what was committed, no more.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any

import msgspec

from adept.errors import AdeptError
from adept.protocol.device import Device, MalformedDevice
from adept.store import malformed, passes
from adept.store.database import Store, Transaction
from adept.store.holds import StoredHold
from adept.sync.changes import Source
from adept.sync.holds import shown_again
from adept.sync.lease import Lease
from adept.sync.outcome import PassKind, PassOutcome, PassState, Totals
from adept.sync.pages import Applied, Change, announce, apply_entries

REASON_MAX_LENGTH = 500


@dataclass(slots=True)
class Walk:
    """The pass that holds `lease`.

    `hold` is the account's open hold; `has_malformed` and `has_doubts` whether any device is recorded as such.
    """

    store: Store
    lease: Lease
    pass_id: int
    kind: PassKind
    now: Callable[[], datetime]
    hold: StoredHold | None = None
    has_malformed: bool = False
    has_doubts: bool = False
    strike: bool = False  # the pass was ended because Apple goes in circles
    totals: Totals = field(default_factory=Totals)
    notes: list[str] = field(default_factory=list)

    def note(self, sentence: str | None) -> None:
        """Something worth telling of the pass; it is stored with the totals."""
        if sentence is not None:
            self.notes.append(sentence)

    def outcome(self, state: PassState, error: AdeptError | None) -> PassOutcome:
        """The pass as it stands now."""
        return PassOutcome(self.pass_id, self.kind, state, self.totals, tuple(self.notes), error)

    @asynccontextmanager
    async def writing(self, **account_columns: Any) -> AsyncIterator[Transaction]:
        """A transaction that exists only while the lease is ours; columns of the account's row are set with the check.

        Raises LeaseLost, having written nothing.
        """
        async with self.store.writing() as tx:
            if account_columns:
                await self.lease.update_account(tx, account_columns)
            else:
                await self.lease.check(tx, now=self.now())
            yield tx

    async def apply(
        self, tx: Transaction, entries: Sequence[Device], unreadable: Sequence[MalformedDevice], source: Source
    ) -> Applied:
        """Write devices, keep what could not be read, and let what was shown leave the hold. Announces nothing yet."""
        applied = await apply_entries(tx, self.lease, entries, source, now=self.now())
        if unreadable:
            await malformed.put_malformed(tx, [self._malformed_row(device) for device in unreadable])
        if self.has_malformed:
            await malformed.clear_malformed(tx, self.lease.account_id, applied.live)
        self.has_malformed = self.has_malformed or bool(unreadable)
        self.has_doubts = self.has_doubts or applied.left_doubts
        if self.hold is not None:
            await shown_again(tx, self.hold, applied.live)
        return applied

    async def announce(self, tx: Transaction, changes: Sequence[Change], **counted: int) -> None:
        """Count, write the pass's row, then the feed: the last thing in a transaction, see `pages.announce`."""
        self.totals.count(changes)
        for name, amount in counted.items():
            setattr(self.totals, name, getattr(self.totals, name) + amount)
        await self.write_totals(tx)
        await announce(tx, self.lease, changes, pass_id=self.pass_id, now=self.now())

    async def write_totals(self, tx: Transaction, **columns: Any) -> None:
        """Write the totals and notes, and these columns, to the pass's row."""
        notes = msgspec.json.encode(self.notes).decode()
        await passes.update_pass(tx, self.pass_id, **asdict(self.totals), kind=self.kind.value, notes=notes, **columns)

    def _malformed_row(self, device: MalformedDevice) -> dict[str, Any]:
        return {
            "account_id": self.lease.account_id,
            "pass_id": self.pass_id,
            "serial_number": device.serial_number,
            "reason": device.reason[:REASON_MAX_LENGTH],
            "document": device.document.decode("utf-8", "replace"),
            "found_at": self.now(),
        }
