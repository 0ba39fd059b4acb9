"""The truth as one thing: all organisations, all MDM servers, and where each device is.

Only state and questions; what changes it is in `portal_acts.py` (servers, certificates, tokens, terms) and
`device_acts.py` (devices and their profiles).
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

from adept.errors import Misuse
from adept.simulator.clock import Clock
from adept.simulator.fleet import Fleet
from adept.simulator.organisation import MdmServer, Organisation


class Unknown(Misuse):
    """The simulator knows no organisation, server or device of that name; nothing was changed."""

    code = "unknown"


class Truth:
    """Everything the simulated Apple knows. Not thread-safe: `Simulator` holds the lock."""

    def __init__(self, *, seed: int, clock: Clock, hostile: bool = False, throttle_after: int | None = None) -> None:
        self.seed = seed
        self.clock = clock
        self.fleet = Fleet(seed, hostile=hostile)
        self.organisations: dict[str, Organisation] = {}
        self.servers: dict[str, MdmServer] = {}
        self.servers_made = 0
        self.holders: dict[str, MdmServer | Organisation] = {}  # who has a device: a server, or nobody yet
        self.throttle_after = throttle_after  # assignments to one device within a day; None: never
        self.assignments: dict[str, list[int]] = {}  # serial number to the seconds of its last ones
        self.throttled: dict[str, int] = {}  # serial number to the second its throttle ends
        self.activation_locks: dict[str, str | None] = {}  # serial number to escrow key, None: locked to a person
        self.replacements: dict[str, tuple[str, str]] = {}  # new serial number to (old one, date)
        self._uuids = 0

    def organisation(self, name: str | None = None) -> Organisation:
        """The organisation of that name; the first one for None. Raises Unknown."""
        if name is None and self.organisations:
            return next(iter(self.organisations.values()))
        if name is None or name not in self.organisations:
            raise Unknown(f"there is no organisation {name!r}; there are {_names(self.organisations)}")
        return self.organisations[name]

    def server(self, name: str | None = None) -> MdmServer:
        """The MDM server of that name; the first one for None. Raises Unknown."""
        if name is None and self.servers:
            return next(iter(self.servers.values()))
        if name is None or name not in self.servers:
            raise Unknown(f"there is no MDM server {name!r}; there are {_names(self.servers)}")
        return self.servers[name]

    def holder(self, serial: str) -> MdmServer | Organisation:
        """Who has the device: a server, or the organisation while it is unassigned. Raises Unknown."""
        try:
            return self.holders[serial]
        except KeyError:
            raise Unknown(f"there is no device {serial!r}") from None

    def is_throttled(self, serial: str) -> bool:
        """Whether profile assignments to this device are refused for now."""
        return self.throttled.get(serial, 0) > self.clock.now_s() if self.throttled else False

    def new_uuid(self) -> str:
        """32 upper-case hexadecimal digits that follow from the seed and what was made before."""
        self._uuids += 1
        return hashlib.sha256(f"uuid {self.seed} {self._uuids}".encode()).hexdigest()[:32].upper()


def _names(names: Iterable[str]) -> str:
    return ", ".join(repr(name) for name in names) or "none"
