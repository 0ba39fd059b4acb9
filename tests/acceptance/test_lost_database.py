"""A pooler in between, connections that break, and a database that is away.

Work resumes by itself, and says meanwhile what is wrong.
"""

from __future__ import annotations

import asyncio
import logging
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx2
import pytest
from sqlalchemy import text

from adept.access.keys import create_key
from adept.access.roles import Role
from adept.jobs.worker import Worker
from adept.simulator.running import serve
from adept.simulator.simulator import Simulator
from adept.store.audit import ADEPT
from adept.store.database import Store, open_store
from tests.acceptance.service import serving
from tests.acceptance.test_service_background import assert_all_is_stored_and_told, now, operating
from tests.jobs.test_runner import SOON_S, Fleet
from tests.pooler import Pooler
from tests.postgres import TEMPLATE, Cluster
from tests.sync.apple import Clock
from tests.sync.conftest import clock

__all__ = ["clock"]


@pytest.fixture
def database_url(postgresql: Cluster) -> Iterator[str]:
    """The way past the pooler."""
    with postgresql.database(TEMPLATE) as url:
        yield url


@pytest.fixture
def pooler(postgresql: Cluster) -> Iterator[Pooler]:
    # not in pytest's own directories: PgBouncer's user may not look into them
    with tempfile.TemporaryDirectory(prefix="adept-tests-pgbouncer-") as folder:
        Path(folder).chmod(0o755)
        pooler = Pooler(postgresql, Path(folder) / "pgbouncer")
        pooler.start()
        yield pooler
        pooler.stop()


@pytest.fixture
async def pooled(pooler: Pooler, database_url: str, secret_key: str) -> AsyncIterator[Store]:
    """The test's database, by way of the pooler."""
    async with open_store(pooler.url(database_url), secret_keys=[secret_key], data_dir=None, migrate=False) as store:
        yield store


@asynccontextmanager
async def working(fleet: Fleet, store: Store) -> AsyncIterator[Worker]:
    worker = Worker(store, fleet.kinds(store), now=fleet.clock, width=4)
    task = asyncio.create_task(worker.run())
    try:
        yield worker
    finally:
        await worker.stop()
        await asyncio.wait_for(task, SOON_S)


async def test_behind_a_pooler_each_transaction_has_its_own_settings_and_leaves_none(pooled: Store):
    async def look() -> tuple[str, str, str]:
        names = ("lock_timeout", "jit", "random_page_cost")
        async with pooled.writing() as tx:
            shown = ", ".join(f"current_setting('{name}')" for name in names)
            lock_timeout, jit, cost = (await tx.execute(text(f"SELECT {shown}"))).one()
            return lock_timeout, jit, cost

    async def left_over() -> str:
        async with pooled.engine.connect() as connection:  # not begun by the store: as the pooler hands it on
            driver = (await connection.get_raw_connection()).driver_connection
            assert driver is not None
            found = await (await driver.execute("SELECT current_setting('lock_timeout')")).fetchone()
            await driver.rollback()
            return str(found[0])

    assert set(await asyncio.gather(*(look() for _ in range(30)))) == {("30s", "off", "1.1")}
    assert set(await asyncio.gather(*(left_over() for _ in range(10)))) == {"0"}


async def test_an_upgrade_and_workers_go_through_a_pooler(
    postgresql: Cluster, pooler: Pooler, secret_key: str, clock: Clock
):
    with postgresql.database() as empty:
        async with open_store(pooler.url(empty), secret_keys=[secret_key], data_dir=None, migrate=True) as store:
            fleet = Fleet(store, clock)
            names = [f"a{number}" for number in range(12)]
            for name in names:
                await fleet.add(name)
            async with working(fleet, store), working(fleet, store):
                await fleet.ends(len(names))
            assert [await fleet.passes(name) for name in names] == [["done"]] * len(names)
        pooler.stop()


async def test_a_worker_outlives_a_database_that_is_away(
    store: Store, pooled: Store, pooler: Pooler, clock: Clock, caplog: pytest.LogCaptureFixture
):
    fleet = Fleet(store, clock)
    await fleet.add("hq")
    with caplog.at_level(logging.ERROR, "adept.jobs"):
        async with working(fleet, pooled):
            await fleet.next_end()
            pooler.stop()
            await fleet.add("lab")
            async with asyncio.timeout(SOON_S):
                while "worker waits for the database" not in caplog.text:  # noqa: ASYNC110  # logs have no event
                    await asyncio.sleep(0.05)
            pooler.start()
            await asyncio.wait_for(fleet.ended.get(), 3 * SOON_S)
    assert await fleet.live() == {"hq1", "lab1"}


async def test_a_service_says_that_its_database_is_away_and_goes_on_when_it_is_back(
    store: Store, pooler: Pooler, database_url: str, secret_key: str, tmp_path: Path
):
    _, key = await create_key(store, "tests", role=Role.ADMIN, may_read_secrets=True, by=ADEPT, now=now)
    environment = {
        "ADEPT_DATABASE_URL": pooler.url(database_url),
        "ADEPT_SECRET_KEYS": secret_key,
        "ADEPT_DATA_DIR": str(tmp_path / "data"),
        "ADEPT_ALLOW_PRIVATE_ADDRESSES": "true",
    }
    with (
        serve(Simulator(devices=120, seed=5, page_limit=40)) as apple,
        serving(environment, log_file=tmp_path / "log") as service,
        operating(service, key) as operator,
    ):
        operator.add("hq", apple)
        assert operator.end_of(operator.ask("hq"))["state"] == "done"
        pooler.stop()
        apple.simulator.buy(5)
        answer = operator.http.get("/accounts")
        assert (answer.status_code, answer.headers["content-type"]) == (503, "application/problem+json")
        assert answer.json()["code"] == "store"
        assert "can't be reached" in answer.json()["detail"]
        assert "server runs" in answer.json()["way_out"]
        assert answer.headers["retry-after"]
        page = httpx2.get(
            f"{service.url}/devices", headers={"Accept": "text/html"}, cookies={"adept_session": "x" * 43}
        )
        assert (page.status_code, "can't be reached" in page.text.replace("&#39;", "'")) == (503, True)
        assert httpx2.get(f"{service.url}/healthz").status_code == 200
        assert httpx2.get(f"{service.url}/readyz").status_code == 503
        pooler.start()
        assert operator.end_of(operator.ask("hq"))["state"] == "done"
        await assert_all_is_stored_and_told(store, apple)
        assert service.stop() == 0
