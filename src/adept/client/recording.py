"""Recording: each exchange as a pair of files that can be shown to others.

    DIRECTORY/sync-devices/0007-200/request.json    {"method", "path", "headers", "body"}
                                    response.json   {"status", "headers", "body"}

A body is the JSON object or list it was, or else a text; a request without one has null. What is secret or private was
replaced (`sanitising`), the same by the same within one recording, that is one Recorder; the next one replaces it by
something else.
"""

from __future__ import annotations

import json
import logging
import re
import secrets
import threading
from collections.abc import Callable
from itertools import count
from pathlib import Path
from typing import Any, TypeAlias

from adept.client.exchange import Exchange
from adept.client.sanitising import Sanitiser
from adept.errors import ConfigError

log = logging.getLogger("adept.client")

Record: TypeAlias = Callable[[Exchange], None]

PAGES = {
    "GET /session": "session",
    "GET /account": "account",
    "POST /server/devices": "fetch-devices",
    "POST /devices/sync": "sync-devices",
    "POST /devices": "device-details",
    "POST /devices/disown": "disown-devices",
    "GET /device/replacementDetails": "replacement-details",
    "POST /device/activationlock": "activation-lock",
    "POST /profile": "define-profile",
    "GET /profile": "get-profile",
    "POST /profile/devices": "assign-profile",
    "PUT /profile/devices": "assign-profile",
    "DELETE /profile/devices": "remove-profile",
    "GET /account-driven-enrollment/profile": "account-driven-enrollment",
    "POST /account-driven-enrollment/profile": "account-driven-enrollment",
    "DELETE /account-driven-enrollment/profile": "account-driven-enrollment",
    "GET /os-beta-enrollment/tokens": "beta-tokens",
}
"""The folder of each endpoint."""


class Recorder:
    """Writes sanitised exchanges into a folder; may be shared by threads and clients. To be given as `record=`."""

    def __init__(self, directory: str | Path) -> None:
        """Make the folder if need be; ConfigError if that can't be done."""
        self.directory = Path(directory)
        try:
            self.directory.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise ConfigError(f"can't record into {str(directory)!r}: {error.strerror or error}") from error
        self._sanitiser = Sanitiser(secrets.token_bytes(32))
        self._numbers = count(1)
        self._writing = threading.Lock()

    def __call__(self, exchange: Exchange) -> None:
        """Write one exchange. A full disk costs the record, not the call: it is logged and the call goes on."""
        with self._writing:
            request, response = self._sanitiser.sanitised(exchange)
            try:
                case = self._new_case(request, response["status"])
                _write(case / "request.json", request)
                _write(case / "response.json", response)
            except OSError:
                log.warning("exchange not recorded", exc_info=True, extra={"directory": str(self.directory)})

    def _new_case(self, request: dict[str, Any], status: int) -> Path:
        page = self.directory / _page(request["method"], request["path"])
        while True:
            case = page / f"{next(self._numbers):04}-{status}"
            try:
                case.mkdir(parents=True)
            except FileExistsError:  # of an earlier recording
                continue
            return case


def recorder(record: Record | str | Path | None) -> Record | None:
    """The hook for what a client was given as `record`: a folder, a callable or None."""
    return Recorder(record) if isinstance(record, str | Path) else record


def _page(method: str, path: str) -> str:
    """The folder for an endpoint: the name of Apple's page where it has one."""
    endpoint = f"{method} {path.partition('?')[0]}"
    return PAGES.get(endpoint) or re.sub(r"[^a-z0-9]+", "-", endpoint.lower()).strip("-")


def _write(path: Path, value: dict[str, Any]) -> None:
    path.write_text(json.dumps(value, indent=2) + "\n", encoding="ascii")
