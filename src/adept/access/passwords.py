"""Passwords: which will do, and their hashes (Argon2id, as PHC strings).

A hash costs a quarter of a second and 64 MiB on purpose, so at most two are worked out at once, in threads of their
own. Who comes when too many wait is sent away: logins must not be a way to bring the service down.
"""

from __future__ import annotations

import asyncio
import os
import unicodedata
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from adept.errors import Denied, Misuse

MIN_LENGTH = 12
MAX_LENGTH = 1000
_FEWEST_DIFFERENT = 5
_MEMORY_KIB = 65536
_ITERATIONS = 3
_LANES = 1  # more are threads of OpenSSL's, and two hashes at once that use them wait for each other for ever
_PARAMETERS = f"$argon2id$v=19$m={_MEMORY_KIB},t={_ITERATIONS},p={_LANES}$"

# What an unknown name's password is held against, so that it takes as long as a known one's. Nobody knows its password.
STAND_IN = _PARAMETERS + "6iYPkI5od9TcKo2K4Zv0AA$yULr8bF0sSe8BEseFlIp6u1yD1EuA+OIqwlpsT790Zc"

R = TypeVar("R")


class _Turns:
    """Two threads, and how many are in them or wait for them."""

    def __init__(self, *, at_once: int, waiting: int) -> None:
        self._threads = ThreadPoolExecutor(at_once, thread_name_prefix="adept-password")
        self._limit = at_once + waiting
        self._there = 0

    async def run(self, work: Callable[[], R]) -> R:
        if self._there >= self._limit:
            raise Denied("too many logins at once", code="too_many_logins", status=429, retry_after_s=5)
        self._there += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._threads, work)
        finally:
            self._there -= 1


_turns = _Turns(at_once=2, waiting=20)


def check_password(password: str) -> None:
    """Misuse for a password that won't do: too short, too long, or of too few different characters."""
    length = len(password)
    if not MIN_LENGTH <= length <= MAX_LENGTH:
        raise Misuse(
            f"a password needs {MIN_LENGTH} to {MAX_LENGTH} characters, this one has {length}", field="password"
        )
    if len(set(password)) < _FEWEST_DIFFERENT:
        raise Misuse(f"a password needs at least {_FEWEST_DIFFERENT} different characters", field="password")


async def hash_password(password: str) -> str:
    """What the store keeps of a password."""
    return await _turns.run(lambda: _hash(_as_bytes(password)))


async def matches(password: str, password_hash: str) -> bool:
    """Whether the password is the one that was hashed. Denied (429) where too many wait for an answer already."""
    return await _turns.run(lambda: _matches(_as_bytes(password), password_hash))


def is_outdated(password_hash: str) -> bool:
    """Whether the hash was made by other parameters than today's."""
    return not password_hash.startswith(_PARAMETERS)


def _as_bytes(password: str) -> bytes:
    """The same bytes however a keyboard composes the characters (NFKC, as NIST SP 800-63B-4 asks)."""
    return unicodedata.normalize("NFKC", password[:MAX_LENGTH]).encode("utf-8", "surrogatepass")


def _hash(password: bytes) -> str:
    from cryptography.hazmat.primitives.kdf.argon2 import Argon2id

    salt = os.urandom(16)
    kdf = Argon2id(salt=salt, length=32, iterations=_ITERATIONS, lanes=_LANES, memory_cost=_MEMORY_KIB)
    return kdf.derive_phc_encoded(password)


def _matches(password: bytes, password_hash: str) -> bool:
    from cryptography.exceptions import InvalidKey
    from cryptography.hazmat.primitives.kdf.argon2 import Argon2id

    try:
        Argon2id.verify_phc_encoded(password, password_hash)
    except InvalidKey:
        return False
    return True
