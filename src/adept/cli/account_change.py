"""`adept accounts change`: what a person sets of an account."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, TypedDict

from cyclopts import Parameter

from adept.cli.desk import at_desk
from adept.cli.event_loop import run_async
from adept.cli.output import FOR_PEOPLE, Output, print_document
from adept.cli.storage import AccountName
from adept.errors import Misuse

if TYPE_CHECKING:
    from adept.records.accounts import AccountDetails


class AccountEdit(TypedDict, total=False):
    """What is to be changed; what is not there stays. `page_size` None is as many as Apple gives."""

    base_url: str
    interval_s: int
    page_size: int | None


def change(
    name: AccountName,
    /,
    *,
    url: Annotated[str | None, Parameter(help="The service's base URL.")] = None,
    interval: Annotated[int | None, Parameter(help="Seconds between the syncs of adept serve.")] = None,
    page_size: Annotated[
        int | None, Parameter(help="How many devices to ask for at a time, 1 to 1000; 0: as many as Apple gives.")
    ] = None,
    output: Output = FOR_PEOPLE,
) -> None:
    """Change how an account is synced, from its next pass on. What is not named stays as it is."""
    edit = _edit(url, interval, page_size)
    account = run_async(_change(name, edit))
    if output.json:
        print_document(account.model_dump())
    else:
        size = f"{account.page_size} devices" if account.page_size else "as many devices as Apple gives"
        print(f"Account {account.name}: {account.base_url}, every {account.interval_s} s, {size} at a time.")


def _edit(url: str | None, interval_s: int | None, page_size: int | None) -> AccountEdit:
    from adept.client.setup import check_base_url

    edit = AccountEdit()
    if url is not None:
        edit["base_url"] = check_base_url(url)
    if interval_s is not None:
        edit["interval_s"] = interval_s
    if page_size is not None:
        edit["page_size"] = page_size or None
    if not edit:
        raise Misuse("nothing to change was named", way_out="give --url, --interval or --page-size")
    return edit


async def _change(name: str, edit: AccountEdit) -> AccountDetails:
    async with at_desk() as desk:
        return await desk.change_account(name, edit)
