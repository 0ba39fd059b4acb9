"""/metrics: what Prometheus is told.

Counts are this process's own (`counts.py`). Gauges are read from the database when it asks (`gauges.py`), so that every
process tells the same.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from fastapi import APIRouter
from prometheus_client import CONTENT_TYPE_PLAIN_0_0_4, generate_latest
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from adept.store.database import Store
from adept.store.gauges import account_gauges, queue_lengths
from adept.web.counts import Metrics
from adept.web.gauges import gauges

CONTENT_TYPE = CONTENT_TYPE_PLAIN_0_0_4

router = APIRouter(tags=["service"])


async def exposition(metrics: Metrics, store: Store, *, now: datetime) -> bytes:
    """Everything there is to tell, in Prometheus' text format (`CONTENT_TYPE`)."""
    async with store.reading() as tx:
        accounts = await account_gauges(tx)
        queues = await queue_lengths(tx, now)
    return generate_latest(_Told(metrics.registry, tuple(gauges(accounts, queues, now=now))))


@dataclass(frozen=True)
class _Told(Collector):
    """What one answer holds."""

    counted: Collector
    read: tuple[Metric, ...]

    def collect(self) -> Iterator[Metric]:
        """The counts, without the time at which each began, and the gauges."""
        for metric in self.counted.collect():
            metric.samples = [sample for sample in metric.samples if not sample.name.endswith("_created")]
            yield metric
        yield from self.read
