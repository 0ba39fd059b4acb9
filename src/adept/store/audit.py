"""The audit log: who changed what, when and from where. Written in the transaction of the change itself.

What a caller hands over as `before` and `after` has no secrets in it: names, states, numbers.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

import msgspec
from sqlalchemy import insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from adept.store.rows import read_row
from adept.store.tables import audit

_encode = msgspec.json.Encoder(order="deterministic").encode


@dataclass(frozen=True, slots=True)
class Actor:
    """Who does something: `kind` is user, key, cli or system; `name` as people know it.

    `address` is the client's, `request_id` that of the request; None where there is none.
    """

    kind: str
    name: str
    address: str | None = None
    request_id: str | None = None


ADEPT = Actor("system", "adept")  # what adept does by itself


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditEntry:
    """A row of `audit`; `before` and `after` are JSON objects or None."""

    id: int
    at: datetime
    actor_kind: str
    actor: str
    address: str | None
    request_id: str | None
    act: str
    subject: str
    before: str | None
    after: str | None


async def add_audit(
    tx: AsyncConnection,
    actor: Actor,
    act: str,
    subject: str,
    *,
    now: datetime,
    before: Mapping[str, object] | None = None,
    after: Mapping[str, object] | None = None,
) -> None:
    """Record what the actor does to the subject (a name), in the transaction that does it."""
    await tx.execute(
        insert(audit).values(
            at=now,
            actor_kind=actor.kind,
            actor=actor.name,
            address=actor.address,
            request_id=actor.request_id,
            act=act,
            subject=subject,
            before=_encode(before).decode() if before is not None else None,
            after=_encode(after).decode() if after is not None else None,
        )
    )


async def audit_entries(
    tx: AsyncConnection,
    *,
    limit: int,
    before_id: int | None = None,
    subject: str | None = None,
    actor: str | None = None,
    act: str | None = None,
    since: datetime | None = None,
    until: datetime | None = None,
) -> list[AuditEntry]:
    """Entries, the newest first; `before_id` is the id to go on from, `act` a whole word or its part before the dot."""
    statement = select(audit)
    if before_id is not None:
        statement = statement.where(audit.c.id < before_id)
    if subject is not None:
        statement = statement.where(audit.c.subject == subject)
    if actor is not None:
        statement = statement.where(audit.c.actor == actor)
    if act is not None:
        statement = statement.where((audit.c.act == act) | audit.c.act.startswith(f"{act}.", autoescape=True))
    if since is not None:
        statement = statement.where(audit.c.at >= since)
    if until is not None:
        statement = statement.where(audit.c.at < until)
    rows = await tx.execute(statement.order_by(audit.c.id.desc()).limit(limit))
    return [read_row(AuditEntry, row) for row in rows]
