"""The file that *Get Token* hands out, with the name Apple gives it."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from adept.errors import Misuse
from adept.protocol.p7m_seal import seal_server_token
from adept.protocol.server_token import ServerToken
from adept.simulator.clock import as_apple_time
from adept.simulator.credentials import Credentials
from adept.simulator.organisation import MdmServer


@dataclass(frozen=True)
class TokenFile:
    """A file to download."""

    name: str
    content: bytes
    content_type: str


def token_file(server: MdmServer, new_token: Callable[[], Credentials], *, form: str, at: datetime) -> TokenFile:
    """Make a new token and put it in a file: Apple's `.p7m` (`ber`), the same in `der`, or plain `json`.

    Raises Misuse, and makes none, if the server has no certificate to encrypt to.
    """
    stem = f"{_safe(server.name)}_Token_{as_apple_time(at).replace(':', '-')}"
    if form == "json":
        return TokenFile(f"{stem}.json", new_token().as_json(), "application/json")
    if form not in ("ber", "der"):
        raise Misuse(f"a token comes as ber, der or json, not as {form!r}")
    if server.certificate is None:
        raise Misuse(f"the MDM server {server.name!r} has no certificate yet", way_out="upload the key first")
    token = ServerToken.from_json(new_token().as_json())
    content = seal_server_token(token, server.certificate, form="der" if form == "der" else "ber")
    return TokenFile(f"{stem}_smime.p7m", content, "application/pkcs7-mime")


def _safe(name: str) -> str:
    return re.sub(r"[^A-Za-z0-9.-]+", "_", name)
