"""The page on metrics is complete: what it lists is what /metrics tells, with the labels it has."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from pathlib import Path

from prometheus_client.metrics_core import Metric

from adept.client.observation import Observation
from adept.store.engine_jobs import EngineGauge
from adept.store.gauges import AccountGauge, QueueLengths
from adept.web.counts import Metrics
from adept.web.gauges import gauges

PAGE = Path(__file__).resolve().parents[2] / "docs" / "reference" / "metrics.md"
NOW = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)


def told() -> list[Metric]:
    """Every family of /metrics, each with at least one series."""
    metrics = Metrics()
    metrics.request_ended(Observation("GET /account", "ok", 0.1))
    account = AccountGauge(
        name="hq",
        health="ok",
        paused=False,
        failures=0,
        last_pass_at=NOW,
        token_expires_at=NOW,
        devices_held=0,
        live_devices=1,
    )
    queues, engine = QueueLengths(due=0, queued=0, running=0), EngineGauge(waiting=0, running=0, stalled=0, workers=1)
    return [*metrics.registry.collect(), *gauges([account], queues, engine, now=NOW)]


def described(family: Metric) -> tuple[str, frozenset[str]]:
    """The name by which a family is asked for, and its labels."""
    suffix = {"counter": "_total", "info": "_info"}.get(family.type, "")
    labels = {label for sample in family.samples for label in sample.labels}
    return family.name + suffix, frozenset(labels - {"le"})


def documented() -> set[tuple[str, frozenset[str]]]:
    rows = re.findall(r"^\| `(\w+)` \|([^|]*)\|", PAGE.read_text(), re.MULTILINE)
    return {(name, frozenset(re.findall(r"`(\w+)`", labels))) for name, labels in rows}


def test_every_metric_is_documented_with_its_labels_and_no_other() -> None:
    assert documented() == {described(family) for family in told() if not family.name.startswith("process_")}


def test_every_queue_is_documented() -> None:
    (queues,) = (family for family in told() if family.name == "adept_queue_length")
    text = PAGE.read_text()
    assert all(f"`{sample.labels['queue']}`" in text for sample in queues.samples)
