"""What goes to standard output: documents and lists for programs, sentences for people.

A list is `{"items":[…],"next_cursor":…}` and is written as it comes, so that its length costs no memory.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Annotated, Any

import msgspec
from cyclopts import Parameter


@Parameter(name="*")
@dataclass(frozen=True, kw_only=True)
class Output:
    """How a command answers."""

    json: Annotated[bool, Parameter(help="Print one JSON document, for programs.")] = False


FOR_PEOPLE = Output()

# For commands whose output has a form of its own: `main` finds the option among the words.
ErrorsAsJson = Annotated[bool, Parameter(name="--json", help="Print an error as one JSON document, for programs.")]


def print_document(value: object) -> None:
    """Print one value as an indented JSON document; times are RFC 3339 in UTC."""
    _write(msgspec.json.format(msgspec.json.encode(value), indent=2))


class ItemsPrinter:
    """Prints a list as JSON, an item a line, as the items come; `msgspec.Raw` values are printed as they are."""

    def __init__(self) -> None:
        self._head = b'{"items":['  # not printed before there is something: what fails at once prints nothing
        self._separator = b"\n"

    def add(self, items: Iterable[object]) -> None:
        """Print further items."""
        for item in items:
            _raw(self._head, self._separator, msgspec.json.encode(item))
            self._head, self._separator = b"", b",\n"

    def end(self, *, next_cursor: str | None = None) -> None:
        """Close the list; `next_cursor` is where the rest begins, None where there is none."""
        _write(self._head + b'],"next_cursor":' + msgspec.json.encode(next_cursor) + b"}")


def print_items(items: Iterable[object], *, next_cursor: str | None = None) -> None:
    """Print a whole list as JSON."""
    printer = ItemsPrinter()
    printer.add(items)
    printer.end(next_cursor=next_cursor)


def print_body(body: bytes) -> None:
    """Print Apple's answer unchanged, but for a line's end where it has none; an empty one prints nothing."""
    _raw(body)
    if body and not body.endswith(b"\n"):
        _raw(b"\n")


def print_fields(fields: dict[str, Any]) -> None:
    """Print names and values for people, one a line; what is absent or empty is left out."""
    told = {name: text for name, value in fields.items() if (text := readable(value))}
    width = max(map(len, told), default=0)
    for name, text in told.items():
        print(f"{name:<{width}}  {text}")


def readable(value: object) -> str:
    """A value as one line of text: control characters, which could steer the terminal, are shown as codes."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, (list, tuple)):
        return ", ".join(map(readable, value))
    if hasattr(value, "isoformat"):
        return f"{value:%Y-%m-%d %H:%M:%SZ}"
    text = str(value)
    return text if text.isprintable() else "".join(c if c.isprintable() else repr(c)[1:-1] for c in text)


def counted(count: int, noun: str) -> str:
    """A number of things in words: "1 page", "2,000 devices"; for nouns that take an s."""
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"


def warn(sentence: str) -> None:
    """Say something on standard error that is no error."""
    print(f"adept: {sentence}", file=sys.stderr)


def _write(document: bytes) -> None:
    _raw(document, b"\n")


def _raw(*parts: bytes) -> None:
    sys.stdout.flush()
    sys.stdout.buffer.write(b"".join(parts))
