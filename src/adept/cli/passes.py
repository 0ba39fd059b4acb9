"""`adept passes`: the walks over accounts, newest first."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from cyclopts import App, Parameter

from adept.cli.desk import at_desk
from adept.cli.event_loop import run_async
from adept.cli.output import FOR_PEOPLE, Output, print_items
from adept.cli.table import print_table
from adept.errors import Misuse

if TYPE_CHECKING:
    from adept.records.lists import ItemList
    from adept.records.passes import PassRecord

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
    found = run_async(_find(account, cursor=cursor, limit=limit))
    if output.json:
        print_items((record.model_dump() for record in found.items), next_cursor=found.next_cursor)
    else:
        print_table(COLUMNS, map(_row, found.items), empty="There were no passes yet.")


async def _find(account: str | None, *, cursor: str | None, limit: int) -> ItemList[PassRecord]:
    async with at_desk() as desk:
        return await desk.passes(account, cursor=cursor, limit=limit)


def _row(found: PassRecord) -> tuple[object, ...]:
    took = f"{(found.ended_at - found.started_at).total_seconds():.1f} s" if found.ended_at else ""
    counts = (found.pages, found.added, found.modified, found.deleted)
    remarks = "; ".join([*found.notes, *([found.error] if found.error else [])])
    return (found.id, found.account, found.kind, found.state, found.started_at, took, *counts, remarks)
