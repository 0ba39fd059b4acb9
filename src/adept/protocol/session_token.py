"""The session token: what GET /session answers. Opaque and secret; Observed: hex, 47 to 128 characters.

Source: Apple, "Authenticating with a Device Management Service" (read 2026-11).
"""

from __future__ import annotations

import msgspec

from adept.protocol.answers import malformed, read_struct

SESSION_HEADER = "X-ADM-Auth-Session"  # carries it; any answer may carry a new one, which then replaces it
INACTIVITY_S = 180  # Assumed: clients of the field drop a token after 3 minutes; Apple gives no number


class _Answer(msgspec.Struct):
    auth_session_token: str


def decode_session_token(body: bytes, *, endpoint: str) -> str:
    """Read the token; raises Malformed, which shows no part of it, also where no header could carry the token."""
    what = "a session token"
    token = read_struct(body, _Answer, endpoint=endpoint, what=what, secret=True).auth_session_token
    if not is_session_token(token):
        reason = "the token is blank or has characters that no header can carry"
        raise malformed(body, reason, endpoint=endpoint, what=what, field="$.auth_session_token", secret=True)
    return token


def is_session_token(text: str) -> bool:
    """Whether this can be a session token at all: one word of printable ASCII."""
    return bool(text) and text.isascii() and text.isprintable() and " " not in text
