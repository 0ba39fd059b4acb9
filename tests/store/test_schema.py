"""The migrations, on both engines: from nothing, with rows, by several at once; and what is refused."""

import asyncio
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import psycopg
import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Inspector, MetaData, inspect, text
from sqlalchemy.ext.asyncio import AsyncConnection

from adept.errors import ConfigError, StoreError
from adept.store import schema, tables
from adept.store.changes import draw_numbers
from adept.store.database import Store, open_store
from adept.store.engines import Begin, open_engine
from adept.store.places import read_place
from adept.store.sealing import Sealer, read_keys
from tests.postgres import Cluster
from tests.store.examples import NOW, an_account, devices_of
from tests.store.first_rows import ROWS_0001, ROWS_0002, ROWS_0006

LATER = Path(__file__).with_name("later_migrations")


@asynccontextmanager
async def connected(url: str, begin: Begin) -> AsyncIterator[AsyncConnection]:
    """A connection in a transaction of the kind, to a database in whatever state."""
    async with (
        open_engine(read_place(url), busy_timeout_s=30, pooled=False) as engine,
        engine.connect() as connection,
    ):
        await connection.execution_options(begin=begin)
        async with connection.begin():
            yield connection


async def migrate(url: str, revision: str, *, later: bool = False) -> None:
    """Bring the database to a revision; `later` knows the tests' own migrations too."""

    def upgrade(connection: Connection) -> None:
        config = schema.alembic_config(connection)
        if later:
            ours = ScriptDirectory.from_config(config).versions
            config.set_main_option("version_locations", f"{ours}:{LATER}")
        command.upgrade(config, revision)

    async with connected(url, Begin.MIGRATE) as connection:
        await connection.run_sync(upgrade)


async def see(url: str, look: Callable[[Connection], Any]) -> Any:
    async with connected(url, Begin.READ) as connection:
        return await connection.run_sync(look)


def is_ours(table: str) -> bool:
    """Whether a table is one of `tables.py`, not a tool's of its own."""
    return table != schema.VERSION_TABLE and not table.startswith("procrastinate_")


def described(connection: Connection) -> dict[str, Any]:
    """Everything a schema says, in a form that compares."""
    inspector = inspect(connection)
    found: dict[str, Any] = {}
    for table in filter(is_ours, _tables(inspector)):
        columns = {
            column["name"]: (str(column["type"]), column["nullable"], str(column["default"]))
            for column in inspector.get_columns(table)
        }
        found[table] = {
            "columns": columns,
            "primary key": inspector.get_pk_constraint(table),
            "foreign keys": sorted(map(str, inspector.get_foreign_keys(table))),
            "unique": sorted(map(str, inspector.get_unique_constraints(table))),
            "checks": sorted(map(str, inspector.get_check_constraints(table))),
            "indexes": sorted(_index_words(index) for index in inspector.get_indexes(table)),
            "numbered for ever": "AUTOINCREMENT" in _sqlite_words(connection, table),
        }
    return found


def _tables(inspector: Inspector) -> set[str]:
    """All but those of SQLite's full-text search, which are compared by the words that made them."""
    return {name for name in inspector.get_table_names() if not name.startswith("device_values")}


def values_words(connection: Connection) -> list[str]:
    """What made the index of values: on SQLite a table and a trigger, on PostgreSQL an index."""
    on_sqlite = "SELECT sql FROM sqlite_master WHERE name IN ('device_values', 'device_values_changed') ORDER BY name"
    on_postgresql = "SELECT indexdef FROM pg_indexes WHERE indexname = 'ix_devices_values'"
    words = on_sqlite if connection.dialect.name == "sqlite" else on_postgresql
    return list(connection.execute(text(words)).scalars())


def _index_words(index: Any) -> str:
    options = {name: str(value) for name, value in index.get("dialect_options", {}).items()}
    return f"{index['name']} {index['column_names']} {index['unique']} {options}"


