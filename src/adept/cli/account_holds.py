"""`adept accounts holds`: the deletions that wait for a person."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

from cyclopts import Parameter

from adept.cli.desk import at_desk
from adept.cli.event_loop import run_async
from adept.cli.output import FOR_PEOPLE, Output, print_document, print_items
from adept.cli.storage import AccountName
from adept.cli.table import print_table
from adept.errors import Misuse

if TYPE_CHECKING:
    from adept.records.holds import HoldDetails

COLUMNS = ("ID", "STATE", "CREATED", "DEVICES", "OF", "DECIDED", "DELETED")

Decision = Literal["confirm", "discard"]
_DONE = {"confirm": "confirmed", "discard": "discarded"}


def holds(
    name: AccountName,
    /,
    *,
    confirm: Annotated[int | None, Parameter(help="Delete the devices of this hold.")] = None,
    discard: Annotated[int | None, Parameter(help="Keep the devices of this hold.")] = None,
    output: Output = FOR_PEOPLE,
) -> None:
    """Show the deletions that wait for a person, or decide one.

    A full fetch that would delete more than 10 devices and more than a fifth of the account deletes none of them and
    makes a hold. Look why Apple no longer has them, then confirm or discard it.
    """
    if confirm is not None and discard is not None:
        raise Misuse("--confirm and --discard were both given", way_out="decide for one of them")
    if confirm is not None:
        _tell_decision("confirm", confirm, run_async(_decide(name, confirm, "confirm")), output)
    elif discard is not None:
        _tell_decision("discard", discard, run_async(_decide(name, discard, "discard")), output)
    else:
        _list_holds(run_async(_holds(name)), output)


def _list_holds(found: list[HoldDetails], output: Output) -> None:
    if output.json:
        print_items(hold.model_dump() for hold in found)
        return
    rows = [
        (hold.id, hold.state, hold.created_at, hold.devices, hold.live_devices, hold.decided_at, hold.deleted)
        for hold in found
    ]
    print_table(COLUMNS, rows, empty="There are no holds.")


def _tell_decision(decision: Decision, hold_id: int, deleted: int, output: Output) -> None:
    if output.json:
        print_document({"id": hold_id, "state": _DONE[decision], "deleted": deleted})
    else:
        print(f"Hold {hold_id} is {_DONE[decision]}; {deleted:,} devices were deleted.")


async def _decide(name: str, hold_id: int, decision: Decision) -> int:
    async with at_desk() as desk:
        return await desk.decide_hold(name, hold_id, decision)


async def _holds(name: str) -> list[HoldDetails]:
    async with at_desk() as desk:
        return await desk.holds(name)
