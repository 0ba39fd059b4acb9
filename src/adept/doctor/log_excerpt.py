"""What of a log may leave the house: its shape, in words that adept itself wrote. Pure.

Only JSON lines of adept's own loggers are taken, and of those only what can't hold a name, an address or a secret:
times, levels, messages, numbers, our own few words. Of a traceback there remain the places in adept and the kind of the
error. Everything else is left out and counted.
"""

from __future__ import annotations

import builtins
import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from adept import errors
from adept.doctor.pseudonyms import Pseudonyms
from adept.protocol.error_codes import known_code

LINES = 2000  # the last ones
_MESSAGE = re.compile(r"[a-z][a-z ,'-]{0,79}")  # as adept writes them: a short past tense, never formatted
_WORD = re.compile(r"[a-z_]{1,20}")
_TIME = re.compile(r"[0-9T:.+Z-]{10,40}")
_NUMBERS = re.compile(
    r"(took_s|waited_s|again_in_s|pages|devices|added|modified|deleted|malformed|requests|changes|messages|passes|audit"
    r"|accounts|status|pass_id|resealed)"
)
_WORDS = ("level", "kind", "state", "decision")
_FRAME = re.compile(r'File ".*?(adept/[a-z_/]+\.py)", line (\d+), in ([A-Za-z_<>]+)')
_OUR_CODES = frozenset(kind.code for kind in vars(errors).values() if hasattr(kind, "code")) | {"lost", "bug"}
_HTTP_CODE = re.compile(r"HTTP_[1-5][0-9]{2}")
_RAISED = re.compile(r"^(?:[a-z_0-9.]+\.)?([A-Z][A-Za-z]{2,40})(?::|$)", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class LogExcerpt:
    """Lines that may be shown, and how many were left out."""

    lines: list[dict[str, Any]] = field(default_factory=list)
    left_out: int = 0


def excerpt(lines: Iterable[str], pseudonyms: Pseudonyms) -> LogExcerpt:
    """The last lines, in what of them may be shown."""
    taken = list(lines)[-LINES:]
    shown = [found for line in taken if (found := _shown(line, pseudonyms)) is not None]
    return LogExcerpt(shown, len(taken) - len(shown))


def _shown(line: str, pseudonyms: Pseudonyms) -> dict[str, Any] | None:
    try:
        entry = json.loads(line)
    except ValueError:
        return None
    if not isinstance(entry, dict) or not re.fullmatch(r"adept(\.[a-z_]+)*", str(entry.get("logger", ""))):
        return None
    message = entry.get("event")
    if not isinstance(message, str) or not _MESSAGE.fullmatch(message):
        return None
    return {"event": message, "logger": entry["logger"], **_details(entry, pseudonyms)}


def _details(entry: Mapping[str, Any], pseudonyms: Pseudonyms) -> dict[str, Any]:
    found = {name: _detail(name, value, pseudonyms) for name, value in entry.items()}
    return {name: value for name, value in found.items() if value is not None}


def _detail(name: str, value: object, pseudonyms: Pseudonyms) -> object:
    """What of a value may be shown; None: nothing."""
    if name == "account":
        return pseudonyms.of(value)
    if name == "error_code":
        return public_code(value)
    if name == "exception":
        return _places(str(value))
    if _NUMBERS.fullmatch(name):
        return value if isinstance(value, (int, float)) else None
    form = _TIME if name == "timestamp" else _WORD if name in _WORDS else None
    return value if form is not None and isinstance(value, str) and form.fullmatch(value) else None


def _places(traceback: str) -> dict[str, list[str]]:
    """Where in adept it was, and the kind of the error."""
    raised = [kind for kind in _RAISED.findall(traceback) if hasattr(builtins, kind) or hasattr(errors, kind)]
    at = [f"{file}:{number} {function}" for file, number, function in _FRAME.findall(traceback)]
    return {"at": at, "raised": raised[-1:]}


def public_code(code: object) -> str | None:
    """An error's code where it is one that we know; a word that some server made up is `other`."""
    if code is None:
        return None
    text = str(code)
    is_public = text in _OUR_CODES or _HTTP_CODE.fullmatch(text) or known_code(text) is not None
    return text if is_public else "other"
