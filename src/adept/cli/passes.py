"""`adept passes`: the walks over accounts, newest first."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any

import msgspec
from cyclopts import App, Parameter

from adept.cli.event_loop import run_async
from adept.cli.output import FOR_PEOPLE, Output, print_items
from adept.cli.storage import opened
from adept.cli.table import print_table
from adept.errors import Misuse

if TYPE_CHECKING:
    from adept.store.passes import StoredPass

app = App(name="passes", help_epilogue="Example: adept passes --account hq --limit 5")

COLUMNS = ("ID", "ACCOUNT", "KIND", "STATE", "STARTED", "TOOK", "PAGES", "ADDED", "MODIFIED", "DELETED", "REMARKS")


@app.default
def passes(
    *,
    account: Annotated[str | None, Parameter(help="Of this account; default: of all.")] = None,
    cursor: Annotated[str | None, Parameter(help="Go on with the passes before this one.")] = None,
    limit: Annotated[int, Parameter(help="How many; default: 100.")] = 100,
    output: Output = FOR_PEOPLE,
) -> None:
    """Show the walks over accounts, newest first: when, how long, what they found, and why they failed."""
    if limit < 1:
        raise Misuse(f"--limit must be at least 1, not {limit}")
    rows, names = run_async(_find(account, before=_before(cursor), limit=limit))
    if output.json:
        more = len(rows) == limit and rows[-1].id > 1
        print_items(
            (pass_record(row, names[row.account_id]) for row in rows), next_cursor=str(rows[-1].id) if more else None
        )
    else:
        print_table(COLUMNS, [_row(row, names[row.account_id]) for row in rows], empty="There were no passes yet.")


def pass_record(row: StoredPass, account: str) -> dict[str, Any]:
    """A pass as one JSON object."""
    values = asdict(row) | {"account": account, "notes": msgspec.json.decode(row.notes)}
    del values["account_id"], values["lease_epoch"]
    return values


async def _find(account: str | None, *, before: int | None, limit: int) -> tuple[list[StoredPass], dict[int, str]]:
    from adept.store.accounts import account_named, all_accounts
    from adept.store.passes import passes_of

    async with opened() as store, store.reading() as tx:
        account_id = (await account_named(tx, account)).id if account is not None else None
        names = {row.id: row.name for row in await all_accounts(tx)}
        return await passes_of(tx, account_id, limit=limit, before=before), names


def _row(row: StoredPass, account: str) -> tuple[object, ...]:
    took = f"{(row.ended_at - row.started_at).total_seconds():.1f} s" if row.ended_at else ""
    remarks = [*msgspec.json.decode(row.notes, type=list[str]), *([row.error] if row.error else [])]
    counts = (row.pages, row.added, row.modified, row.deleted)
    return (row.id, account, row.kind, row.state, row.started_at, took, *counts, "; ".join(remarks))


def _before(cursor: str | None) -> int | None:
    if cursor is None:
        return None
    if not cursor.isascii() or not cursor.isdigit():
        raise Misuse("--cursor must be the next_cursor of an earlier list")
    return int(cursor)
