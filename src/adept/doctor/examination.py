"""One examination: look at everything, judge it, in the order in which things would have to be mended."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from adept.doctor.facts import StoreFacts
from adept.doctor.findings import Finding
from adept.doctor.judging_network import EXPECTED_ISSUERS, judge_network
from adept.doctor.judging_store import judge_disk, judge_store
from adept.doctor.network import look_at_network
from adept.doctor.stored import look_at_disk, look_at_store
from adept.store.schema import HEAD
from adept.store.unlocking import GivenKeys

SERVICES = 5  # base URLs that are looked at, at most


@dataclass(frozen=True, slots=True)
class Patient:
    """What is examined: a database with its keys, a data directory, and Apple's service where no account names one."""

    database_url: str
    database_file: Path | None
    keys: GivenKeys
    data_dir: Path
    apple_url: str


async def examine(
    patient: Patient, *, now: Callable[[], datetime], expected: Mapping[str, str] = EXPECTED_ISSUERS
) -> list[Finding]:
    """Every finding; whatever is broken is one, and the rest is looked at all the same. ConfigError for a bad URL."""
    stored = await look_at_store(patient.database_url, keys=patient.keys, data_dir=patient.data_dir, now=now)
    urls = base_urls(stored, patient.apple_url)
    seen = await asyncio.gather(*(asyncio.to_thread(look_at_network, url, now=now) for url in urls))
    return [
        *(finding for facts in seen for finding in judge_network(facts, expected=expected)),
        judge_disk(look_at_disk(patient.data_dir, patient.database_file)),
        *judge_store(stored, head=HEAD, now=now()),
    ]


def base_urls(stored: StoreFacts, default: str) -> Sequence[str]:
    """The services that accounts are at, the most used first; the default one where there are no accounts."""
    used = [account.base_url for account in stored.accounts]
    return sorted(set(used), key=lambda url: (-used.count(url), url))[:SERVICES] or [default]
