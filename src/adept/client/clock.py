"""What the clients take from the world unless they are given something else: the time and randomness."""

from __future__ import annotations

import secrets
from datetime import UTC, datetime


def utc_now() -> datetime:
    """The time, aware, in UTC."""
    return datetime.now(UTC)


def new_nonce() -> str:
    """128 random bits in hex: never the same twice."""
    return secrets.token_hex(16)
