"""What may be asked of the control API: one value for each request body. Unknown keys are refused by name."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import msgspec


class Body(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A JSON object with just these keys."""


class NewOrganization(Body):
    """POST /organizations."""

    name: str
    type: str = "org"
    version: str = "v2"


class NewServer(Body):
    """POST /servers. `certificate` is PEM."""

    name: str
    organization: str | None = None
    certificate: str | None = None
    may_disown: bool = True


class Certificate(Body):
    """PUT /servers/{name}/certificate, where the body is JSON and not the certificate itself."""

    certificate: str


class Purchase(Body):
    """POST /devices. `server` absent: the first one; null: nobody's yet."""

    count: int | None = None
    serials: list[str] | None = None
    family: str | None = None
    server: str | None | msgspec.UnsetType = msgspec.UNSET
    organization: str | None = None
    fields: dict[str, Any] | None = None


class Devices(Body):
    """POST /devices/assign, unassign, release, switch-on, replace. `server` null at assign: unassign."""

    serials: list[str]
    server: str | None | msgspec.UnsetType = msgspec.UNSET
    migration_deadline: datetime | None = None


class Amendment(Body):
    """POST /devices/amend: fields to set, null to take away."""

    serials: list[str]
    fields: dict[str, Any]


class Terms(Body):
    """POST /terms."""

    signed: bool
    organization: str | None = None


class Betas(Body):
    """POST /betas."""

    allowed: bool
    organization: str | None = None


class Throttle(Body):
    """POST /throttle."""

    serials: list[str]
    seconds: int


class Advance(Body):
    """POST /clock."""

    advance_s: float


class NewFault(Body):
    """POST /faults."""

    endpoint: str
    response: str
    count: int | None = None
    share: float | None = None
    after: int = 0
    seconds: float | None = None
