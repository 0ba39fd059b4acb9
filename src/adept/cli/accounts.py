"""`adept accounts`: how accounts are, and how they go. How they come and are walked is in the modules beside."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated

from cyclopts import App, Parameter

from adept.cli.account_change import change
from adept.cli.account_holds import holds
from adept.cli.account_sync import sync
from adept.cli.account_tokens import add, certificate, upload_token
from adept.cli.desk import at_desk
from adept.cli.event_loop import run_async
from adept.cli.output import FOR_PEOPLE, Output, print_document, print_fields, print_items
from adept.cli.storage import AccountName
from adept.cli.table import print_table
from adept.errors import NeedsPerson

if TYPE_CHECKING:
    from adept.records.accounts import AccountDetails, AccountRecord

app = App(
    name="accounts",
    help="Keep accounts (one per MDM server of the portal) and follow their devices.",
    help_epilogue="Example: adept accounts add hq",
)
app.command(add, help_epilogue="Example: adept accounts add hq")
app.command(certificate, help_epilogue="Example: adept accounts certificate hq -o hq.pem")
app.command(upload_token, help_epilogue="Example: adept accounts upload-token hq adept_Token_2026-11-21_smime.p7m")
app.command(change, help_epilogue="Example: adept accounts change hq --interval 900")
app.command(sync, help_epilogue="Example: adept accounts sync hq")
app.command(holds, help_epilogue="Example: adept accounts holds hq --confirm 3")

COLUMNS = ("NAME", "HEALTH", "DEVICES", "SERVER", "TOKEN ENDS", "LAST PASS", "NEXT SYNC")


@app.command(name="list", help_epilogue="Example: adept accounts list --json")
def list_(*, output: Output = FOR_PEOPLE) -> None:
    """List the accounts, with how each is."""
    accounts = run_async(_all())
    if output.json:
        print_items(account.model_dump() for account in accounts)
        return
    keys = ("name", "health", "devices", "server_name", "token_expires_at", "last_pass_at", "next_sync_at")
    rows = [[getattr(account, key) for key in keys] for account in accounts]
    print_table(COLUMNS, rows, empty="There are no accounts yet: adept accounts add NAME")


@app.command(help_epilogue="Example: adept accounts show hq")
def show(name: AccountName, /, *, output: Output = FOR_PEOPLE) -> None:
    """Show one account: how it is, what to do about it, its token, keypairs and last pass."""
    account = run_async(_find(name))
    if output.json:
        print_document(account.model_dump())
    else:
        print_fields(_for_people(account))


@app.command(help_epilogue="Example: adept accounts pause hq")
def pause(name: AccountName, /, *, output: Output = FOR_PEOPLE) -> None:
    """Walk the account no more until it is resumed."""
    run_async(_pause(name))
    if output.json:
        print_document({"account": name, "paused": True})
    else:
        print(f"Paused account {name}. Go on with: adept accounts resume {name}")


@app.command(help_epilogue="Example: adept accounts resume hq")
def resume(name: AccountName, /, *, output: Output = FOR_PEOPLE) -> None:
    """Walk the account again, from now on."""
    run_async(_resume(name))
    if output.json:
        print_document({"account": name, "paused": False})
    else:
        print(f"Resumed account {name}.")


@app.command(help_epilogue="Example: adept accounts remove hq --yes")
def remove(
    name: AccountName,
    /,
    *,
    yes: Annotated[bool, Parameter(help="Don't ask. Needed where there is no terminal to ask at.")] = False,
    output: Output = FOR_PEOPLE,
) -> None:
    """Remove an account with its devices and tokens from this database. Nothing changes at Apple.

    Its keypairs and the changes of its devices are kept.
    """
    account = run_async(_find(name))
    if not yes:
        _confirm_removal(account)
    count = run_async(_remove(name))
    if output.json:
        print_document({"account": account.name, "devices": count})
    else:
        print(f"Removed account {account.name} with {count:,} devices.")


def _for_people(account: AccountDetails) -> dict[str, object]:
    """What is worth a line of the account; what Apple said of it in full is for programs."""
    for_programs = {"identity", "identity_at", "limits", "version"}
    hold, last_pass = account.hold, account.last_pass
    return account.model_dump(exclude=for_programs) | {
        "keypairs": [f"{pair.state} since {pair.created_at:%Y-%m-%d}" for pair in account.keypairs],
        "tokens": [token.state for token in account.tokens],
        "hold": f"{hold.devices} devices wait for a person" if hold else None,
        "last_pass": last_pass.state if last_pass else None,
    }


def _confirm_removal(account: AccountDetails) -> None:
    name = account.name
    if not sys.stdin.isatty():
        raise NeedsPerson(
            f"removing account {name} with {account.devices:,} devices needs to be confirmed", way_out="add --yes"
        )
    if input(f"Remove account {name} with {account.devices:,} devices? Type its name: ").strip().lower() != name:
        raise NeedsPerson(f"account {name} was not removed: another name was typed")


async def _pause(name: str) -> None:
    async with at_desk() as desk:
        await desk.pause(name)


async def _resume(name: str) -> None:
    async with at_desk() as desk:
        await desk.resume(name)


async def _remove(name: str) -> int:
    async with at_desk() as desk:
        return await desk.remove(name)


async def _all() -> list[AccountRecord]:
    async with at_desk() as desk:
        return await desk.accounts()


async def _find(name: str) -> AccountDetails:
    async with at_desk() as desk:
        return await desk.account(name)
