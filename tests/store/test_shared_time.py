"""The time that all who work on a database share: the server's, whatever the clocks of their machines say."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from sqlalchemy import text

from adept.store.database import Store
from adept.store.shared_time import SharedTime

NOON = datetime(2026, 11, 28, 12, tzinfo=UTC)
SECOND = timedelta(seconds=1)


class Clocks:
    """A computer's two clocks: one that is set by people, and one that runs on."""

    def __init__(self) -> None:
        self.shown = NOON
        self.ran_s = 1000.0

    def pass_s(self, seconds: float) -> None:
        self.shown += seconds * SECOND
        self.ran_s += seconds


def test_until_the_time_was_heard_it_is_the_computers() -> None:
    clocks = Clocks()
    shared = SharedTime(now=lambda: clocks.shown, monotonic_s=lambda: clocks.ran_s)
    clocks.pass_s(5)
    assert shared() == NOON + 5 * SECOND


def test_what_was_heard_runs_on_whatever_becomes_of_the_computers_clock() -> None:
    clocks = Clocks()
    shared = SharedTime(now=lambda: clocks.shown, monotonic_s=lambda: clocks.ran_s)
    shared.hear(NOON - 300 * SECOND, shared.ask())
    clocks.shown += timedelta(days=365)
    clocks.pass_s(2)
    assert shared() == NOON - 298 * SECOND


def test_an_answer_that_came_late_is_not_believed_where_there_is_a_better_one() -> None:
    clocks = Clocks()
    shared = SharedTime(now=lambda: clocks.shown, monotonic_s=lambda: clocks.ran_s)
    asked_s = shared.ask()
    clocks.pass_s(40)  # the process slept between question and answer
    shared.hear(NOON, asked_s)
    assert shared() == NOON  # better than nothing
    asked_s = shared.ask()
    shared.hear(NOON + 40 * SECOND, asked_s)
    asked_s = shared.ask()
    clocks.pass_s(40)
    shared.hear(NOON + 40 * SECOND, asked_s)
    assert shared() == NOON + 80 * SECOND


async def test_a_stores_time_is_that_of_its_database(store: Store) -> None:
    before = store.now()
    async with store.writing() as tx:
        told = "clock_timestamp()" if store.dialect_name == "postgresql" else "strftime('%Y-%m-%dT%H:%M:%f+00:00')"
        found = (await tx.execute(text(f"SELECT {told}"))).scalar_one()
    at = found if isinstance(found, datetime) else datetime.fromisoformat(found)
    slack = timedelta(milliseconds=2)  # of SQLite's answer
    assert before - slack <= at <= store.now() + slack