def _sqlite_words(connection: Connection, table: str) -> str:
    if connection.dialect.name != "sqlite":
        return ""
    words = connection.execute(text("SELECT sql FROM sqlite_master WHERE name = :name"), {"name": table})
    return str(words.scalar_one())


def compared(connection: Connection) -> list[Any]:
    """What Alembic would still have to do to make the database as the tables say."""
    opts = {"compare_type": True, "compare_server_default": True, "include_object": _is_of_the_tables}
    context = MigrationContext.configure(connection, opts=opts)
    return list(compare_metadata(context, tables.metadata))


def _is_of_the_tables(_found: object, name: str | None, kind: str, *_: object) -> bool:
    """Whether it is described by the tables: the index of values is of another kind on each engine."""
    if (name or "").startswith(("device_values", "ix_devices_values")):
        return False
    return kind != "table" or is_ours(name or "")


async def insert_first_rows(url: str, rows: dict[str, dict[str, Any]] = ROWS_0001) -> None:
    """A row into every table, as that revision has them."""

    def insert(connection: Connection) -> None:
        for name, row in rows.items():
            found = tables.metadata.tables[name]
            connection.execute(found.insert().inline(), row)

    async with connected(url, Begin.WRITE) as connection:
        await connection.run_sync(insert)


def rows_now(connection: Connection) -> dict[str, list[dict[str, Any]]]:
    """Every row of the tables that had one at 0001, with its columns of then that are still there."""
    found = MetaData()
    found.reflect(connection)
    kept: dict[str, list[dict[str, Any]]] = {}
    for name, row in ROWS_0001.items():
        typed = tables.metadata.tables[name]
        columns = [typed.c[column] for column in row if column in found.tables[name].c]
        kept[name] = [dict(one._mapping) for one in connection.execute(typed.select().with_only_columns(*columns))]
    return kept


async def test_all_steps_make_what_the_tables_say(database_url: str, empty_database_of_that_engine: str):
    async with connected(empty_database_of_that_engine, Begin.MIGRATE) as connection:
        await connection.run_sync(tables.metadata.create_all)
    migrated = await see(database_url, described)
    wanted = await see(empty_database_of_that_engine, described)
    assert set(migrated) == set(wanted) == set(tables.metadata.tables)
    for table, words in wanted.items():
        for what, says in words.items():
            assert migrated[table][what] == says, (table, what)
    assert await see(database_url, compared) == []
    made = await see(database_url, values_words)
    assert made
    assert made == await see(empty_database_of_that_engine, values_words)


@pytest.fixture
def empty_database_of_that_engine(engine_name: str, request: pytest.FixtureRequest, tmp_path: Path):
    """A second database, beside `database_url`, in which adept has never been."""
    if engine_name == "sqlite":
        yield f"sqlite:///{tmp_path / 'second.sqlite3'}"
        return
    with request.getfixturevalue("postgresql").database() as url:
        yield url


async def test_an_empty_database_becomes_a_store_that_works(empty_database_url: str, secret_key: str):
    keys = [secret_key]
    async with (
        open_store(empty_database_url, secret_keys=keys, data_dir=None, migrate=True) as store,
        store.writing() as tx,
    ):
        account = await an_account(tx)
        await devices_of(tx, account.id, "A1")
        assert await draw_numbers(tx, 1) == 1


def test_the_revisions_are_numbered_without_gaps_and_the_head_is_the_one_we_know():
    script = ScriptDirectory.from_config(schema.alembic_config())
    steps = [(step.revision, step.down_revision) for step in reversed(list(script.walk_revisions()))]
    numbers = [f"{number:04}" for number in range(1, len(steps) + 1)]
    assert steps == list(zip(numbers, [None, *numbers], strict=False))
    assert script.get_current_head() == schema.HEAD
    assert schema.known_revisions() == set(numbers)


