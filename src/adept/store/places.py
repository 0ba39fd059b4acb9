"""Where a database is: URLs as people write them, read into what the drivers want. No connection is made here."""

from __future__ import annotations

from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError

from adept.errors import ConfigError

_WAY_OUT = "use sqlite:///PATH or postgresql://USER:PASSWORD@HOST/DATABASE"
_POSTGRESQL = ("postgresql", "postgres", "postgresql+psycopg")
_SQLITE = ("sqlite", "sqlite+aiosqlite")


@dataclass(frozen=True)
class Place:
    """One database: the URL for the driver, how to name it to people, and the file where it is one."""

    url: URL
    label: str  # without the password
    file: Path | None  # None on PostgreSQL

    @property
    def libpq(self) -> str:
        """PostgreSQL's place as its own library takes it; with the password."""
        return self.url.set(drivername="postgresql").render_as_string(hide_password=False)


def read_place(url: str) -> Place:
    """Read a database URL; ConfigError where it is none of ours. The password never gets into a message."""
    try:
        parsed = make_url(url)
    except (ArgumentError, ValueError):
        raise ConfigError("the database URL can't be read", way_out=_WAY_OUT) from None
    if parsed.drivername in _SQLITE:
        return _sqlite_place(parsed)
    if parsed.drivername in _POSTGRESQL:
        return _postgresql_place(parsed)
    raise ConfigError(f"the database URL names {parsed.drivername!r}, which adept does not know", way_out=_WAY_OUT)


def _sqlite_place(url: URL) -> Place:
    """SQLite is always a file: one in memory would be another one for each connection."""
    if not url.database or url.database == ":memory:" or url.database.startswith("file:"):
        raise ConfigError("the database URL names no file", way_out="use sqlite:///PATH (four slashes for /a/path)")
    file = Path(url.database)
    return Place(url.set(drivername="sqlite+aiosqlite", query={}), str(file), file)


def _postgresql_place(url: URL) -> Place:
    """PostgreSQL through psycopg, which is an extra of ours."""
    if find_spec("psycopg") is None:
        raise ConfigError(
            "PostgreSQL needs psycopg, which is not installed", way_out="pip install 'adept-mdm[postgres]'"
        )
    host = f"{url.host or 'the local socket'}{f':{url.port}' if url.port else ''}"
    return Place(url.set(drivername="postgresql+psycopg"), f"database {url.database!r} at {host}", None)
