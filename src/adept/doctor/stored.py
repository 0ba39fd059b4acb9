"""Looks at the database and the disk, whatever state they are in."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

from adept.doctor.facts import DiskFacts, StoreFacts
from adept.errors import AdeptError
from adept.store.database import open_store
from adept.store.examination import account_facts, revision_of, size_bytes, stalled_jobs
from adept.store.places import read_place
from adept.store.unlocking import GivenKeys

BUSY_TIMEOUT_S = 5.0


async def look_at_store(url: str, *, keys: GivenKeys, data_dir: Path, now: Callable[[], datetime]) -> StoreFacts:
    """What is seen of the database; why it can't be opened is a fact as well. Raises ConfigError for a bad URL."""
    place = read_place(url)
    if place.file is not None and not place.file.exists():
        missing = f"there is no database at {place.file}"
        return StoreFacts(label=place.label, is_reached=False, wrong=missing, way_out="run: adept db upgrade")
    revision = await revision_of(place, busy_timeout_s=BUSY_TIMEOUT_S)
    try:
        async with (
            open_store(url, secret_keys=keys, data_dir=data_dir, migrate=False, busy_timeout_s=BUSY_TIMEOUT_S) as store,
            store.reading() as tx,
        ):
            return StoreFacts(
                label=place.label,
                is_reached=True,
                revision=None if isinstance(revision, AdeptError) else revision,
                accounts=tuple(await account_facts(tx, now=now())),
                stalled_jobs=await stalled_jobs(tx),
                size_bytes=await size_bytes(tx),
            )
    except AdeptError as error:
        is_reached = not isinstance(revision, AdeptError)
        found = revision if isinstance(revision, str) else None
        return StoreFacts(
            label=place.label, is_reached=is_reached, revision=found, wrong=error.message, way_out=error.way_out
        )


def look_at_disk(data_dir: Path, database: Path | None) -> DiskFacts:
    """How much room there is."""
    there = next((path for path in (data_dir, *data_dir.parents) if path.exists()), None)
    size = database.stat().st_size if database is not None and database.exists() else None
    return DiskFacts(str(data_dir), shutil.disk_usage(there).free if there is not None else None, size)
