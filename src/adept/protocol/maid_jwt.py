"""The web token with which a device's MDM server vouches for it to Apple, so that Managed Apple Accounts work on it.

A device asks its MDM server for one (check-in message GetToken, service type com.apple.maid; iOS 17, macOS 14 and
later); it is signed with the private key whose certificate was uploaded for the server token.
Source: Apple, "Token" response of "Get Token" (read 2026-11). Observed: nothing beyond these four claims is needed
(nanodep sends neither `exp` nor `aud`).
"""

from __future__ import annotations

from datetime import datetime

import jwt
from cryptography.hazmat.primitives.asymmetric import rsa

from adept.protocol.keypair import load_private_key

SERVICE_TYPE = "com.apple.maid"


def maid_jwt(private_key: bytes | rsa.RSAPrivateKey, *, server_uuid: str, now: datetime, jti: str) -> str:
    """Make one token; Apple takes each `jti` (a random UUID) once, so make one for each request of a device.

    `server_uuid` is that of `GET /account` for the same server, as Apple spelled it; `now` is aware.
    """
    key = load_private_key(private_key) if isinstance(private_key, bytes) else private_key
    claims = {"iss": server_uuid, "iat": int(now.timestamp()), "jti": jti, "service_type": SERVICE_TYPE}
    return jwt.encode(claims, key, algorithm="RS256")
