"""`adept bypass-code`: make an Activation Lock bypass code, or turn one form of it into the others."""

from __future__ import annotations

from typing import Annotated

from cyclopts import App, Parameter

from adept.cli.output import FOR_PEOPLE, Output, print_document, print_fields
from adept.errors import Misuse

app = App(name="bypass-code", help_epilogue="Example: adept bypass-code --code 3UM43-PUYVY-QYD1-UVCC-HEHJ-FKA4")


@app.default
def bypass_code(
    *,
    raw: Annotated[str | None, Parameter(help="The 16 bytes of an existing code, as 32 hexadecimal digits.")] = None,
    code: Annotated[str | None, Parameter(help="An existing code, as a person would type it.")] = None,
    output: Output = FOR_PEOPLE,
) -> None:
    """Make a new Activation Lock bypass code; or show an existing one in its three forms.

    The code is what a person types into Setup Assistant, the escrow key what Apple is told when the device is locked
    (adept apple activation-lock --escrow-key). Keep the code: nobody can work it out from the escrow key.
    """
    from secrets import token_bytes

    from adept.protocol.bypass_code import BypassCode

    if raw is not None and code is not None:
        raise Misuse("--raw and --code were both given", way_out="give one of them, or none for a new code")
    if raw is not None:
        found = BypassCode.from_raw(_bytes(raw))
    elif code is not None:
        found = BypassCode.from_code(code)
    else:
        found = BypassCode.generate(token_bytes)
    forms = {"code": found.code, "escrow_key": found.escrow_key, "raw": found.raw.hex()}
    if output.json:
        print_document(forms)
    else:
        print_fields(forms)


def _bytes(text: str) -> bytes:
    try:
        return bytes.fromhex(text)
    except ValueError:
        raise Misuse("--raw must be 32 hexadecimal digits (16 bytes)") from None
