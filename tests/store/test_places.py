"""Database URLs as people write them."""

from pathlib import Path

import pytest

from adept.errors import ConfigError
from adept.store.places import read_place


@pytest.mark.parametrize(
    ("url", "file"),
    [
        ("sqlite:////var/lib/adept/adept.sqlite3", "/var/lib/adept/adept.sqlite3"),
        ("sqlite:///adept.sqlite3", "adept.sqlite3"),
        ("sqlite+aiosqlite:///adept.sqlite3", "adept.sqlite3"),
        ("sqlite:///C:/Users/x/adept.sqlite3", "C:/Users/x/adept.sqlite3"),
        ("sqlite:///with space.sqlite3?mode=ro", "with space.sqlite3"),
    ],
)
def test_sqlite_is_a_file(url: str, file: str):
    place = read_place(url)
    assert place.file == Path(file)
    assert place.label == file
    assert (place.url.drivername, place.url.database, place.url.query) == ("sqlite+aiosqlite", file, {})


@pytest.mark.parametrize("scheme", ["postgresql", "postgres", "postgresql+psycopg"])
def test_postgresql_goes_through_psycopg_and_is_called_by_database_and_host(scheme: str):
    place = read_place(f"{scheme}://user:hidden@db.example.org:5433/adept?sslmode=require")
    assert place.file is None
    assert place.label == "database 'adept' at db.example.org:5433"
    assert place.url.drivername == "postgresql+psycopg"
    assert place.url.query == {"sslmode": "require"}
    assert place.url.password == "hidden"


def test_postgresql_by_its_socket_has_a_name_too():
    assert read_place("postgresql:///adept").label == "database 'adept' at the local socket"


@pytest.mark.parametrize("url", ["sqlite://", "sqlite:///:memory:", "sqlite:///file:x?mode=memory&uri=true"])
def test_a_sqlite_database_that_is_no_file_is_refused(url: str):
    with pytest.raises(ConfigError, match="names no file; use sqlite:///PATH"):
        read_place(url)


@pytest.mark.parametrize(
    "url",
    [
        "",
        "adept.sqlite3",
        "mysql://u:hidden@h/d",
        "postgresql+asyncpg://u:hidden@h/d",
        "://hidden",
        "postgresql://u:hidden@h:port/d",
    ],
)
def test_other_urls_are_refused_without_showing_what_may_be_a_password(url: str):
    with pytest.raises(ConfigError, match="use sqlite:///PATH or postgresql://") as caught:
        read_place(url)
    assert "hidden" not in str(caught.value)
