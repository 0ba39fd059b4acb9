"""How a pass that was asked for came to its end, and what that means to whoever asked. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from adept.cli.told_errors import told_error
from adept.errors import AdeptError, Busy, NeedsPerson

if TYPE_CHECKING:
    from adept.records.holds import HoldRecord
    from adept.records.passes import PassRecord


@dataclass(frozen=True)
class Ended:
    """A pass that has ended. `hold` is the one that it left, `error` what it ended with where this process ran it."""

    record: PassRecord
    hold: HoldRecord | None
    error: AdeptError | None = None

    def raise_if_not_well(self) -> None:
        """Raise what ended the pass early, or NeedsPerson where it left a decision."""
        account = self.record.account
        if self.error is not None:
            raise self.error
        if self.record.state in ("failed", "throttled"):
            raise _error_of(self.record)
        if self.record.state == "lost":
            raise Busy(f"syncing account {account}: another process took it over", way_out="see adept passes")
        if self.hold is not None:
            raise NeedsPerson(
                f"{self.hold.devices:,} devices of account {account} are gone at Apple, too many to delete unasked",
                way_out=f"see adept accounts holds {account}, and --confirm or --discard {self.hold.id}",
            )


def busy(account: str) -> Busy:
    """Somebody else walks the account already."""
    return Busy(
        f"account {account!r} is being walked by another process", way_out="wait, or follow it: leave out --no-wait"
    )


def _error_of(record: PassRecord) -> AdeptError:
    """The error that another process's pass ended with, as far as its record tells."""
    message = f"the pass of account {record.account} {record.state}: {record.error or 'no reason was recorded'}"
    return told_error(record.error_code or "REFUSED", message)
