"""A name as it is looked up, whatever somebody typed."""

from __future__ import annotations


def sought(name: str) -> str:
    """The name in lower case; what no database can hold (NUL, half a surrogate pair) becomes what no name has."""
    return name.strip().lower().replace("\0", "\ufffd").encode("utf-8", "replace").decode()
