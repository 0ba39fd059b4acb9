"""The truth at rest: organisations, their MDM servers, and each server's append-only log of operations.

    Organisation ── servers ── MdmServer ── roster: the devices assigned to it, oldest assignment first
                 └─ unassigned           └─ log: what happened to them, one Operation after the other

The log begins at the founding: devices a server starts with are in its roster, not in its log. A place in the log is a
number; a sync cursor is such a number. A fetch works on a snapshot of the roster and remembers the log's length at that
moment, so that syncing goes on exactly where the fetch looked. `portal_acts.py` and `device_acts.py` alone change this.
"""

from __future__ import annotations

import secrets
from collections import OrderedDict
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from adept.simulator.credentials import Credentials

_SNAPSHOTS_AT_LEAST = 8

Roster = dict[str, bytes]  # serial number to document


class Operation(NamedTuple):
    """One entry of a server's log: what a sync page says about one device."""

    serial_number: str
    document: bytes  # the device just after the operation, at the newest protocol version
    suffix: bytes  # `,"op_type":…,"op_date":…}` as it goes on the wire


@dataclass(frozen=True)
class Snapshot:
    """A server's devices at one moment; `position` is the log's length at that moment."""

    number: int
    documents: tuple[bytes, ...]
    position: int


@dataclass
class Organisation:
    """A customer of Apple's: signs terms, owns devices, has MDM servers."""

    name: str
    type: str  # org, edu
    version: str  # v1, v2: activation lock and account-driven enrollment need v2
    id: str
    id_hash: str
    terms_signed: bool = True
    betas_allowed: bool = True
    unassigned: Roster = field(default_factory=dict)
    released: dict[str, tuple[int, bytes]] = field(default_factory=dict)  # serial number to (when, document)


@dataclass(eq=False)
class MdmServer:
    """A device management service of the portal, with everything Apple keeps for it."""

    number: int
    name: str
    uuid: str
    organisation: Organisation
    admin_id: str
    certificate: bytes | None = None  # PEM, as uploaded
    may_disown: bool = True
    credentials: Credentials | None = None  # None: never downloaded, or revoked
    tokens_made: int = 0
    consumer_key: str | None = None  # of its first token and all that followed
    former: dict[str, str] = field(default_factory=dict)  # access token to why it is dead: the word on the wire
    roster: Roster = field(default_factory=dict)
    log: list[Operation] = field(default_factory=list)
    profiles: dict[str, dict[str, Any]] = field(default_factory=dict)  # folded UUID to document
    discovery: tuple[str, str] | None = None  # URL of account-driven enrollment, when set
    snapshot_references: int = 20_000_000  # how many devices all its snapshots may list together: 160 MB
    _snapshots: OrderedDict[int, Snapshot] = field(default_factory=OrderedDict)
    _roster_changed: bool = True

    def place(self, serial: str, document: bytes) -> None:
        """Put a device on the server, or its new document in its place."""
        self.roster[serial] = document
        self._roster_changed = True

    def take(self, serial: str) -> bytes:
        """Take a device off the server and return its document."""
        self._roster_changed = True
        return self.roster.pop(serial)

    def snapshot(self) -> Snapshot:
        """The server's devices now; the same snapshot again as long as nothing changed."""
        if not self._roster_changed and self._snapshots:
            return next(reversed(self._snapshots.values()))
        number = secrets.randbits(63)  # drawn: a cursor of before a restart must not point into another snapshot
        made = Snapshot(number, tuple(self.roster.values()), len(self.log))
        self._snapshots[made.number] = made
        self._roster_changed = False
        self._forget_snapshots()
        return made

    def snapshot_numbered(self, number: int) -> Snapshot | None:
        """A snapshot that a cursor points into; None where it was dropped to bound memory."""
        return self._snapshots.get(number)

    def _forget_snapshots(self) -> None:
        listed = sum(len(snapshot.documents) for snapshot in self._snapshots.values())
        while len(self._snapshots) > _SNAPSHOTS_AT_LEAST and listed > self.snapshot_references:
            listed -= len(self._snapshots.popitem(last=False)[1].documents)
