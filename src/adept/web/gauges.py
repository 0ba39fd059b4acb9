"""How things are at the moment, as Prometheus' gauges. Pure.

One series an account says its health: the word is a label, the value 1. What isn't known of an account has no series.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime

from prometheus_client.core import GaugeMetricFamily

from adept.store.engine_jobs import EngineGauge
from adept.store.gauges import AccountGauge, QueueLengths

_DAY_S = 86_400


def gauges(
    accounts: Sequence[AccountGauge], queues: QueueLengths, engine: EngineGauge | None, *, now: datetime
) -> Iterator[GaugeMetricFamily]:
    """Every gauge, with a series an account in the order given. `engine`: None on SQLite, which has none."""
    yield _health(accounts)
    yield _by_account(
        "adept_account_token_days_left",
        "Days until the account's working token ends; below 0 once it has.",
        {
            account.name: (account.token_expires_at - now).total_seconds() / _DAY_S
            for account in accounts
            if account.token_expires_at is not None
        },
    )
    yield _by_account(
        "adept_account_last_good_pass_age_seconds",
        "Seconds since a pass of the account last ended well.",
        {
            account.name: (now - account.last_pass_at).total_seconds()
            for account in accounts
            if account.last_pass_at is not None
        },
    )
    yield _by_account(
        "adept_account_failures", "Passes failed in a row.", {account.name: account.failures for account in accounts}
    )
    yield _by_account("adept_devices", "Live devices.", {account.name: account.live_devices for account in accounts})
    yield _by_account(
        "adept_account_held_devices",
        "Devices whose deletion waits for a person.",
        {account.name: account.devices_held for account in accounts},
    )
    yield GaugeMetricFamily(
        "adept_holds", "Holds that wait for a person.", value=sum(account.devices_held > 0 for account in accounts)
    )
    yield _queues(queues, engine)
    if engine is not None:
        yield GaugeMetricFamily("adept_workers", "Workers that live.", value=engine.workers)


def _health(accounts: Sequence[AccountGauge]) -> GaugeMetricFamily:
    family = GaugeMetricFamily(
        "adept_account_health", "The account's health, in its label; always 1.", labels=("account", "health")
    )
    for account in accounts:
        family.add_metric((account.name, account.health), 1)
    return family


def _by_account(name: str, documentation: str, values: dict[str, float]) -> GaugeMetricFamily:
    family = GaugeMetricFamily(name, documentation, labels=("account",))
    for account, value in values.items():
        family.add_metric((account,), value)
    return family


def _queues(queues: QueueLengths, engine: EngineGauge | None) -> GaugeMetricFamily:
    family = GaugeMetricFamily(
        "adept_queue_length",
        "Accounts that are due and not walked yet; passes asked for that wait; passes that run; the job engine's jobs.",
        labels=("queue",),
    )
    lengths = {"due_accounts": queues.due, "queued_passes": queues.queued, "running_passes": queues.running}
    if engine is not None:
        lengths |= {"waiting_jobs": engine.waiting, "running_jobs": engine.running, "stalled_jobs": engine.stalled}
    for name, length in lengths.items():
        family.add_metric((name,), length)
    return family
