"""Settings as options of a command that runs a process: `adept serve`, `adept worker`.

A command's options are the settings that are declared as such, with the same words; their values are checked with the
rest.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, field, make_dataclass
from pathlib import Path
from typing import Annotated, Any

from cyclopts import Parameter

from adept.settings import Settings

# What the help calls an option's value; a flag has none.
_WORDS: dict[Any, str | None] = {bool: None, int: "INT", int | None: "INT", Path: "PATH", Path | None: "PATH"}


def options_of(command: str, *, module: str) -> type:
    """A class with a field for each setting that is an option of the command; absent is None."""
    fields: list[tuple[str, Any, Any]] = []
    for name, declared in Settings.model_fields.items():
        if command in declared.metadata:
            word = _WORDS.get(declared.annotation, "STR")
            kind: Any = bool if word is None else str  # the settings read the value, and say what is allowed
            parameter = Parameter(help=declared.description, metavar=word)
            fields.append((name, Annotated[kind | None, parameter], field(default=None)))
    made = make_dataclass(f"{command.title()}Options", fields, frozen=True, kw_only=True)
    made.__module__ = module  # as it is made, it would pass for one of Python's own, and those have no options
    return Parameter(name="*")(made)


def given(options: Any) -> Mapping[str, object]:
    """The options that were given, by the names of their settings."""
    return {name: said for name, said in asdict(options).items() if said is not None}
