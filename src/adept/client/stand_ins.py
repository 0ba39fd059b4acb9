"""Stand-ins for what may not be shown: of the same shape, the same for the same original, and no way back.

A word's letters become letters, its digits digits, hex stays hex, its length, case and punctuation stay. They follow
from a key that is drawn for one recording and kept nowhere, so that the few serial numbers there are can't be tried.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable
from itertools import count

_WORD = re.compile(r"[^\s<>\"',;(){}\[\]=&?#]+")
_EMAIL = re.compile(r"([^\s@<>\"',;]+)@([^\s@<>\"',;]+)")
_URL = re.compile(r"(?i)\b([a-z][a-z0-9+.-]*)://([^\s/<>\"']*)([^\s<>\"']*)")
_PIECE = re.compile(r"[^/.:%?&=#_~+-]+")
_HEX = re.compile(r"[0-9a-f:-]{8,}")

NOTED_LENGTH = 4  # words shorter than that are replaced where they are met, but not looked for elsewhere


class StandIns:
    """Gives out stand-ins and remembers what it gave them for. Not for several threads at once."""

    def __init__(self, key: bytes) -> None:
        self._key = key
        self._given: dict[str, str] = {}  # lower case -> lower case
        self._taken: set[str] = set()
        self._secrets: dict[str, str] = {}
        self._numbers = count(1)

    def secret(self, text: str) -> str:
        """A label that says nothing of the secret but which it is: `removed-1`."""
        if text not in self._secrets:
            self._secrets[text] = f"removed-{next(self._numbers)}"
        return self._secrets[text]

    def private(self, text: str) -> str:
        """The text with all its words replaced; addresses and URLs end in `.example`."""
        return self._replace(text, self._word)

    def public(self, text: str) -> str:
        """The text as it is, but for words that were given a stand-in before."""
        return self._replace(text, lambda word: self._word(word) if self.is_known(word) else word)

    def is_known(self, word: str) -> bool:
        """Whether that word was met as a secret or as something private."""
        return word in self._secrets or (len(word) >= NOTED_LENGTH and word.lower() in self._given)

    def _replace(self, text: str, change: Callable[[str], str]) -> str:
        if text in self._secrets:
            return self._secrets[text]

        def email(found: re.Match[str]) -> str:
            local, domain = found.groups()
            changed = f"{change(local)}@{_PIECE.sub(lambda piece: change(piece[0]), domain)}"
            return changed if changed == found[0] else f"{changed}.example"

        def url(found: re.Match[str]) -> str:
            scheme, host, rest = found.groups()
            changed = _PIECE.sub(lambda piece: change(piece[0]), host)
            end = "" if changed == host else ".example"
            return f"{scheme}://{changed.replace(':', '-')}{end}{_PIECE.sub(lambda piece: change(piece[0]), rest)}"

        def word(found: re.Match[str]) -> str:
            whole = found[0]
            if match := _URL.fullmatch(whole):
                return url(match)
            if match := _EMAIL.fullmatch(whole):
                return email(match)
            return change(whole)

        return _WORD.sub(word, text)

    def _word(self, word: str) -> str:
        if word in self._secrets:
            return self._secrets[word]
        folded = word.lower()
        if len(folded) != len(word):  # a few letters grow when folded
            folded = word
        if folded not in self._given:
            self._given[folded] = self._new(folded)
        pairs = zip(self._given[folded], word, strict=True)
        return "".join(new.upper() if old.isupper() else new for new, old in pairs)

    def _new(self, folded: str) -> str:
        made = folded
        for attempt in range(32):
            made = self._shaped(folded, attempt)
            if made != folded and made not in self._taken and made not in self._given:
                break
        self._taken.add(made)
        return made

    def _shaped(self, folded: str, attempt: int) -> str:
        letters = "abcdef" if _HEX.fullmatch(folded) else "abcdefghijklmnopqrstuvwxyz"
        stream = self._stream(folded, attempt)
        return "".join(_like(old, letters, number) for old, number in zip(folded, stream, strict=True))

    def _stream(self, folded: str, attempt: int) -> bytes:
        """As many bytes as the word has characters."""
        data = folded.encode("utf-8", "surrogatepass")
        blocks = (
            hashlib.blake2b(data, key=self._key, salt=block.to_bytes(8, "big") + attempt.to_bytes(8, "big")).digest()
            for block in range(len(folded) // 64 + 1)
        )
        return b"".join(blocks)[: len(folded)]


def _like(old: str, letters: str, number: int) -> str:
    """A character of the same kind."""
    if "0" <= old <= "9":
        return str(number % 10)
    if old.isascii():
        return letters[number % len(letters)] if old.isalpha() else old
    return "é" if old.isalnum() else "☆"
