"""`adept audit`: who changed what, when and from where."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import msgspec
from cyclopts import App, Parameter

from adept.cli.access_desk import at_access_desk
from adept.cli.event_loop import run_async
from adept.cli.output import FOR_PEOPLE, Output, print_items
from adept.cli.table import print_table
from adept.errors import Misuse

if TYPE_CHECKING:
    from adept.records.audit import AuditQuery, AuditRecord
    from adept.records.lists import ItemList

app = App(name="audit", help_epilogue="Example: adept audit --subject hq --act account --limit 20")

COLUMNS = ("AT", "WHO", "FROM", "DID", "TO", "BEFORE", "AFTER")


@app.default
def audit(
    *,
    actor: Annotated[str | None, Parameter(help="Done by this user, key, or user of the command line.")] = None,
    act: Annotated[str | None, Parameter(help="What was done: account.paused, or account for all of those.")] = None,
    subject: Annotated[str | None, Parameter(help="Done to what has this name.")] = None,
    since: Annotated[datetime | None, Parameter(help="From then on: 2026-11-22 or 2026-11-22T08:00 (UTC).")] = None,
    until: Annotated[datetime | None, Parameter(help="Before then.")] = None,
    cursor: Annotated[str | None, Parameter(help="Go on with the entries before this one.")] = None,
    limit: Annotated[int, Parameter(help="How many, up to 1000; default: 100.")] = 100,
    output: Output = FOR_PEOPLE,
) -> None:
    """Show who changed what, the newest first: accounts, tokens, users, keys, logins."""
    from adept.records.audit import AuditQuery

    if not 1 <= limit <= 1000:
        raise Misuse(f"--limit must be 1 to 1000, not {limit}")
    query = AuditQuery(actor=actor, act=act, subject=subject, since=_utc(since), until=_utc(until))
    found = run_async(_find(query, cursor=cursor, limit=limit))
    if output.json:
        print_items((entry.model_dump() for entry in found.items), next_cursor=found.next_cursor)
    else:
        print_table(COLUMNS, map(_row, found.items), empty="There is no such entry.")


def _row(entry: AuditRecord) -> tuple[object, ...]:
    who = f"{entry.actor_kind} {entry.actor}"
    return (entry.at, who, entry.address, entry.act, entry.subject, _told(entry.before), _told(entry.after))


def _told(fields: dict[str, object] | None) -> str | None:
    return None if fields is None else msgspec.json.encode(fields).decode()


def _utc(time: datetime | None) -> datetime | None:
    return time.replace(tzinfo=UTC) if time is not None and time.tzinfo is None else time


async def _find(query: AuditQuery, *, cursor: str | None, limit: int) -> ItemList[AuditRecord]:
    async with at_access_desk() as desk:
        return await desk.audit(query, cursor=cursor, limit=limit)
