"""What a pass is asked for, where it is, and how it ended."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from adept.errors import AdeptError, Refused, Unreachable
from adept.protocol.pages import MAXIMUM_LIMIT
from adept.sync.changes import Kind
from adept.sync.cursor import Phase
from adept.sync.pages import Change


class PassKind(StrEnum):
    """What was walked: changes only, or (also) everything."""

    SYNC = "sync"
    FULL = "full"


class PassState(StrEnum):
    """How a pass stands. `lost`: another walker, or a person's decision, took the account away from it."""

    QUEUED = "queued"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    THROTTLED = "throttled"
    LOST = "lost"


@dataclass(slots=True)
class Totals:
    """What a pass has committed so far: columns of its row."""

    pages: int = 0
    devices: int = 0
    added: int = 0
    modified: int = 0
    deleted: int = 0
    malformed: int = 0

    @property
    def changes(self) -> int:
        """All that was announced."""
        return self.added + self.modified + self.deleted

    def count(self, changes: Sequence[Change]) -> None:
        """Add what was announced."""
        for change in changes:
            match change.kind:
                case Kind.ADDED:
                    self.added += 1
                case Kind.MODIFIED:
                    self.modified += 1
                case Kind.DELETED:
                    self.deleted += 1


@dataclass(frozen=True, slots=True)
class PageLimits:
    """Devices per page, from `GET /account`."""

    fetch: int = MAXIMUM_LIMIT
    sync: int = MAXIMUM_LIMIT


@dataclass(frozen=True, slots=True)
class Progress:
    """Where a pass is, after a page was committed. `devices`: entries read so far, repeats included."""

    phase: Phase
    pages: int
    devices: int
    changes: int


@dataclass(frozen=True, slots=True)
class PassOutcome:
    """How a pass ended, and what it committed. `error` says why it is not `done`; None for `lost`."""

    pass_id: int
    kind: PassKind
    state: PassState
    totals: Totals
    notes: tuple[str, ...]
    error: AdeptError | None = None


def retry_after_s(error: AdeptError | None) -> float | None:
    """How long Apple asked us to wait; None if it did not ask."""
    return error.retry_after_s if isinstance(error, Refused | Unreachable) else None
