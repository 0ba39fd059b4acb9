"""How users and API keys may be called: names that stand in an address and a log line as they are."""

from __future__ import annotations

import re

from adept.errors import Misuse

_NAME = re.compile(r"[a-z0-9][a-z0-9._@+-]{0,63}", re.ASCII | re.IGNORECASE)


def read_name(text: str, *, of: str) -> str:
    """A name as it is stored, in lower case; Misuse for one that can't be a name. `of` is what it names: "a user"."""
    name = fold_name(text)
    if name is None:
        raise Misuse(
            f"{text[:80]!r} can't be the name of {of}",
            way_out="use up to 64 of a-z, 0-9 and . _ @ + -, beginning with a letter or digit",
            field="name",
        )
    return name


def fold_name(text: str) -> str | None:
    """A name as it is stored; None for what can't be one."""
    name = text.strip()
    return name.lower() if _NAME.fullmatch(name) else None
