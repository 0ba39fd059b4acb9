"""Where to go on after a login, and what was typed into a form that came without one. Pure."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from urllib.parse import urlsplit

HOME = "/"
_LONGEST = 2000


@dataclass(frozen=True, slots=True)
class Kept:
    """A form that was sent by nobody we know: where to, its fields, and the names of those that can't be kept."""

    to: str
    fields: tuple[tuple[str, str], ...]
    lost: tuple[str, ...] = ()

    def as_text(self) -> str:
        """For a hidden field of the login's form."""
        return json.dumps([self.to, self.fields, self.lost])


def keep(to: str, fields: Iterable[tuple[str, object]]) -> Kept:
    """What can be kept of a form. Passwords are not written into another page, and files can't be."""
    kept: list[tuple[str, str]] = []
    lost: list[str] = []
    for name, value in fields:
        if isinstance(value, str) and "password" not in name:
            kept.append((name, value))
        elif value != "":
            lost.append(name)
    return Kept(to, tuple(kept), tuple(lost))


def kept_in(text: str) -> Kept | None:
    """The form in a hidden field; None where it holds none."""
    try:
        match json.loads(text):
            case [str(to), [*fields], [*lost]]:
                return Kept(
                    own_path(to),
                    tuple((str(name), str(value)) for name, value in fields),
                    tuple(str(name) for name in lost),
                )
    except (ValueError, TypeError, RecursionError):
        pass
    return None


def own_path(text: str | None) -> str:
    """The path and query if it is one of ours, else the first page's: a link must not lead from a login elsewhere."""
    if not text or len(text) > _LONGEST or not text.startswith("/") or text.startswith("//"):
        return HOME
    if "\\" in text or any(not character.isprintable() for character in text):
        return HOME
    return text


def path_of(url: str | None) -> str:
    """The path and query of one of our pages, from its whole URL as browsers tell it."""
    try:
        parts = urlsplit(url or "")
    except ValueError:
        return HOME
    return own_path(f"{parts.path}?{parts.query}" if parts.query else parts.path)
