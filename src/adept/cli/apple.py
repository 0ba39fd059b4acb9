"""`adept apple`: Apple's service, asked directly. No store is involved."""

from __future__ import annotations

from typing import Annotated, Any

from cyclopts import App, Parameter

from adept.cli.apple_connection import DEFAULTS, AppleOptions, ask
from adept.cli.apple_devices import details
from adept.cli.apple_enrollment import app as account_driven_enrollment
from adept.cli.apple_pages import fetch, sync
from adept.cli.apple_profile import app as profile
from adept.cli.output import print_fields
from adept.cli.serials import SerialNumber
from adept.cli.table import print_table
from adept.errors import Misuse, Refused

app = App(
    name="apple",
    help="Ask Apple's service directly, with a server token.",
    help_epilogue="Example: adept apple fetch --token token.json --json > devices.json",
)
app.command(profile)
app.command(account_driven_enrollment)
app.command(fetch, help_epilogue="Example: adept apple fetch --token token.json --json > devices.json")
app.command(sync, help_epilogue='Example: adept apple sync --cursor "$(jq -r .cursor devices.json)"')
app.command(details, help_epilogue="Example: adept apple details C02XK1ZZJHD5 --serials-file serials.txt")


@app.command(help_epilogue="Example: adept apple account --token token.json")
def account(*, apple: AppleOptions = DEFAULTS) -> None:
    """Show the MDM server and the organisation that the token belongs to."""
    from adept.client import endpoints
    from adept.protocol.account import Account

    def show(found: Account) -> None:
        names = [name for name in Account.__struct_fields__ if name not in ("urls", "document")]
        print_fields({name: getattr(found, name) for name in names})

    ask(apple, endpoints.account(), show)


@app.command(help_epilogue="Example: adept apple replacement C02XK1ZZJHD5")
def replacement(serial: SerialNumber, /, *, apple: AppleOptions = DEFAULTS) -> None:
    """Show which device a replacement device stands for."""
    from adept.client import endpoints

    ask(apple, endpoints.replacement_details(serial), _show_struct)


@app.command(
    name="activation-lock",
    help_epilogue="Example: adept apple activation-lock C02XK1ZZJHD5 --message 'Please return to Example Ltd'",
)
def activation_lock(
    serial: SerialNumber,
    /,
    *,
    escrow_key: Annotated[
        str | None, Parameter(help="The escrow key of a bypass code, 64 hexadecimal digits (adept bypass-code).")
    ] = None,
    message: Annotated[str | None, Parameter(help="What the locked device shows.", allow_leading_hyphen=True)] = None,
    apple: AppleOptions = DEFAULTS,
) -> None:
    """Lock a device to the organisation. Without an escrow key it is locked to whoever made the server.

    Keep the bypass code before you send its escrow key: nobody can work it out afterwards.
    """
    from adept.client import endpoints
    from adept.protocol.activation_lock import is_escrow_key

    if escrow_key is not None and not is_escrow_key(escrow_key):
        raise Misuse(
            "--escrow-key must be 64 hexadecimal digits, which a bypass code is not",
            way_out="adept bypass-code --code CODE shows the escrow key of a code",
        )
    call = endpoints.activation_lock(serial, escrow_key=escrow_key, lost_message=message)
    result = ask(apple, call, _show_struct)
    if not result.is_success:
        raise Refused(
            f"locking {result.serial_number}: Apple answered {result.response_status}",
            code=result.response_status,
            status=200,
            endpoint=call.endpoint,
        )


@app.command(name="beta-tokens", help_epilogue="Example: adept apple beta-tokens --json")
def beta_tokens(*, apple: AppleOptions = DEFAULTS) -> None:
    """Show the organisation's tokens for beta programmes."""
    from adept.client import endpoints
    from adept.protocol.beta_tokens import BetaTokens

    def show(found: BetaTokens) -> None:
        rows = [(token.os, token.title, token.token) for token in (*found.tokens, *found.seed_build_tokens)]
        print_table(("OS", "TITLE", "TOKEN"), rows, empty="The organisation has no beta tokens.")

    ask(apple, endpoints.beta_tokens(), show)


def _show_struct(found: Any) -> None:
    print_fields({name: getattr(found, name) for name in found.__struct_fields__})
