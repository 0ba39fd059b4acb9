"""`adept accounts add`, `certificate` and `upload-token`: how an account comes to its server token."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Parameter

from adept.cli import files
from adept.cli.account_records import account_record
from adept.cli.event_loop import run_async
from adept.cli.output import FOR_PEOPLE, Output, print_body, print_document, warn
from adept.cli.storage import AccountName, connect, opened, utc_now

if TYPE_CHECKING:
    from adept.accounts.switch import TokenOutcome
    from adept.protocol.server_token import ServerToken
    from adept.store.accounts import StoredAccount


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


async def _add(name: str, base_url: str, token: ServerToken | None) -> tuple[StoredAccount, TokenOutcome | None]:
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
