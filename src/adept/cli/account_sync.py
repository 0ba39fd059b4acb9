"""`adept accounts sync`: walking an account, or following whoever walks it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from adept.cli.desk import at_desk
from adept.cli.event_loop import run_async
from adept.cli.output import FOR_PEOPLE, Output, counted, print_document
from adept.cli.progress import counting
from adept.cli.storage import AccountName

if TYPE_CHECKING:
    from adept.cli.pass_ends import Ended
    from adept.records.passes import PassRecord


def sync(
    name: AccountName,
    /,
    *,
    full: Annotated[bool, Parameter(help="Fetch everything again, after what changed.")] = False,
    no_wait: Annotated[bool, Parameter(help="Exit 9 where another process is walking the account.")] = False,
    output: Output = FOR_PEOPLE,
) -> None:
    """Walk an account until Apple has no more: everything the first time, afterwards what changed.

    Where another process is at it already, that pass is followed to its end.
    """
    ended = run_async(_sync(name, full=full, no_wait=no_wait))
    if output.json:
        print_document(ended.record.model_dump())
    else:
        _tell(ended.record)
    ended.raise_if_not_well()


async def _sync(name: str, *, full: bool, no_wait: bool) -> Ended:
    async with at_desk() as desk:
        with counting(f"Syncing {name}", unit="devices") as reached:
            return await desk.sync(name, full=full, no_wait=no_wait, on_devices=reached)


def _tell(ended: PassRecord) -> None:
    found = f"{ended.added:,} added, {ended.modified:,} modified, {ended.deleted:,} deleted"
    seen = f"{counted(ended.devices, 'record')} on {counted(ended.pages, 'page')}"
    print(f"Account {ended.account}: {ended.kind} pass {ended.id} {ended.state}, {seen}: {found}.")
    if ended.malformed:
        print(f"{ended.malformed:,} devices could not be read; they are kept as they came.")
    for note in ended.notes:
        print(f"Note: {note}")
