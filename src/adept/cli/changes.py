"""`adept changes`: what passes found new about devices, oldest first."""

from __future__ import annotations

from contextlib import aclosing
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Annotated

from cyclopts import App, Parameter

from adept.cli.desk import at_desk
from adept.cli.event_loop import run_async
from adept.cli.output import FOR_PEOPLE, ItemsPrinter, Output
from adept.cli.table import TablePrinter
from adept.errors import Misuse

if TYPE_CHECKING:
    from adept.records.changes import ChangeRecord

app = App(name="changes", help_epilogue="Example: adept changes --account hq --cursor 1500")

COLUMNS = ("CURSOR", "FOUND", "ACCOUNT", "SERIAL", "WHAT", "DETAILS")
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
    cursor: str | None
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
    wanted = _Wanted(account, serial, cursor, limit)
    run_async(_print_json(wanted) if output.json else _print_table(wanted))


def details(change: ChangeRecord) -> str:
    """What changed, for people: names with old and new values, or the reason of a deletion."""
    before, after = change.before or {}, change.after or {}
    if change.kind == "deleted":
        return _REASONS.get(change.reason or "", change.reason or "")
    if change.kind == "added":
        return str(after.get("description") or after.get("model") or "")
    keys = dict.fromkeys((*before, *after))
    return ", ".join(f"{key}: {before.get(key, '-')} -> {after.get(key, '-')}" for key in keys)


async def _print_json(wanted: _Wanted) -> None:
    from adept.records.changes import change_record

    printer = ItemsPrinter()
    last, count = None, 0
    async with at_desk() as desk, aclosing(desk.changes(**asdict(wanted))) as batches:
        async for batch in batches:
            printer.add(batch)
            last, count = batch[-1], count + len(batch)
    is_cut_off = count == wanted.limit
    printer.end(next_cursor=change_record(last).cursor if last is not None and is_cut_off else None)


async def _print_table(wanted: _Wanted) -> None:
    from adept.records.changes import change_record

    printer = TablePrinter(COLUMNS)
    async with at_desk() as desk, aclosing(desk.changes(**asdict(wanted))) as batches:
        async for batch in batches:
            printer.add(map(_row, map(change_record, batch)))
    printer.end(empty="There are no such changes.")


def _row(change: ChangeRecord) -> tuple[object, ...]:
    what = (change.serial_number, change.kind, details(change))
    return (change.cursor, change.found_at, change.account, *what)
