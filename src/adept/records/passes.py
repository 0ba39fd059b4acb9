"""Passes as they are shown: the walks over accounts."""

from __future__ import annotations

from datetime import datetime

import msgspec
from pydantic import BaseModel, ConfigDict, Field

from adept.errors import NotFound
from adept.records.lists import ItemList, read_cursor
from adept.store.accounts import account_by_id, account_named, all_accounts
from adept.store.database import Store
from adept.store.passes import StoredPass, pass_by_id, passes_of


class PassRecord(BaseModel):
    """One walk over an account: what was asked for, where it is or how it ended, and what it found."""

    model_config = ConfigDict(frozen=True)

    id: int
    account: str
    kind: str = Field(description="What was walked: `sync` (changes) or `full` (everything as well).")
    state: str = Field(description="queued, running, done, failed, throttled or lost.")
    started_at: datetime = Field(description="When it began; of a queued pass, when it was asked for.")
    ended_at: datetime | None
    pages: int
    devices: int = Field(description="Records that Apple sent, repeats included.")
    added: int
    modified: int
    deleted: int
    malformed: int = Field(description="Devices that could not be read; they are kept as they came.")
    requests: int = Field(description="HTTP requests to Apple.")
    waited_s: float = Field(description="Seconds spent waiting because Apple asked for it.")
    notes: list[str]
    error_code: str | None
    error: str | None
    requested_by: str | None = Field(description="Who asked for it; null where its time had come.")


def pass_record(row: StoredPass, account_name: str) -> PassRecord:
    """A stored pass as it is shown."""
    notes = msgspec.json.decode(row.notes, type=list[str])
    columns = {name: getattr(row, name) for name in PassRecord.model_fields if name not in ("account", "notes")}
    return PassRecord(account=account_name, notes=notes, **columns)


async def pass_list(
    store: Store, account: str | None = None, *, cursor: str | None = None, limit: int = 100
) -> ItemList[PassRecord]:
    """Passes of one account or of all, the newest first, `cursor` the end of the page before. NotFound, Misuse."""
    before = read_cursor(cursor)
    async with store.reading() as tx:
        account_id = (await account_named(tx, account)).id if account is not None else None
        names = {row.id: row.name for row in await all_accounts(tx)}
        rows = await passes_of(tx, account_id, limit=limit, before=before)
    more = len(rows) == limit and rows[-1].id > 1
    return ItemList(
        items=[pass_record(row, names[row.account_id]) for row in rows], next_cursor=str(rows[-1].id) if more else None
    )


async def one_pass(store: Store, pass_id: int) -> PassRecord:
    """The pass of that id. NotFound where there is none, or where it went with its account."""
    async with store.reading() as tx:
        row = await pass_by_id(tx, pass_id)
        account = await account_by_id(tx, row.account_id) if row is not None else None
    if row is None or account is None:
        raise NotFound(f"there is no pass {pass_id}", way_out="passes go with their account")
    return pass_record(row, account.name)
