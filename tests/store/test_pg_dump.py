"""PostgreSQL's own tools, by the very lines that adept tells: what they restore is what was there."""

import os
import subprocess
from pathlib import Path

import pytest
from sqlalchemy import select

from adept.store import keypairs, tables
from adept.store.backup import postgresql_dump, postgresql_restore
from adept.store.changes import RESTORED_GAP
from adept.store.database import Store, open_store
from adept.store.places import read_place
from tests.postgres import Cluster
from tests.postgres_keeper import find_binaries
from tests.store.full_database import SECRET, every_row, fill


def run(line: str) -> None:
    path = f"{find_binaries()}{os.pathsep}{os.environ['PATH']}"
    subprocess.run(line, shell=True, check=True, env={**os.environ, "PATH": path}, timeout=120)


@pytest.mark.parametrize("engine_name", ["postgresql"], indirect=True)
async def test_what_pg_dump_saved_is_restored_into_an_empty_database(
    store: Store, postgresql: Cluster, secret_key: str, tmp_path: Path
):
    await fill(store, devices=100)
    async with store.reading() as tx:
        before = await every_row(tx)
    run(postgresql_dump(store.place, tmp_path / "adept of today.dump"))
    with postgresql.database() as url:
        run(postgresql_restore(read_place(url), tmp_path / "adept of today.dump"))
        later = open_store(url, secret_keys=[secret_key], data_dir=None, migrate=False)
        async with later as restored, restored.reading() as tx:
            after = await every_row(tx)
            (pair,) = await keypairs.keypairs_of(tx, 7, state="staged")
            assert keypairs.private_key(pair, restored.sealer) == SECRET
            assert (await tx.execute(select(tables.feed_position.c.last_id))).scalar_one() == 9 + RESTORED_GAP
    assert {**after, "feed_position": before["feed_position"]} == {**before, "sessions": []}


def test_the_lines_show_no_password():
    place = read_place("postgresql://adept:sesame@db.example.org:5433/adept?sslmode=require")
    for line in (postgresql_dump(place, Path("a.dump")), postgresql_restore(place, Path("a.dump"))):
        assert "'postgresql://adept@db.example.org:5433/adept?sslmode=require'" in line
        assert "sesame" not in line
