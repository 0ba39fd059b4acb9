"""`adept accounts`: accounts come, get their tokens, and go. Syncing them is in `account_sync`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import App, Parameter

from adept.cli import files
from adept.cli.account_records import Found, account_record, active_until, whole_record
from adept.cli.account_sync import holds, sync
from adept.cli.event_loop import run_async
from adept.cli.output import FOR_PEOPLE, Output, print_body, print_document, print_fields, print_items, warn
from adept.cli.storage import AccountName, connect, opened, utc_now
from adept.cli.table import print_table
from adept.errors import NeedsPerson

if TYPE_CHECKING:
    from adept.accounts.switch import TokenOutcome
    from adept.store.accounts import StoredAccount

app = App(
    name="accounts",
    help="Keep accounts (one per MDM server of the portal) and follow their devices.",
    help_epilogue="Example: adept accounts add hq",
)
app.command(sync, help_epilogue="Example: adept accounts sync hq")
app.command(holds, help_epilogue="Example: adept accounts holds hq --confirm 3")

COLUMNS = ("NAME", "HEALTH", "DEVICES", "SERVER", "TOKEN ENDS", "LAST PASS", "NEXT SYNC")


@app.command(help_epilogue="Example: adept accounts add hq")
def add(
    name: Annotated[str, Parameter(help="A short name of your choice: a-z, 0-9, dot, underscore, hyphen.")],
    /,
    *,
    url: Annotated[str | None, Parameter(help="The service's base URL; default: ADEPT_URL, else Apple's.")] = None,
    token: Annotated[Path | None, Parameter(help="A server token that is decrypted already (JSON).")] = None,
    output: Output = FOR_PEOPLE,
) -> None:
    """Add an account: one MDM server of Apple's portal. Makes the database if there is none yet (SQLite)."""
    from adept.client.setup import APPLE_URL, check_base_url
    from adept.protocol.server_token import ServerToken
    from adept.settings import load_settings

    base_url = check_base_url(url or load_settings().url or APPLE_URL)
    server_token = ServerToken.from_file(token) if token is not None else None
    account, outcome = run_async(_add(name, base_url, server_token))
    if output.json:
        expires_at = outcome.expires_at if outcome and outcome.is_active else None
        print_document(account_record(account, devices=0, token_expires_at=expires_at))
        return
    print(f"Added account {account.name}.")
    if outcome is None:
        print(
            f"Next: adept accounts certificate {account.name} -o {account.name}.pem, and upload it to Apple's portal."
        )
    else:
        _tell_token(outcome)


@app.command(help_epilogue="Example: adept accounts certificate hq -o hq.pem")
def certificate(
    name: AccountName,
    /,
    *,
    file: Annotated[Path | None, Parameter(name=("--output", "-o"), help="Write to this file.")] = None,
    output: Output = FOR_PEOPLE,
) -> None:
    """Print the account's certificate (PEM) for Apple's portal. The same one until a token for it was accepted."""
    pem = run_async(_certificate(name))
    if file is not None and str(file) != "-":
        with files.replacing(file) as out:
            out.write(pem)
        warn(
            f"wrote {file}: upload it to Apple's portal, then adept accounts upload-token {name} with what it gives you"
        )
    elif output.json:
        print_document({"account": name, "certificate": pem.decode()})
    else:
        print_body(pem)


@app.command(
    name="upload-token", help_epilogue="Example: adept accounts upload-token hq adept_Token_2026-11-21_smime.p7m"
)
def upload_token(
    name: AccountName,
    file: Annotated[
        Path,
        Parameter(
            help="The server token as Apple's portal gives it (.p7m); - is standard input.", allow_leading_hyphen=True
        ),
    ],
    /,
    *,
    key: Annotated[Path | None, Parameter(help="The private key, where the certificate was not the account's.")] = None,
    replace_server: Annotated[
        bool, Parameter(help="Take the token of another MDM server: its devices replace those of the account.")
    ] = False,
    output: Output = FOR_PEOPLE,
) -> None:
    """Take a server token: open it, ask Apple whose it is, and switch to it. The old token works until then.

    Where Apple can't be asked yet (terms not accepted, no answer), the token is kept and tried again before each sync.
    """
    data = files.read_file(file, "server token")
    private_key = files.read_file(key, "private key") if key is not None else None
    outcome = run_async(_upload(name, data, private_key, replace_server=replace_server))
    if output.json:
        print_document(_outcome_record(outcome))
    else:
        _tell_token(outcome)


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


def _tell_token(outcome: TokenOutcome) -> None:
    if outcome.identity is not None:
        identity = outcome.identity
        organisation = f" of {identity.org_name}" if identity.org_name else ""
        print(f"The token is accepted: server {identity.server_name or identity.server_uuid}{organisation}.")
        print(f"It ends on {outcome.expires_at:%Y-%m-%d}. Next: adept accounts sync {outcome.account_name}")
    for remark in outcome.remarks:
        warn(remark)
    if outcome.waits_for is not None:
        print("The token is kept, but Apple can't be asked about it yet; it is tried again before each sync.")
        warn(str(outcome.waits_for))


def _outcome_record(outcome: TokenOutcome) -> dict[str, Any]:
    identity, waits_for = outcome.identity, outcome.waits_for
    return {
        "account": outcome.account_name,
        "state": "active" if outcome.is_active else "candidate",
        "expires_at": outcome.expires_at,
        "server_name": identity.server_name if identity else None,
        "server_uuid": identity.server_uuid_normalised if identity else None,
        "org_name": identity.org_name if identity else None,
        "remarks": outcome.remarks,
        "deleted_devices": outcome.deleted_devices,
        "waits_for": {"code": waits_for.code, "message": waits_for.message} if waits_for else None,
    }


async def _add(name: str, base_url: str, token: Any) -> tuple[StoredAccount, TokenOutcome | None]:
    from adept.accounts import registry

    async with opened(create=True) as store:
        return await registry.add(store, name, base_url=base_url, now=utc_now, connect=connect, token=token)


async def _certificate(name: str) -> bytes:
    from adept.accounts.exchange import certificate

    async with opened() as store:
        return await certificate(store, name, now=utc_now)


async def _upload(name: str, data: bytes, key: bytes | None, *, replace_server: bool) -> TokenOutcome:
    from adept.accounts.exchange import upload_token

    async with opened() as store:
        return await upload_token(
            store, name, data, key=key, replace_server=replace_server, connect=connect, now=utc_now
        )


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
