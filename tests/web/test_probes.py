"""/healthz and /readyz: whether the process lives, and whether it can work."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import delete, text

from adept.store.sealing import new_key, read_keys
from adept.store.tables import sealing_canary
from tests.web.conftest import RunningService


async def test_the_service_lives_and_is_ready(service: RunningService) -> None:
    alive, ready = await service.get("/healthz"), await service.get("/readyz")
    assert (alive.status_code, alive.json()) == (200, {"status": "alive"})
    assert (ready.status_code, ready.json()) == (200, {"status": "ready"})


async def test_probes_answer_whoever_asks_under_whatever_name(service: RunningService) -> None:
    for path in ("/healthz", "/readyz"):
        assert (await service.get(path, headers={"host": "10.0.0.5"})).status_code == 200


async def not_ready(service: RunningService) -> str:
    """The service must say that it is not ready, without saying more; returns what it said."""
    answer = await service.get("/readyz")
    assert (answer.status_code, answer.json()["code"]) == (503, "not_ready")
    assert service.store.place.label not in answer.text
    assert (await service.get("/healthz")).status_code == 200
    return answer.text


async def test_a_database_whose_schema_went_on_is_ready_until_it_no_longer_fits(
    service: RunningService, caplog: pytest.LogCaptureFixture
) -> None:
    async with service.store.writing() as tx:
        await tx.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    assert (await service.get("/readyz")).status_code == 200
    async with service.store.writing() as tx:
        await tx.execute(text("UPDATE schema_state SET oldest_revision = '9999'"))
    await not_ready(service)
    assert any("is at schema 9999" in str(vars(record).get("error")) for record in caplog.records)


async def test_a_sealing_key_that_no_longer_fits_is_not_ready(service: RunningService) -> None:
    service.store.sealer._keys = tuple(read_keys([new_key()]))
    await not_ready(service)


async def test_a_database_that_lost_its_canary_is_not_ready(service: RunningService) -> None:
    async with service.store.writing() as tx:
        await tx.execute(delete(sealing_canary))
    await not_ready(service)


@pytest.mark.parametrize("engine_name", ["sqlite"])
async def test_a_database_file_that_is_damaged_is_not_ready(service: RunningService, tmp_path: Path) -> None:
    await service.store.engine.dispose()
    damage(tmp_path)
    await not_ready(service)


def damage(folder: Path) -> None:
    for file in folder.glob("adept.sqlite3*"):
        file.write_bytes(b"no database " * 1000)
