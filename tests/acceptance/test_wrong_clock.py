"""A machine whose clock is wrong works on a shared database beside others: by the database's time, like them.

Found by the fault suite: a worker whose clock jumped a year ahead removed all changes as older than 90 days, put every
account off for a year, and took tokens for expired.
"""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import text

from adept.accounts.tokens import Connect
from adept.client.async_client import AsyncClient
from adept.jobs.account_pass import run_pass
from adept.jobs.requests import request_pass
from adept.simulator.running import Running
from adept.store.accounts import account_named
from adept.store.audit import ADEPT
from adept.store.changes import changes_after
from adept.store.database import Store
from adept.store.retention import last_done_at
from adept.sync.outcome import PassKind
from tests.acceptance.moved_clock import MovedClock
from tests.acceptance.service import working
from tests.acceptance.test_workers import (
    apple,
    assert_as_if_nothing_had_happened,
    database_url,
    ended,
    until_true,
    with_account,
)

__all__ = ["apple", "database_url"]

connect: Connect = lambda token, base_url: AsyncClient(token, base_url=base_url)  # noqa: E731


@pytest.mark.parametrize("days", [365, -8])
async def test_a_worker_whose_clock_is_wrong_works_by_the_time_of_the_database(
    store: Store, environment: dict[str, str], apple: Running, tmp_path: Path, days: int
):
    await with_account(store, apple)
    await run_pass(store, "hq", connect=connect, now=store.now, holder="tests", kind=PassKind.FULL)
    apple.simulator.buy(3)
    asked = await request_pass(store, "hq", PassKind.SYNC, by=ADEPT, now=store.now)
    clock = MovedClock(tmp_path / "clock", ahead_s=days * 86_400)
    with working(environment | clock.environment, log_file=tmp_path / "log") as worker:
        await ended(store, after=asked.id - 1)

        async def rows_were_looked_through() -> bool:
            async with store.reading() as tx:
                return await last_done_at(tx) is not None

        await until_true(rows_were_looked_through)
        assert worker.stop() == 0
    await assert_as_if_nothing_had_happened(store, apple)
    async with store.reading() as tx:
        account = await account_named(tx, "hq")
        assert (await changes_after(tx, 0, limit=1))[0].id == 1
        later = (await tx.execute(text("SELECT max(found_at) FROM changes"))).scalar_one()
        next_at = (await tx.execute(text("SELECT next_at FROM retention"))).scalar_one()
    at = store.now()
    assert account.health == "ok"
    assert abs(account.next_sync_at - at) < timedelta(hours=1)
    assert abs(later - at) < timedelta(minutes=10)
    assert abs(next_at - at) < timedelta(hours=2)
