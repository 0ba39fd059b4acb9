"""What an error means to the person at the command line: an exit code, a word, a sentence and a way out.

Decides only; `main` prints. Imports nothing but our errors, so that it also works where an extra is missing.
"""

from __future__ import annotations

import json
from dataclasses import dataclass

from adept.errors import (
    AdeptError,
    Busy,
    ConfigError,
    Denied,
    Malformed,
    Misuse,
    NeedsPerson,
    Refused,
    StoreError,
    TokenFileError,
    Unreachable,
)

DONE = 0
OUR_BUG = 1
USAGE = 2
REFUSED = 3
UNREACHABLE = 4
MALFORMED = 5
STORE_OR_SETTINGS = 6
TOKEN_OR_KEY_FILE = 7
NEEDS_PERSON = 8
BUSY = 9
INTERRUPTED = 130
TERMINATED = 143

_EXIT_CODES: tuple[tuple[type[AdeptError], int], ...] = (
    (Misuse, USAGE),
    (Refused, REFUSED),
    (Denied, REFUSED),
    (Unreachable, UNREACHABLE),
    (Malformed, MALFORMED),
    (StoreError, STORE_OR_SETTINGS),
    (ConfigError, STORE_OR_SETTINGS),
    (TokenFileError, TOKEN_OR_KEY_FILE),
    (NeedsPerson, NEEDS_PERSON),
    (Busy, BUSY),
)

# What is imported, and the extra that brings it.
_EXTRAS = {
    "cyclopts": "cli",
    "rich": "cli",
    "platformdirs": "cli",
    "pydantic": "cli",
    "pydantic_settings": "cli",
    "sqlalchemy": "store",
    "aiosqlite": "store",
    "alembic": "store",
    "structlog": "cli",
    "fastapi": "service",
    "prometheus_client": "service",
    "starlette": "simulator",
    "uvicorn": "simulator",
    "jinja2": "simulator",
    "python_multipart": "simulator",
    "psycopg": "postgres",
    "psycopg_pool": "postgres",
}


class Terminated(Exception):
    """SIGTERM ended the command, which has put things in order."""


@dataclass(frozen=True)
class Failure:
    """An error as it is told. `is_ours` where it is a bug in adept: only then is a traceback worth having."""

    exit_code: int
    code: str
    message: str
    way_out: str | None = None
    is_ours: bool = False

    def as_text(self) -> str:
        """One line for people."""
        told = f"{self.message}; {self.way_out}" if self.way_out else self.message
        return f"adept: error: {told}"

    def as_json(self) -> str:
        """One JSON document for programs; `way_out` is null where we know none."""
        told = {"code": self.code, "message": self.message, "way_out": self.way_out}
        return json.dumps(told, ensure_ascii=False)


def describe(error: BaseException) -> Failure:
    """Say what went wrong. Anything unforeseen is a bug of ours, and is called so."""
    if isinstance(error, AdeptError):
        return Failure(_exit_code(error), error.code, error.message, error.way_out)
    if isinstance(error, KeyboardInterrupt):
        return Failure(INTERRUPTED, "interrupted", "interrupted")
    if isinstance(error, Terminated):
        return Failure(TERMINATED, "terminated", "ended by SIGTERM; what was stored until then is kept")
    if isinstance(error, ImportError) and (missing := _missing_extra(error)):
        module, extra = missing
        return Failure(
            STORE_OR_SETTINGS,
            "missing_extra",
            f"this command needs the extra [{extra}], which is not installed (no module {module!r})",
            f"pip install 'adept-mdm[{extra}]'",
        )
    if isinstance(error, OSError) and error.strerror:
        place = error.filename or "reading or writing"
        return Failure(STORE_OR_SETTINGS, "os_error", f"{place}: {error.strerror}")
    return Failure(
        OUR_BUG,
        "bug",
        f"this is a bug in adept: {type(error).__name__}: {error}",
        "please report it with the traceback that --debug shows",
        is_ours=True,
    )


def _exit_code(error: AdeptError) -> int:
    return next((code for kind, code in _EXIT_CODES if isinstance(error, kind)), OUR_BUG)


def _missing_extra(error: BaseException | None) -> tuple[str, str] | None:
    """The module that could not be imported, here or in what caused this, and the extra that brings it."""
    while error is not None:
        if isinstance(error, ModuleNotFoundError) and error.name:
            extra = _EXTRAS.get(error.name.partition(".")[0])
            if extra is not None:
                return error.name, extra
        error = error.__cause__
    return None
