"""`adept accounts`: how accounts are, and how they go. How they come and are walked is in the modules beside."""

from __future__ import annotations

import sys
from typing import Annotated, Any

from cyclopts import App, Parameter

from adept.cli.account_holds import holds
from adept.cli.account_records import Found, account_record, active_until, whole_record
from adept.cli.account_sync import sync
from adept.cli.account_tokens import add, certificate, upload_token
from adept.cli.event_loop import run_async
from adept.cli.output import FOR_PEOPLE, Output, print_document, print_fields, print_items
from adept.cli.storage import AccountName, opened, utc_now
from adept.cli.table import print_table
from adept.errors import NeedsPerson

app = App(
    name="accounts",
    help="Keep accounts (one per MDM server of the portal) and follow their devices.",
    help_epilogue="Example: adept accounts add hq",
)
app.command(add, help_epilogue="Example: adept accounts add hq")
app.command(certificate, help_epilogue="Example: adept accounts certificate hq -o hq.pem")
app.command(upload_token, help_epilogue="Example: adept accounts upload-token hq adept_Token_2026-11-21_smime.p7m")
app.command(sync, help_epilogue="Example: adept accounts sync hq")
app.command(holds, help_epilogue="Example: adept accounts holds hq --confirm 3")

COLUMNS = ("NAME", "HEALTH", "DEVICES", "SERVER", "TOKEN ENDS", "LAST PASS", "NEXT SYNC")


@app.command(name="list", help_epilogue="Example: adept accounts list --json")
def list_(*, output: Output = FOR_PEOPLE) -> None:
    """List the accounts, with how each is."""
    records = run_async(_all())
    if output.json:
        print_items(records)
        return
    keys = ("name", "health", "devices", "server_name", "token_expires_at", "last_pass_at", "next_sync_at")
    rows = [[record[key] for key in keys] for record in records]
    print_table(COLUMNS, rows, empty="There are no accounts yet: adept accounts add NAME")


@app.command(help_epilogue="Example: adept accounts show hq")
def show(name: AccountName, /, *, output: Output = FOR_PEOPLE) -> None:
    """Show one account: how it is, what to do about it, its token, keypairs and last pass."""
    record = whole_record(run_async(_find(name)))
    if output.json:
        print_document(record)
        return
    nested = {
        "keypairs": [f"{pair['state']} since {pair['created_at']:%Y-%m-%d}" for pair in record["keypairs"]],
        "tokens": [token["state"] for token in record["tokens"]],
        "hold": f"{record['hold']['devices']} devices wait for a person" if record["hold"] else None,
        "last_pass": record["last_pass"]["state"] if record["last_pass"] else None,
    }
    print_fields(record | nested)


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
    found = run_async(_find(name))
    if not yes:
        _confirm_removal(found)
    count = run_async(_remove(name))
    if output.json:
        print_document({"account": found.account.name, "devices": count})
    else:
        print(f"Removed account {found.account.name} with {count:,} devices.")


def _confirm_removal(found: Found) -> None:
    name = found.account.name
    if not sys.stdin.isatty():
        raise NeedsPerson(
            f"removing account {name} with {found.devices:,} devices needs to be confirmed", way_out="add --yes"
        )
    if input(f"Remove account {name} with {found.devices:,} devices? Type its name: ").strip().lower() != name:
        raise NeedsPerson(f"account {name} was not removed: another name was typed")


async def _pause(name: str) -> None:
    from adept.accounts import registry

    async with opened() as store:
        await registry.pause(store, name, now=utc_now)


async def _resume(name: str) -> None:
    from adept.accounts import registry

    async with opened() as store:
        await registry.resume(store, name, now=utc_now)


async def _remove(name: str) -> int:
    from adept.accounts import registry

    async with opened() as store:
        return await registry.remove(store, name, now=utc_now)


async def _all() -> list[dict[str, Any]]:
    from adept.store.accounts import all_accounts
    from adept.store.inventory import counts_by_account
    from adept.store.tokens import tokens_of

    async with opened() as store, store.reading() as tx:
        counts = await counts_by_account(tx)
        return [
            account_record(
                account,
                devices=counts.get(account.id, 0),
                token_expires_at=active_until(await tokens_of(tx, account.id, "active")),
            )
            for account in await all_accounts(tx)
        ]


async def _find(name: str) -> Found:
    from adept.store.accounts import account_named
    from adept.store.devices import live_count
    from adept.store.holds import open_hold
    from adept.store.keypairs import keypairs_of
    from adept.store.passes import passes_of
    from adept.store.tokens import tokens_of

    async with opened() as store, store.reading() as tx:
        account = await account_named(tx, name)
        last = await passes_of(tx, account.id, limit=1)
        return Found(
            account=account,
            devices=await live_count(tx, account.id),
            tokens=await tokens_of(tx, account.id),
            keypairs=await keypairs_of(tx, account.id),
            hold=await open_hold(tx, account.id),
            last_pass=last[0] if last else None,
        )
