"""Sealing: what is secret is stored encrypted, under a key derived for its one place.

A `purpose` names that place (`keypair:17`), so that a sealed value moved to another row can't be opened there. Keys
are 32 bytes in base64, URL-safe or plain; the first one seals, all of them open: that is how keys are rotated. A
process that runs meanwhile reads its keys again when they fail it.
"""

from __future__ import annotations

import base64
import binascii
import os
from collections.abc import Callable, Sequence
from contextlib import suppress

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from adept.errors import ConfigError

KEY_SIZE_BYTES = 32
_WAY_OUT = "make one with: openssl rand -base64 32"


class Sealer:
    """Seals and opens with the keys it was given; its repr shows none.

    `reread` gives the keys as they are by now, where they stand in a file; None: they are what they were.
    """

    def __init__(self, keys: Sequence[bytes], *, reread: Callable[[], Sequence[bytes]] | None = None) -> None:
        self._keys = tuple(keys)
        self._reread = reread

    def seal(self, purpose: str, plain: bytes) -> bytes:
        """Encrypt for one purpose, with the first key; what is stored is sealed in a durable transaction."""
        return _box(self._keys, purpose).encrypt(plain)

    def open(self, purpose: str, sealed: bytes) -> bytes:
        """Decrypt with whichever key fits, if need be after reading the keys again.

        ConfigError where none does, or where it was sealed for another purpose.
        """
        plain = _opened(self._keys, purpose, sealed)
        if plain is None and self.read_again():
            plain = _opened(self._keys, purpose, sealed)
        if plain is None:
            raise ConfigError(
                f"what is sealed for {purpose} can't be opened with the sealing keys given",
                way_out="give the key it was sealed with as well (ADEPT_SECRET_KEYS, newest first)",
            )
        return plain

    def is_current(self, purpose: str, sealed: bytes) -> bool:
        """Whether it is sealed with the first key."""
        return _opened(self._keys[:1], purpose, sealed) is not None

    def read_again(self) -> bool:
        """Read the keys again; True where they are others now. Keys that can't be read leave the old ones in use."""
        if self._reread is None:
            return False
        before = self._keys
        with suppress(ConfigError):
            self._keys = tuple(self._reread()) or before
        return self._keys != before

    def __repr__(self) -> str:
        return f"Sealer({len(self._keys)} keys)"


def _opened(keys: Sequence[bytes], purpose: str, sealed: bytes) -> bytes | None:
    try:
        return _box(keys, purpose).decrypt(sealed)
    except InvalidToken:
        return None


def _box(keys: Sequence[bytes], purpose: str) -> MultiFernet:
    return MultiFernet([Fernet(_derive(key, purpose)) for key in keys])


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
