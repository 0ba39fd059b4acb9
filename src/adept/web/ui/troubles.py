"""What became of a form that could not be done: which errors stand at fields, and what is told above them. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from adept.errors import AdeptError, Misuse
from adept.web.problems import problem_of


@dataclass(frozen=True, slots=True)
class Notice:
    """A sentence at the top of a page; `kind` is danger, warning, success or info."""

    kind: str
    message: str
    way_out: str | None = None


@dataclass(frozen=True, slots=True)
class Trouble:
    """Errors by the names of the form's fields, and what concerns none of them."""

    status: int
    errors: Mapping[str, str] = field(default_factory=dict)
    notices: tuple[Notice, ...] = ()


def trouble_of(error: AdeptError, *, at: str | None = None) -> Trouble:
    """What an error means for a form: it stands at the field `at`, or at the one that it names, or above them all."""
    status = problem_of(error).status
    place = at or (error.field if isinstance(error, Misuse) else None)
    if place is not None:
        return Trouble(status, {place: told(error)})
    return Trouble(status, notices=(Notice("danger", error.message, error.way_out),))


def wrong(**errors: str) -> Trouble:
    """A form with these errors at its fields."""
    return Trouble(422, errors)


def told(error: AdeptError) -> str:
    """An error and its way out, as sentences."""
    return " ".join(sentence(part) for part in (error.message, error.way_out) if part)


def sentence(text: str) -> str:
    """With a capital and a full stop, as a sentence of its own."""
    told = text[:1].upper() + text[1:]
    return told if told.endswith((".", "!", "?")) else f"{told}."
