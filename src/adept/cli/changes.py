"""`adept changes`: what passes found new about devices, oldest first."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any

import msgspec
from cyclopts import App, Parameter

from adept.cli.event_loop import run_async
from adept.cli.output import FOR_PEOPLE, ItemsPrinter, Output
from adept.cli.storage import opened
from adept.cli.table import TablePrinter
from adept.errors import Misuse

if TYPE_CHECKING:
    from adept.store.changes import StoredChange

app = App(name="changes", help_epilogue="Example: adept changes --account hq --cursor 1500")

COLUMNS = ("CURSOR", "FOUND", "ACCOUNT", "SERIAL", "WHAT", "DETAILS")
_BATCH = 1000
_REASONS = {
    "deleted": "unassigned, moved or released at Apple",
    "replaced": "replaced by another device",
    "missing": "no longer known to Apple",
    "server_replaced": "the account was given another server",
    "account_removed": "the account was removed",
}


@dataclass(frozen=True)
class _Wanted:
    account: str | None
    serial: str | None
    after: int
    limit: int | None


@app.default
def changes(
    *,
    account: Annotated[str | None, Parameter(help="Of this account; default: of all.")] = None,
    serial: Annotated[str | None, Parameter(help="Of this device.")] = None,
    cursor: Annotated[str | None, Parameter(help="Those after this one; default: from the first.")] = None,
    limit: Annotated[int | None, Parameter(help="No more than so many; default: all.")] = None,
    output: Output = FOR_PEOPLE,
) -> None:
    """Show what passes found new about devices, oldest first. The cursor of a change is where to go on after it."""
    if limit is not None and limit < 1:
        raise Misuse(f"--limit must be at least 1, not {limit}")
    wanted = _Wanted(account, serial, _after(cursor), limit)
    run_async(_print_json(wanted) if output.json else _print_table(wanted))


def change_record(row: StoredChange) -> dict[str, Any]:
    """A change as one JSON object; `before` and `after` are Apple's keys with their values."""
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


def details(row: StoredChange) -> str:
    """What changed, for people: names with old and new values, or the reason of a deletion."""
    before = msgspec.json.decode(row.before, type=dict[str, Any]) if row.before else {}
    after = msgspec.json.decode(row.after, type=dict[str, Any]) if row.after else {}
    if row.kind == "deleted":
        return _REASONS.get(row.reason or "", row.reason or "")
    if row.kind == "added":
        return str(after.get("description") or after.get("model") or "")
    keys = dict.fromkeys((*before, *after))
    return ", ".join(f"{key}: {before.get(key, '-')} -> {after.get(key, '-')}" for key in keys)


async def _print_json(wanted: _Wanted) -> None:
    printer = ItemsPrinter()
    last, count = wanted.after, 0
    async with aclosing(_batches(wanted)) as batches:
        async for batch in batches:
            printer.add(map(change_record, batch))
            last, count = batch[-1].id, count + len(batch)
    printer.end(next_cursor=str(last) if count == wanted.limit else None)


async def _print_table(wanted: _Wanted) -> None:
    printer = TablePrinter(COLUMNS)
    async with aclosing(_batches(wanted)) as batches:
        async for batch in batches:
            printer.add(
                (row.id, row.found_at, row.account_name, row.serial_number, row.kind, details(row)) for row in batch
            )
    printer.end(empty="There are no such changes.")


async def _batches(wanted: _Wanted) -> AsyncGenerator[list[StoredChange]]:
    """The changes in lists that fit into memory, none of them empty."""
    from adept.protocol.device import fold_serial
    from adept.store.accounts import account_named
    from adept.store.changes import changes_after

    left, after = wanted.limit, wanted.after
    serial = fold_serial(wanted.serial) if wanted.serial is not None else None
    async with opened() as store, store.reading() as tx:
        account_id = (await account_named(tx, wanted.account)).id if wanted.account is not None else None
        while size := _BATCH if left is None else min(left, _BATCH):
            batch = await changes_after(tx, after, account_id=account_id, serial=serial, limit=size)
            if not batch:
                return
            yield batch
            after = batch[-1].id
            left = None if left is None else left - len(batch)


def _after(cursor: str | None) -> int:
    if cursor is None:
        return 0
    if not cursor.isascii() or not cursor.isdigit():
        raise Misuse("--cursor must be the cursor of a change")
    return int(cursor)
