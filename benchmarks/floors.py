"""The floor of the first sync: the bare driver writes the same rows into the same tables.

`python -m benchmarks.floors DATABASE_URL SOURCE_URL` reads the devices and changes that a first sync left in
SOURCE_URL, and writes them to the empty database, a page of 1000 a transaction: one executemany upsert of the devices,
one executemany insert of the changes. Prints a Run; reading is not measured.
"""

from __future__ import annotations

import asyncio
import sqlite3
import sys
from typing import Any

import psycopg

from adept.store.database import open_store
from adept.store.tables import changes, devices
from benchmarks.measuring import Watch, report
from benchmarks.passes import KEY

PAGE = 1000
ACCOUNT = (
    "INSERT INTO accounts (id, name, base_url, created_at, next_sync_at, health_since) "
    "VALUES (1, 'bench', '', {now}, {now}, {now})"
)

DEVICE_COLUMNS = [column.name for column in devices.columns]
CHANGE_COLUMNS = [column.name for column in changes.columns]
Rows = list[tuple[Any, ...]]


def upsert(mark: str) -> str:
    """The statement adept has for devices, written by hand."""
    columns = _quoted(DEVICE_COLUMNS)
    kept = {"account_id", "serial_number", "first_seen_at"}
    replaced = ", ".join(f'"{name}" = excluded."{name}"' for name in DEVICE_COLUMNS if name not in kept)
    return (
        f"INSERT INTO devices ({', '.join(columns)}) VALUES ({', '.join([mark] * len(columns))}) "
        f"ON CONFLICT (account_id, serial_number) DO UPDATE SET {replaced}"
    )


def insert(mark: str) -> str:
    """The changes."""
    columns = _quoted(CHANGE_COLUMNS)
    return f"INSERT INTO changes ({', '.join(columns)}) VALUES ({', '.join([mark] * len(columns))})"


def _quoted(columns: list[str]) -> list[str]:
    return [f'"{name}"' for name in columns]


def pages(rows: Rows) -> list[Rows]:
    """Pages of 1000."""
    return [rows[start : start + PAGE] for start in range(0, len(rows), PAGE)]


def into_sqlite(path: str, found: list[tuple[Rows, Rows]]) -> int:
    """Write with sqlite3."""
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = NORMAL")
    count = 0
    for device_rows, change_rows in found:
        connection.execute("BEGIN IMMEDIATE")
        connection.executemany(upsert("?"), device_rows)
        connection.executemany(insert("?"), change_rows)
        connection.execute("COMMIT")
        count += len(device_rows)
    connection.close()
    return count


def into_postgresql(url: str, found: list[tuple[Rows, Rows]]) -> int:
    """Write with psycopg, which pipelines an executemany."""
    count = 0
    with psycopg.connect(url) as connection:
        for device_rows, change_rows in found:
            with connection.cursor() as cursor:
                cursor.executemany(upsert("%s"), device_rows)
                cursor.executemany(insert("%s"), change_rows)
            connection.commit()
            count += len(device_rows)
    return count


def read(source: str) -> list[tuple[Rows, Rows]]:
    """What the first sync wrote, page by page."""
    wanted = ", ".join(f"devices.{name}" for name in _quoted(DEVICE_COLUMNS))
    statements = [
        f"SELECT {wanted} FROM changes JOIN devices USING (account_id, serial_number) ORDER BY changes.id",
        f"SELECT {', '.join(_quoted(CHANGE_COLUMNS))} FROM changes ORDER BY id",
    ]
    if source.startswith("sqlite:///"):
        with sqlite3.connect(source.removeprefix("sqlite:///")) as connection:
            device_rows, change_rows = ([tuple(row) for row in connection.execute(text)] for text in statements)
    else:
        with psycopg.connect(source) as connection:
            device_rows, change_rows = (connection.execute(text).fetchall() for text in statements)
    return list(zip(pages(device_rows), pages(change_rows), strict=True))


async def make_tables(url: str) -> None:
    """The same tables, empty, with the account that the rows belong to."""
    async with open_store(url, secret_keys=[KEY], data_dir=None, migrate=True):
        pass
    if url.startswith("sqlite:///"):
        with sqlite3.connect(url.removeprefix("sqlite:///")) as connection:
            connection.execute(ACCOUNT.format(now="0"))
    else:
        with psycopg.connect(url) as server:
            server.execute(ACCOUNT.format(now="now()"))


def main(url: str, source: str) -> None:
    """Read, make the tables, write and measure."""
    found = read(source)
    asyncio.run(make_tables(url))
    with Watch() as watch:
        if url.startswith("sqlite:///"):
            count = into_sqlite(url.removeprefix("sqlite:///"), found)
        else:
            count = into_postgresql(url, found)
    report(watch.run(count))


if __name__ == "__main__":
    main(*sys.argv[1:])
