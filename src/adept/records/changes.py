"""Changes as they are shown: what passes found new about devices."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import msgspec
from pydantic import BaseModel, ConfigDict, Field

from adept.store.changes import StoredChange

ChangeDocument = dict[str, object]  # the keys of ChangeRecord; see `change_document`


class ChangeRecord(BaseModel):
    """What a pass found new about one device."""

    model_config = ConfigDict(frozen=True)

    cursor: str = Field(description="Where to go on after this change.")
    account: str
    serial_number: str
    kind: str = Field(description="added, modified or deleted.")
    reason: str | None = Field(description="Why it was deleted; null for the other kinds.")
    before: dict[str, Any] | None = Field(description="Apple's keys that changed, as they were.")
    after: dict[str, Any] | None = Field(description="Apple's keys as they are: all of an added device.")
    op_type: str | None
    op_date: datetime | None
    pass_id: int | None
    found_at: datetime


def change_document(row: StoredChange) -> ChangeDocument:
    """A change as one JSON object for msgspec to write: what Apple sent stays byte for byte as it came."""
    return {
        "cursor": str(row.id),
        "account": row.account_name,
        "serial_number": row.serial_number,
        "kind": row.kind,
        "reason": row.reason,
        "before": msgspec.Raw(row.before) if row.before else None,
        "after": msgspec.Raw(row.after) if row.after else None,
        "op_type": row.op_type,
        "op_date": row.op_date,
        "pass_id": row.pass_id,
        "found_at": row.found_at,
    }


def change_record(found: StoredChange | ChangeDocument) -> ChangeRecord:
    """A change with its values as Python has them: from its row, or from its document."""
    document = change_document(found) if isinstance(found, StoredChange) else found
    return ChangeRecord.model_validate_json(msgspec.json.encode(document))
