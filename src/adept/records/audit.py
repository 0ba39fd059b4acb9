"""The audit log as it is shown: who changed what, when and from where."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

import msgspec
from pydantic import BaseModel, ConfigDict, Field

from adept.records.csv_cells import csv_line
from adept.records.lists import ItemList, read_cursor
from adept.store.audit import AuditEntry, audit_entries
from adept.store.database import Store

BATCH = 1000
CSV_COLUMNS = ("id", "at", "actor_kind", "actor", "address", "request_id", "act", "subject", "before", "after")


class AuditRecord(BaseModel):
    """One change, and who made it."""

    model_config = ConfigDict(frozen=True)

    id: int
    at: datetime
    actor_kind: str = Field(description="user, key, cli (somebody at the command line) or system (adept by itself).")
    actor: str
    address: str | None = Field(description="Where the request came from.")
    request_id: str | None
    act: str = Field(description="What was done: `account.paused`.")
    subject: str = Field(description="The name of what was changed.")
    before: dict[str, Any] | None = Field(description="What changed, as it was; null where there was nothing.")
    after: dict[str, Any] | None = Field(description="What changed, as it is since; null where there is nothing.")


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditQuery:
    """Which entries; None: any. `act` is a whole word, or its part before the dot."""

    actor: str | None = None
    act: str | None = None
    subject: str | None = None
    since: datetime | None = None
    until: datetime | None = None


def audit_record(row: AuditEntry) -> AuditRecord:
    """A stored entry as it is shown."""
    columns = {name: getattr(row, name) for name in AuditRecord.model_fields if name not in ("before", "after")}
    return AuditRecord(before=_object(row.before), after=_object(row.after), **columns)


async def audit_list(
    store: Store, query: AuditQuery, *, cursor: str | None = None, limit: int = 100
) -> ItemList[AuditRecord]:
    """Entries, the newest first, `cursor` the end of the page before. Misuse for a cursor that is none."""
    rows = await _rows(store, query, before_id=read_cursor(cursor), limit=limit + 1)
    page = [audit_record(row) for row in rows[:limit]]
    return ItemList(items=page, next_cursor=str(page[-1].id) if len(rows) > limit else None)


async def audit_ndjson(store: Store, query: AuditQuery) -> AsyncIterator[bytes]:
    """All entries, the newest first, a JSON object a line, in pieces of some hundred lines."""
    async for rows in _batches(store, query):
        yield b"".join(audit_record(row).model_dump_json().encode() + b"\n" for row in rows)


async def audit_csv(store: Store, query: AuditQuery) -> AsyncIterator[bytes]:
    """All entries, the newest first, as CSV with a header; `before` and `after` are JSON in their cells."""
    yield csv_line(CSV_COLUMNS)
    async for rows in _batches(store, query):
        yield b"".join(csv_line(getattr(row, column) for column in CSV_COLUMNS) for row in rows)


async def _batches(store: Store, query: AuditQuery) -> AsyncIterator[list[AuditEntry]]:
    """Each batch in a transaction of its own, so that a slow reader holds none open; entries never change."""
    before_id = None
    while rows := await _rows(store, query, before_id=before_id, limit=BATCH):
        yield rows
        before_id = rows[-1].id


async def _rows(store: Store, query: AuditQuery, *, before_id: int | None, limit: int) -> list[AuditEntry]:
    async with store.reading() as tx:
        return await audit_entries(tx, before_id=before_id, limit=limit, **asdict(query))


def _object(text: str | None) -> dict[str, Any] | None:
    return None if text is None else msgspec.json.decode(text, type=dict[str, Any])
