"""Sealing: what is secret is stored encrypted, under a key derived for its one place.

A `purpose` names that place (`keypair:17`), so that a sealed value moved to another row can't be opened there. Keys
are 32 bytes in base64, URL-safe or plain; the first one seals, all of them open: that is how keys are rotated.
"""

from __future__ import annotations

import base64
import binascii
import os
from collections.abc import Sequence

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from adept.errors import ConfigError

KEY_SIZE_BYTES = 32
_WAY_OUT = "make one with: openssl rand -base64 32"


class Sealer:
    """Seals and opens with the keys it was given; its repr shows none."""

    def __init__(self, keys: Sequence[bytes]) -> None:
        self._keys = tuple(keys)

    def seal(self, purpose: str, plain: bytes) -> bytes:
        """Encrypt for one purpose, with the first key."""
        return self._box(purpose).encrypt(plain)

    def open(self, purpose: str, sealed: bytes) -> bytes:
        """Decrypt with whichever key fits; ConfigError where none does, or where it was sealed for another purpose."""
        try:
            return self._box(purpose).decrypt(sealed)
        except InvalidToken:
            raise ConfigError(
                f"what is sealed for {purpose} can't be opened with the sealing keys given",
                way_out="give the key it was sealed with as well (ADEPT_SECRET_KEYS, newest first)",
            ) from None

    def rotate(self, purpose: str, sealed: bytes) -> bytes:
        """The same secret sealed with the first key."""
        return self.seal(purpose, self.open(purpose, sealed))

    def _box(self, purpose: str) -> MultiFernet:
        return MultiFernet([Fernet(_derive(key, purpose)) for key in self._keys])

    def __repr__(self) -> str:
        return f"Sealer({len(self._keys)} keys)"


def _derive(key: bytes, purpose: str) -> bytes:
    derived = HKDF(algorithm=SHA256(), length=KEY_SIZE_BYTES, salt=None, info=purpose.encode()).derive(key)
    return base64.urlsafe_b64encode(derived)


def new_key() -> str:
    """A fresh key as text."""
    return base64.urlsafe_b64encode(os.urandom(KEY_SIZE_BYTES)).decode()


def read_keys(texts: Sequence[str], *, source: str = "ADEPT_SECRET_KEYS") -> list[bytes]:
    """Read keys; ConfigError names the source and which key is wrong, never the key."""
    keys = [text.strip() for text in texts if text.strip()]
    if not keys:
        raise ConfigError(f"{source} holds no key", way_out=_WAY_OUT)
    return [_read_key(text, f"key {number} of {source}") for number, text in enumerate(keys, start=1)]


def _read_key(text: str, name: str) -> bytes:
    try:
        key = base64.b64decode(text.replace("-", "+").replace("_", "/"), validate=True)
    except (binascii.Error, ValueError):
        key = b""
    if len(key) != KEY_SIZE_BYTES:
        raise ConfigError(f"{name} is not 32 bytes in base64", way_out=_WAY_OUT) from None
    return key
