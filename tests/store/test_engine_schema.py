"""The job engine's tables on PostgreSQL: made, brought further and refused together with ours."""

from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from procrastinate.schema import SchemaManager
from sqlalchemy import text

from adept.errors import StoreError
from adept.store import engine_schema, schema
from adept.store.database import open_store
from adept.store.engines import Begin
from tests.postgres import TEMPLATE, Cluster
from tests.store.test_schema import connected, migrate

KNOWN = ["3.1_01_pre_a", "3.1_50_post_a", "3.2_01_pre_b", "3.2_02_pre_c", "3.2_50_post_b"]

FILES = sorted(Path(SchemaManager.get_migrations_path()).glob("*.sql"))


@pytest.fixture
def empty_url(postgresql: Cluster) -> Iterator[str]:
    with postgresql.database() as url:
        yield url


@pytest.fixture
def url(postgresql: Cluster) -> Iterator[str]:
    with postgresql.database(TEMPLATE) as made:
        yield made


async def opened(url: str, secret_key: str, *, migrate: bool) -> None:
    async with open_store(url, secret_keys=[secret_key], data_dir=None, migrate=migrate):
        pass


async def told(url: str, statement: str) -> list[object]:
    async with connected(url, Begin.WRITE) as connection:
        result = await connection.execute(text(statement))
        return list(result.scalars()) if result.returns_rows else []


@pytest.mark.parametrize(
    ("found", "applied"),
    [
        (None, KNOWN),
        ("3.1_01_pre_a", ["3.1_50_post_a", "3.2_01_pre_b", "3.2_02_pre_c"]),
        ("3.1_50_post_a", ["3.2_01_pre_b", "3.2_02_pre_c"]),
        ("3.2_01_pre_b", ["3.2_02_pre_c"]),
        ("3.2_02_pre_c", []),
        ("3.2_50_post_b", []),
    ],
)
def test_what_takes_something_away_waits_until_a_newer_version_comes(found, applied):
    assert list(engine_schema.steps(KNOWN, found)) == applied


async def test_an_upgrade_makes_the_engines_tables_with_ours(empty_url, secret_key):
    await opened(empty_url, secret_key, migrate=True)
    assert await told(empty_url, "SELECT engine_revision FROM schema_state") == [engine_schema.newest()]
    assert await told(empty_url, "SELECT count(*) FROM procrastinate_jobs") == [0]


async def test_a_database_from_before_the_engine_is_behind_until_it_is_upgraded(empty_url, secret_key):
    await migrate(empty_url, schema.HEAD)
    with pytest.raises(StoreError, match=r"lacks tables of the job engine.*run: adept db upgrade"):
        await opened(empty_url, secret_key, migrate=False)
    await opened(empty_url, secret_key, migrate=True)
    await opened(empty_url, secret_key, migrate=False)


async def test_an_older_engine_is_brought_further_by_the_librarys_own_migrations(empty_url, secret_key):
    old = "03.02.00_50_post_batch_defer_jobs"
    await migrate(empty_url, schema.HEAD)
    async with await psycopg.AsyncConnection.connect(empty_url, autocommit=True) as database:
        for file in FILES:
            if file.stem <= old:
                await database.execute(file.read_bytes())
    await told(empty_url, f"UPDATE schema_state SET engine_revision = '{old}'")
    with pytest.raises(StoreError, match="run: adept db upgrade"):
        await opened(empty_url, secret_key, migrate=False)
    await opened(empty_url, secret_key, migrate=True)
    assert await told(empty_url, "SELECT engine_revision FROM schema_state") == list(engine_schema.to_apply(old)[-1:])
    assert await told(empty_url, "SELECT count(*) FROM pg_proc WHERE proname = 'procrastinate_retry_job_v2'") == [1]


async def test_a_newer_engine_is_refused(url, secret_key):
    await told(url, "UPDATE schema_state SET engine_revision = '99.00.00_01_pre_new'")
    for may_migrate in (True, False):
        with pytest.raises(StoreError, match=r"job engine's schema 99.00.00_01_pre_new, newer than the"):
            await opened(url, secret_key, migrate=may_migrate)


async def test_another_programs_procrastinate_is_refused_and_left_alone(empty_url, secret_key):
    await told(empty_url, "CREATE TABLE procrastinate_jobs (id INTEGER)")
    with pytest.raises(StoreError, match="tables of procrastinate that another program made; name another database"):
        await opened(empty_url, secret_key, migrate=True)
    assert await told(empty_url, "SELECT to_regclass('accounts') IS NULL") == [True]


async def test_a_process_that_runs_goes_on_with_an_expanded_schema_and_stops_at_a_contracted_one(store):
    async with store.writing() as tx:
        await tx.execute(text("UPDATE alembic_version SET version_num = '9001'"))
        await schema.check_still_fits(tx, store.place)
        await tx.execute(text("UPDATE schema_state SET oldest_revision = '9001'"))
        with pytest.raises(StoreError, match=f"at schema 9001, and this adept needs {schema.HEAD}; restart it"):
            await schema.check_still_fits(tx, store.place)
