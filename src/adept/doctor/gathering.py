"""Gathers what a support bundle is made of, whatever state things are in."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime

from adept.doctor.bundle import PASSES, Material
from adept.doctor.examination import Patient, examine
from adept.doctor.stored import BUSY_TIMEOUT_S, look_at_store
from adept.errors import AdeptError
from adept.store.database import open_store
from adept.store.examination import newest_passes, row_counts, server_version
from adept.store.places import read_place


async def gather(
    patient: Patient,
    *,
    settings: Mapping[str, object],
    log: Sequence[str] | None,
    now: Callable[[], datetime],
) -> Material:
    """Everything that can be had; a database that can't be opened leaves its parts empty."""
    counts: dict[str, int] = {}
    passes: list[dict[str, object]] = []
    engine_version: str | None = None
    stored = await look_at_store(patient.database_url, keys=patient.keys, data_dir=patient.data_dir, now=now)
    try:
        opened = open_store(
            patient.database_url,
            secret_keys=patient.keys,
            data_dir=patient.data_dir,
            migrate=False,
            busy_timeout_s=BUSY_TIMEOUT_S,
        )
        if stored.wrong is None:
            async with opened as store, store.reading() as tx:
                counts, passes = await row_counts(tx), await newest_passes(tx, limit=PASSES)
                engine_version = await server_version(tx)
    except AdeptError:  # as `stored` has it, or it went away in between
        pass
    return Material(
        made_at=now(),
        settings=settings,
        stored=stored,
        engine="postgresql" if read_place(patient.database_url).file is None else "sqlite",
        server_version=engine_version,
        row_counts=counts,
        passes=passes,
        findings=await examine(patient, now=now),
        log=log,
    )