def test_every_table_has_a_row_that_migrations_must_carry():
    singletons = {"feed_position", "sealing_canary", "setup_link", "retention", "schema_state"}
    assert set(ROWS_0001) | set(ROWS_0002) | set(ROWS_0006) >= set(tables.metadata.tables) - singletons, (
        "add the new table's row for its revision"
    )


async def test_the_rows_of_the_first_revision_are_there_at_the_newest(empty_database_url: str, secret_key: str):
    await migrate(empty_database_url, "0001")
    await insert_first_rows(empty_database_url)
    async with connected(empty_database_url, Begin.WRITE) as connection:
        sealed = Sealer(read_keys([secret_key])).seal("canary", b"adept")
        await connection.execute(tables.sealing_canary.insert(), {"only": 1, "sealed": sealed})
    async with open_store(empty_database_url, secret_keys=[secret_key], data_dir=None, migrate=True):
        pass
    found = await see(empty_database_url, rows_now)
    assert {name: [ROWS_0001[name]] for name in ROWS_0001} == found


async def test_the_rows_of_the_second_revision_are_there_at_the_newest(empty_database_url: str, secret_key: str):
    await migrate(empty_database_url, "0002")
    await insert_first_rows(empty_database_url, ROWS_0002)
    async with connected(empty_database_url, Begin.WRITE) as connection:
        sealed = Sealer(read_keys([secret_key])).seal("canary", b"adept")
        await connection.execute(tables.sealing_canary.insert(), {"only": 1, "sealed": sealed})
    async with open_store(empty_database_url, secret_keys=[secret_key], data_dir=None, migrate=True):
        pass
    async with connected(empty_database_url, Begin.READ) as connection:
        for name, row in ROWS_0002.items():
            kept = (await connection.execute(tables.metadata.tables[name].select())).mappings().all()
            assert [{column: one[column] for column in row} for one in kept] == [row]


async def test_the_live_devices_of_each_account_are_counted_on_the_way_up(empty_database_url: str):
    await migrate(empty_database_url, "0001")
    gone = ROWS_0001["devices"]
    there = gone | {"deleted_at": None, "deleted_reason": None}
    for row in (gone, there | {"serial_number": "B"}, there | {"serial_number": "C"}):
        rows = {"devices": row} if row is not gone else ROWS_0001
        await insert_first_rows(empty_database_url, rows)
    await migrate(empty_database_url, "0004")
    counted = text("SELECT live_devices FROM accounts")
    assert await see(empty_database_url, lambda connection: connection.execute(counted).scalars().all()) == [2]


async def test_a_migration_that_rebuilds_a_table_keeps_the_rows_that_refer_to_it(database_url: str):
    await insert_first_rows(database_url)
    await migrate(database_url, "9001", later=True)
    found = await see(database_url, rows_now)
    assert [len(rows) for rows in found.values()] == [1] * len(ROWS_0001)
    assert found["devices"] == [ROWS_0001["devices"]]
    assert found["keypairs"][0]["account_id"] == 7
    async with connected(database_url, Begin.READ) as connection:
        row = (await connection.execute(text("SELECT colour, health_words FROM accounts"))).one()
    assert tuple(row) == ("grey", "in 20 days")


async def test_a_migration_that_fails_leaves_the_database_as_it_was(database_url: str):
    await insert_first_rows(database_url)
    before = await see(database_url, described), await see(database_url, rows_now)
    with pytest.raises(RuntimeError, match="half way"):
        await migrate(database_url, "9002", later=True)
    assert (await see(database_url, described), await see(database_url, rows_now)) == before


