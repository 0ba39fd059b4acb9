"""One request on its way through an endpoint, and what all endpoints that answer per device have in common."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from adept.simulator.answers import ServiceError
from adept.simulator.fault_words import Word
from adept.simulator.organisation import MdmServer, Organisation
from adept.simulator.requests import ServiceRequest
from adept.simulator.truth import Truth

STRANGE_SERIAL = "ZZ9PLURALZ"  # what the fault `strange_device` adds to answers


@dataclass
class Call:
    """An authenticated request. `forced` is a fault that decides what becomes of each device."""

    request: ServiceRequest
    truth: Truth
    server: MdmServer
    forced: Word | None = None

    @property
    def organisation(self) -> Organisation:
        """The organisation that the server belongs to."""
        return self.server.organisation

    @property
    def version(self) -> int:
        """The protocol version the client speaks."""
        return self.request.protocol_version

    @cached_property
    def document(self) -> dict[str, Any]:
        """The body, a JSON object. Raises MALFORMED_REQUEST_BODY."""
        return self.request.document()

    def text(self, key: str, missing: str) -> str:
        """A string of the body. Raises `missing` where it is absent or empty."""
        value = self.document.get(key)
        if value is None or value == "":
            raise ServiceError(400, missing)
        if not isinstance(value, str):
            raise ServiceError(400, "MALFORMED_REQUEST_BODY")
        return value

    def serials(self, *, may_be_empty: bool = False) -> list[str]:
        """The serial numbers under `devices`, each once, in order. Raises DEVICE_ID_REQUIRED where there are none."""
        value = self.document.get("devices")
        if not value and not may_be_empty:
            raise ServiceError(400, "DEVICE_ID_REQUIRED")
        if value is None:
            return []
        if not isinstance(value, list) or not all(isinstance(serial, str) for serial in value):
            raise ServiceError(400, "MALFORMED_REQUEST_BODY")
        return list(dict.fromkeys(value))

    def outcomes(self, serials: list[str], act: Callable[[str], str]) -> dict[str, str]:
        """Act on each device of this server and tell what became of it; devices of others are NOT_ACCESSIBLE."""
        value = self.forced.value if self.forced else None
        if value is not None and value not in ("", "+"):
            return dict.fromkeys(serials, self.shown(value))
        heard = serials[1::2] if value == "" else serials
        results = {
            serial: self.shown(act(serial)) if serial in self.server.roster else "NOT_ACCESSIBLE" for serial in heard
        }
        return results | {STRANGE_SERIAL: "SUCCESS"} if value == "+" else results

    def shown(self, status: str) -> str:
        """A status as clients of this version know it: throttled devices just FAILED below version 9."""
        return "FAILED" if status == "THROTTLED" and self.version < 9 else status
