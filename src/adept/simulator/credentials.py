"""The five values of a server token, as the simulator's Apple keeps them."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime, timedelta

import msgspec

from adept.simulator.clock import as_apple_time

LIFE = timedelta(days=365)


@dataclass(frozen=True)
class Credentials:
    """One server token. The key identifies the MDM server, the access token this download of it."""

    consumer_key: str
    consumer_secret: str
    access_token: str
    access_secret: str
    expires_at: datetime
    expiry_text: str

    def as_json(self) -> bytes:
        """The token's JSON with Apple's keys, as it stands in a `.p7m` and as depsim's GET /token gives it."""
        return msgspec.json.encode(
            {
                "consumer_key": self.consumer_key,
                "consumer_secret": self.consumer_secret,
                "access_token": self.access_token,
                "access_secret": self.access_secret,
                "access_token_expiry": self.expiry_text,
            }
        )

    def __repr__(self) -> str:
        return f"Credentials({self.consumer_key[:8]}…, expires {self.expiry_text})"


def issue(seed: str, serial: int, now: datetime) -> Credentials:
    """The server's `serial`-th token: key and consumer secret stay, access token and secret are new each time.

    The same seed gives the same token but for its expiry, so that a token file outlives a restart of the simulator.
    Observed: renewing the token of the same server keeps the consumer key.
    """
    first, last = (str(int(_hex(f"{seed} {place} {serial}", 12), 16)) for place in ("first", "last"))
    token = f"AT_O{first[:10]}O{_hex(f'{seed} token {serial}', 40)}O{last[:6]}"
    expires_at = (now + LIFE).replace(microsecond=0)
    return Credentials(
        consumer_key="CK_" + _hex(f"{seed} key", 32),
        consumer_secret="CS_" + _hex(f"{seed} consumer secret", 40),
        access_token=token,
        access_secret="AS_" + _hex(f"{seed} access secret {serial}", 40),
        expires_at=expires_at,
        expiry_text=as_apple_time(expires_at),
    )


def _hex(text: str, length: int) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:length]