@pytest.mark.parametrize("found", ["0777", "9999", "f00dcafe"])
async def test_a_newer_database_is_refused_with_both_revisions_and_left_alone(
    database_url: str, secret_key: str, found: str
):
    async with connected(database_url, Begin.WRITE) as connection:
        await connection.execute(text(f"UPDATE alembic_version SET version_num = '{found}'"))
    before = await see(database_url, described)
    for may_migrate in (True, False):
        with pytest.raises(StoreError, match=f"at schema {found}, newer than the {schema.HEAD}") as caught:
            async with open_store(database_url, secret_keys=[secret_key], data_dir=None, migrate=may_migrate):
                pass
        assert "install the adept that wrote it" in str(caught.value)
    assert await see(database_url, described) == before


async def test_without_migrate_an_empty_database_is_refused(empty_database_url: str, secret_key: str):
    assert await see(empty_database_url, described) == {}  # SQLite makes the file when it is looked at
    with pytest.raises(StoreError, match=f"is empty, and this adept needs {schema.HEAD}; run: adept db upgrade"):
        async with open_store(empty_database_url, secret_keys=[secret_key], data_dir=None, migrate=False):
            pass
    assert await see(empty_database_url, described) == {}


async def test_another_programs_database_is_refused_and_left_alone(empty_database_url: str, secret_key: str):
    async with connected(empty_database_url, Begin.MIGRATE) as connection:
        await connection.execute(text("CREATE TABLE devices (udid TEXT)"))
    with pytest.raises(StoreError, match="belongs to another program: it has a table 'devices'"):
        async with open_store(empty_database_url, secret_keys=[secret_key], data_dir=None, migrate=True):
            pass
    assert set(await see(empty_database_url, described)) == {"devices"}


@pytest.mark.parametrize("encoding", ["SQL_ASCII", "LATIN1"])
async def test_a_database_that_cannot_hold_every_text_is_refused_and_left_empty(
    encoding: str, postgresql: Cluster, secret_key: str
):
    with postgresql.database(encoding=encoding) as url:
        with pytest.raises(ConfigError, match=f"as {encoding}") as caught:
            async with open_store(url, secret_keys=[secret_key], data_dir=None, migrate=True):
                pass
        assert "--encoding=UTF8" in (caught.value.way_out or "")
        with psycopg.connect(url) as connection:
            assert connection.execute("SELECT count(*) FROM pg_tables WHERE schemaname = 'public'").fetchone() == (0,)


async def test_tables_of_others_beside_ours_do_not_disturb(empty_database_url: str, secret_key: str):
    async with connected(empty_database_url, Begin.MIGRATE) as connection:
        await connection.execute(text("CREATE TABLE guests (id INTEGER)"))
    keys = [secret_key]
    async with (
        open_store(empty_database_url, secret_keys=keys, data_dir=None, migrate=True) as store,
        store.writing() as tx,
    ):
        await an_account(tx)


async def test_tasks_that_start_at_once_take_turns_at_the_upgrade(empty_database_url: str, secret_key: str):
    async def start() -> Store:
        async with open_store(empty_database_url, secret_keys=[secret_key], data_dir=None, migrate=True) as store:
            return store

    assert len(await asyncio.gather(*(start() for _ in range(5)))) == 5


def test_processes_that_start_at_once_take_turns_at_the_upgrade(empty_database_url: str, secret_key: str):
    program = [sys.executable, "-m", "tests.store.starter", empty_database_url, secret_key]
    root = Path(__file__).parents[2]
    starters = [subprocess.Popen(program, cwd=root, stdout=subprocess.PIPE, text=True) for _ in range(4)]
    assert [starter.communicate(timeout=60)[0] for starter in starters] == ["opened\n"] * 4


def test_an_up_to_date_database_is_opened_without_alembic(database_url: str, secret_key: str):
    program = [sys.executable, "-m", "tests.store.starter", database_url, secret_key, "without-alembic"]
    ran = subprocess.run(program, cwd=Path(__file__).parents[2], capture_output=True, text=True, check=False)
    assert (ran.stdout, ran.stderr) == ("opened\n", "")


def test_the_rows_to_carry_are_written_at_a_time_that_shows_microseconds():
    assert NOW.microsecond
