"""Activation Lock bypass codes: 16 random bytes, the code people type, and the key Apple gets.

The code is base 32 with an alphabet of its own, but its last symbol holds the last 3 of the 128 bits as they are, not
padded on the right as Base32 would: it is always 0 to 7. The escrow key is derived from the raw bytes, not from the
text. Keep the code before sending the key: nobody can get it back.
Name trap: `escrow_key` here is the key; the `escrowKey` of Apple's unlock service is the dashed code.
Source: Apple, "Creating and Using Bypass Codes" (read 2026-11).
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

from adept.errors import Misuse

ALPHABET = "0123456789ACDEFGHJKLMNPQRTUVWXYZ"  # without B, I, O, S
RAW_BYTES = 16
SYMBOLS = 26
GROUPS = (5, 5, 4, 4, 4, 4)  # symbols between dashes
ITERATIONS = 50_000  # of PBKDF2-HMAC-SHA256
SALT = b"\0\0\0\0"

_VALUES = {symbol: value for value, symbol in enumerate(ALPHABET)}


@dataclass(frozen=True, repr=False)
class BypassCode:
    """One bypass code. A secret: its representation does not show it. Raises Misuse unless `raw` has 16 bytes."""

    raw: bytes

    def __post_init__(self) -> None:
        if len(self.raw) != RAW_BYTES:
            raise Misuse(f"a bypass code is made of {RAW_BYTES} bytes, got {len(self.raw)}")

    @classmethod
    def from_raw(cls, raw: bytes) -> BypassCode:
        """The code of 16 bytes kept earlier."""
        return cls(bytes(raw))

    @classmethod
    def from_code(cls, code: str) -> BypassCode:
        """The code that somebody typed: case, dashes, blanks and what is not in the alphabet don't matter."""
        symbols = [symbol for symbol in code if symbol.isascii() and symbol.upper() in _VALUES]
        if len(symbols) != SYMBOLS:
            raise Misuse(
                f"a bypass code has {SYMBOLS} symbols out of {ALPHABET}, got {len(symbols)}",
                way_out="compare it with what was noted: B, I, O and S never occur",
            )
        values = [_VALUES[symbol.upper()] for symbol in symbols]
        if values[-1] > 0b111:
            raise Misuse("the last symbol of a bypass code is 0 to 7", way_out="compare it with what was noted")
        number = 0
        for value in values[:-1]:
            number = number << 5 | value
        return cls((number << 3 | values[-1]).to_bytes(RAW_BYTES, "big"))

    @classmethod
    def generate(cls, random_bytes: Callable[[int], bytes]) -> BypassCode:
        """A new code from a source of randomness fit for secrets, such as `os.urandom`."""
        return cls(random_bytes(RAW_BYTES))

    @cached_property
    def code(self) -> str:
        """What people type: XXXXX-XXXXX-XXXX-XXXX-XXXX-XXXX."""
        number = int.from_bytes(self.raw, "big")
        symbols = "".join(ALPHABET[number >> shift & 0b11111] for shift in range(123, 2, -5)) + ALPHABET[number & 0b111]
        cuts = [sum(GROUPS[:count]) for count in range(len(GROUPS) + 1)]
        return "-".join(symbols[start:end] for start, end in pairwise(cuts))

    @cached_property
    def escrow_key(self) -> str:
        """What Apple gets: 64 hex digits. Assumed: either case; Apple's sample is upper, the field's clients lower."""
        return hashlib.pbkdf2_hmac("sha256", self.raw, SALT, ITERATIONS, 32).hex()

    def __repr__(self) -> str:
        return "BypassCode(…)"
