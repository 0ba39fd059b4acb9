"""What may be asked of the control API: one value for each request body. Unknown keys are refused by name."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import msgspec


class Body(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A JSON object with just these keys."""


class NewOrganization(Body, frozen=True):
    """POST /organizations."""

    name: str
    type: str = "org"
    version: str = "v2"


class NewServer(Body, frozen=True):
    """POST /servers. `certificate` is PEM."""

    name: str
    organization: str | None = None
    certificate: str | None = None
    may_disown: bool = True


class Certificate(Body, frozen=True):
    """PUT /servers/{name}/certificate, where the body is JSON and not the certificate itself."""

    certificate: str


class Purchase(Body, frozen=True):
    """POST /devices. `server` absent: the first one; null: nobody's yet."""

    count: int | None = None
    serials: list[str] | None = None
    family: str | None = None
    server: str | msgspec.UnsetType | None = msgspec.UNSET
    organization: str | None = None
    fields: dict[str, Any] | None = None


class Devices(Body, frozen=True):
    """POST /devices/assign, unassign, release, switch-on, replace. `server` null at assign: unassign."""

    serials: list[str]
    server: str | msgspec.UnsetType | None = msgspec.UNSET
    migration_deadline: datetime | None = None


class Amendment(Body, frozen=True):
    """POST /devices/amend: fields to set, null to take away."""

    serials: list[str]
    fields: dict[str, Any]


class Terms(Body, frozen=True):
    """POST /terms."""

    signed: bool
    organization: str | None = None


class Betas(Body, frozen=True):
    """POST /betas."""

    allowed: bool
    organization: str | None = None


class Throttle(Body, frozen=True):
    """POST /throttle."""

    serials: list[str]
    seconds: int


class Advance(Body, frozen=True):
    """POST /clock."""

    advance_s: float


class NewFault(Body, frozen=True):
    """POST /faults."""

    endpoint: str
    response: str
    count: int | None = None
    share: float | None = None
    after: int = 0
    seconds: float | None = None
