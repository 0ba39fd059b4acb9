"""Random secrets that are handed out once: keys, cookies, set-up links. The store keeps their hashes alone.

They hold 256 random bits, so a plain SHA-256 is enough to keep them, and to find their row by.
"""

from __future__ import annotations

import base64
import hashlib
import secrets
from collections.abc import Callable

Random = Callable[[int], bytes]  # so many random bytes
BITS = 256


def make_secret(prefix: str = "", *, random: Random = secrets.token_bytes) -> str:
    """A new secret of letters, digits, hyphen and underscore, behind the prefix."""
    return prefix + base64.urlsafe_b64encode(random(BITS // 8)).rstrip(b"=").decode()


def hash_of(secret: str) -> bytes:
    """What the store keeps of a secret."""
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).digest()
