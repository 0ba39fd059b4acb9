"""The session token: what GET /session answers. Opaque and secret; Observed: hex, 47 to 128 characters.

Source: Apple, "Authenticating with a Device Management Service" (read 2026-11).
"""

from __future__ import annotations

import msgspec

from adept.protocol.answers import read_struct

SESSION_HEADER = "X-ADM-Auth-Session"  # carries it; any answer may carry a new one, which then replaces it
INACTIVITY_S = 180  # Assumed: clients of the field drop a token after 3 minutes; Apple gives no number


class _Answer(msgspec.Struct):
    auth_session_token: str


def decode_session_token(body: bytes, *, endpoint: str) -> str:
    """Read the token; raises Malformed, which shows no part of it, also where it is empty or blank."""
    answer = read_struct(body, _Answer, endpoint=endpoint, what="a session token", secret=True)
    return answer.auth_session_token
