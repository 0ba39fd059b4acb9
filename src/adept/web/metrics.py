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
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from adept.errors import AdeptError
from adept.store.database import Store
from adept.store.engine_jobs import engine_gauge
from adept.store.gauges import account_gauges, queue_lengths
from adept.web.access import ViewerDep
from adept.web.counts import Metrics
from adept.web.gauges import gauges
from adept.web.problems import problem_of, responses
from adept.web.service import Service, ServiceDep

CONTENT_TYPE = CONTENT_TYPE_PLAIN_0_0_4

router = APIRouter(tags=["service"])

_EXAMPLE = 'adept_account_health{account="hq",health="ok"} 1.0\n'


@router.get(
    "/metrics",
    response_class=PlainTextResponse,
    responses={
        200: {"description": "Prometheus' text format.", "content": {"text/plain": {"example": _EXAMPLE}}},
        **responses(),
    },
)
async def read_metrics(service: ServiceDep, _caller: ViewerDep) -> Response:
    """What this process counted, and how every account is, for Prometheus."""
    return await _told(service)


def metrics_app(service: Service) -> Starlette:
    """/metrics alone, for whoever can reach the port: to be served on loopback only."""

    async def read(_request: Request) -> Response:
        return await _told(service)

    async def refuse(_request: Request, error: Exception) -> Response:
        assert isinstance(error, AdeptError)
        return problem_of(error).response()

    return Starlette(
        routes=[Route("/metrics", read)],
        middleware=[Middleware(TrustedHostMiddleware, allowed_hosts=["127.0.0.1", "localhost"])],  # no page's script
        exception_handlers={AdeptError: refuse},
    )


async def _told(service: Service) -> Response:
    text = await exposition(service.metrics, service.store, now=service.now())
    return Response(text, headers={"Content-Type": CONTENT_TYPE})


async def exposition(metrics: Metrics, store: Store, *, now: datetime) -> bytes:
    """Everything there is to tell, in Prometheus' text format (`CONTENT_TYPE`)."""
    async with store.reading() as tx:
        accounts = await account_gauges(tx)
        queues = await queue_lengths(tx, now)
        engine = await engine_gauge(tx) if store.dialect_name == "postgresql" else None
    return generate_latest(_Told(metrics.registry, tuple(gauges(accounts, queues, engine, now=now))))


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
