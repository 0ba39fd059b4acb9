"""`adept accounts holds`: the deletions that wait for a person."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from adept.cli.account_records import hold_record
from adept.cli.event_loop import run_async
from adept.cli.output import FOR_PEOPLE, Output, print_document, print_items
from adept.cli.storage import AccountName, opened, utc_now
from adept.cli.table import print_table
from adept.errors import Misuse

if TYPE_CHECKING:
    from adept.store.holds import StoredHold

COLUMNS = ("ID", "STATE", "CREATED", "DEVICES", "OF", "DECIDED", "DELETED")


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
        _tell_decision("confirmed", confirm, run_async(_confirm(name, confirm)), output)
    elif discard is not None:
        run_async(_discard(name, discard))
        _tell_decision("discarded", discard, 0, output)
    else:
        _list_holds(run_async(_holds(name)), output)


def _list_holds(rows: list[StoredHold], output: Output) -> None:
    records = [hold_record(row, with_serials=output.json) for row in rows]
    if output.json:
        print_items(records)
        return
    keys = ("id", "state", "created_at", "devices", "live_devices", "decided_at", "deleted")
    print_table(COLUMNS, [[record[key] for key in keys] for record in records], empty="There are no holds.")


def _tell_decision(word: str, hold_id: int, deleted: int, output: Output) -> None:
    if output.json:
        print_document({"id": hold_id, "state": word, "deleted": deleted})
    else:
        print(f"Hold {hold_id} is {word}; {deleted:,} devices were deleted.")


async def _confirm(name: str, hold_id: int) -> int:
    from adept.store.accounts import account_named
    from adept.sync.holds import confirm

    async with opened() as store:
        async with store.reading() as tx:
            account = await account_named(tx, name)
        return await confirm(store, account, hold_id, now=utc_now())


async def _discard(name: str, hold_id: int) -> None:
    from adept.store.accounts import account_named
    from adept.sync.holds import discard

    async with opened() as store:
        async with store.reading() as tx:
            account = await account_named(tx, name)
        await discard(store, account, hold_id, now=utc_now())


async def _holds(name: str) -> list[StoredHold]:
    from adept.store.accounts import account_named
    from adept.store.holds import holds_of

    async with opened() as store, store.reading() as tx:
        return await holds_of(tx, (await account_named(tx, name)).id)
