"""`adept apple account-driven-enrollment`: the URL to which Apple sends devices that enroll by account."""

from __future__ import annotations

from typing import Annotated

from cyclopts import App, Parameter

from adept.cli.apple_connection import DEFAULTS, AppleOptions, ask
from adept.cli.output import print_fields

app = App(
    name="account-driven-enrollment",
    help="Show, set or delete the URL for enrollment by account.",
    help_epilogue="Example: adept apple account-driven-enrollment get",
)


@app.command(help_epilogue="Example: adept apple account-driven-enrollment get")
def get(*, apple: AppleOptions = DEFAULTS) -> None:
    """Show the URL now set, and since when."""
    from adept.client import endpoints
    from adept.protocol.account_driven import AccountDrivenEnrollment

    def show(found: AccountDrivenEnrollment) -> None:
        print_fields({name: getattr(found, name) for name in found.__struct_fields__})

    ask(apple, endpoints.account_driven_enrollment(), show)


@app.command(
    name="set", help_epilogue="Example: adept apple account-driven-enrollment set https://mdm.example.org/enroll"
)
def set_(url: Annotated[str, Parameter(help="The URL, with https.")], /, *, apple: AppleOptions = DEFAULTS) -> None:
    """Set the URL (https). It is public: every device can read it."""
    from adept.client import endpoints

    ask(apple, endpoints.set_account_driven_enrollment(url), lambda _: print(f"Set to {url}"))


@app.command(help_epilogue="Example: adept apple account-driven-enrollment delete")
def delete(*, apple: AppleOptions = DEFAULTS) -> None:
    """Delete the URL."""
    from adept.client import endpoints

    ask(apple, endpoints.delete_account_driven_enrollment(), lambda _: print("Deleted"))
