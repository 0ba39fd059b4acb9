"""`adept accounts add`, `certificate` and `upload-token`: how an account comes to its server token."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from adept.cli import files
from adept.cli.desk import at_desk
from adept.cli.event_loop import run_async
from adept.cli.key_files import PasswordFile, read_private_key
from adept.cli.output import FOR_PEOPLE, Output, print_body, print_document, warn
from adept.cli.storage import AccountName
from adept.errors import Misuse

if TYPE_CHECKING:
    from adept.protocol.server_token import ServerToken
    from adept.records.accounts import AccountDetails
    from adept.records.tokens import TokenOutcomeRecord


def add(
    name: Annotated[str, Parameter(help="A short name of your choice: a-z, 0-9, dot, underscore, hyphen.")],
    /,
    *,
    url: Annotated[str | None, Parameter(help="The service's base URL; default: ADEPT_URL, else Apple's.")] = None,
    token: Annotated[Path | None, Parameter(help="A server token that is decrypted already (JSON).")] = None,
    output: Output = FOR_PEOPLE,
) -> None:
    """Add an account: one MDM server of Apple's portal. Makes the database if there is none yet (SQLite)."""
    from adept.client.setup import check_base_url
    from adept.protocol.server_token import ServerToken
    from adept.settings import load_settings

    given = url or load_settings().url
    base_url = check_base_url(given) if given is not None else None
    server_token = ServerToken.from_file(token) if token is not None else None
    account = run_async(_add(name, base_url, server_token))
    if output.json:
        print_document(account.model_dump())
        return
    print(f"Added account {account.name}.")
    if account.tokens:
        _tell_first_token(account)
    else:
        print(
            f"Next: adept accounts certificate {account.name} -o {account.name}.pem, and upload it to Apple's portal."
        )


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
    password_file: PasswordFile = None,
    replace_server: Annotated[
        bool, Parameter(help="Take the token of another MDM server: its devices replace those of the account.")
    ] = False,
    output: Output = FOR_PEOPLE,
) -> None:
    """Take a server token: open it, ask Apple whose it is, and switch to it. The old token works until then.

    Where Apple can't be asked yet (terms not accepted, no answer), the token is kept and tried again before each sync.
    The key's password, if it has one, is asked for at a terminal, and never leaves this machine.
    """
    data = files.read_file(file, "server token")
    private_key = _opened(key, password_file)
    outcome = run_async(_upload(name, data, private_key, replace_server=replace_server))
    if output.json:
        print_document(outcome.model_dump())
    else:
        _tell_token(outcome)


def _opened(key: Path | None, password_file: Path | None) -> bytes | None:
    """The key as PEM without its password."""
    from adept.protocol.keypair import private_key_pem

    if key is None:
        if password_file is not None:
            raise Misuse("--password-file opens a key", way_out="name the key with --key FILE")
        return None
    return private_key_pem(read_private_key(key, password_file))


def _tell_first_token(account: AccountDetails) -> None:
    token = account.tokens[0]
    if token.state == "active":
        _tell_accepted(account.server_name or account.server_uuid, account.org_name)
        print(f"It ends on {token.expires_at:%Y-%m-%d}. Next: adept accounts sync {account.name}")
    else:
        _tell_kept(token.reason or "Apple can't be asked")


def _tell_token(outcome: TokenOutcomeRecord) -> None:
    if outcome.waits_for is None:
        _tell_accepted(outcome.server_name or outcome.server_uuid, outcome.org_name)
        print(f"It ends on {outcome.expires_at:%Y-%m-%d}. Next: adept accounts sync {outcome.account}")
    for remark in outcome.remarks:
        warn(remark)
    if outcome.waits_for is not None:
        _tell_kept(outcome.waits_for.message)


def _tell_accepted(server: str | None, organisation: str | None) -> None:
    print(f"The token is accepted: server {server}{f' of {organisation}' if organisation else ''}.")


def _tell_kept(reason: str) -> None:
    print("The token is kept, but Apple can't be asked about it yet; it is tried again before each sync.")
    warn(reason)


async def _add(name: str, base_url: str | None, token: ServerToken | None) -> AccountDetails:
    async with at_desk(create=True) as desk:
        return await desk.add_account(name, base_url=base_url, token=token)


async def _certificate(name: str) -> bytes:
    async with at_desk() as desk:
        return await desk.certificate(name)


async def _upload(name: str, data: bytes, key: bytes | None, *, replace_server: bool) -> TokenOutcomeRecord:
    async with at_desk() as desk:
        return await desk.upload_token(name, data, key=key, replace_server=replace_server)
