"""The service as a process: everything is made here, put together, kept running, and ended in order.

Told to stop, it takes no connection any more, finishes the pages that are being stored, drops requests to Apple, gives
answers in flight a moment, and is gone within 10 s. Told again, it is gone at once: nothing stored gets lost by that.
"""

from __future__ import annotations

import asyncio
import logging
import os
import random
import secrets
import socket
import ssl
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, AbstractContextManager, ExitStack, asynccontextmanager
from typing import TYPE_CHECKING

from adept.access.setup import make_link
from adept.accounts.pace import ApplePace
from adept.client.async_client import AsyncClient
from adept.errors import ConfigError
from adept.jobs.kinds import job_kinds
from adept.jobs.retention import Keep
from adept.jobs.runner import Runner
from adept.jobs.visit import Visitor
from adept.protocol.server_token import ServerToken
from adept.settings import Settings
from adept.store.database import Store, open_store
from adept.web.app import create_app
from adept.web.base_urls import way_to
from adept.web.binding import check_binding, load_certificate, tls_context, url_of
from adept.web.counts import Metrics
from adept.web.listening import Listening, listen
from adept.web.metrics import metrics_app
from adept.web.service import Service
from adept.web.signals import told_to_reload, told_to_stop

if TYPE_CHECKING:
    from adept.jobs.worker import Worker

log = logging.getLogger("adept.web")

STOP_WITHIN_S = 7.0  # for what looks after accounts; with what comes before and after, the process is gone in 10

OnReady = Callable[[str, str | None], None]
OnSetUp = Callable[[str], None]


async def serve(settings: Settings, *, worker: bool, on_ready: OnReady, on_set_up: OnSetUp) -> None:
    """Run the service until the process is told to stop; the rest is as in `serve_until`.

    TLS is as the settings say, and SIGHUP has the certificate read again.
    """
    check_binding(settings)
    tls = tls_context(settings)
    with told_to_stop() as stop, _renewing(tls, settings):
        await serve_until(stop, settings, tls=tls, worker=worker, on_ready=on_ready, on_set_up=on_set_up)


async def serve_until(
    stop: asyncio.Event,
    settings: Settings,
    *,
    tls: ssl.SSLContext | None = None,
    worker: bool = True,
    on_ready: OnReady,
    on_set_up: OnSetUp,
) -> None:
    """Run the service until the event is set. Signals are left to whoever sets it.

    `worker` says whether accounts are looked after here: on SQLite by the embedded runner, on PostgreSQL by a worker
    beside others. `on_ready` is given the URL of the service once it answers, and that of the metrics' own port where
    there is one; `on_set_up` the link by which to make the first administrator, where there are no users. ConfigError,
    Busy or StoreError where the service can't begin; Outdated where the database's schema goes on without it.
    """
    with ExitStack() as listeners:
        main = listeners.enter_context(listen(settings.host, settings.port))
        side = listeners.enter_context(_listen_for_metrics(settings)) if settings.metrics_port is not None else None
        async with _opened(settings) as store, _made(store, settings) as (service, background):
            faces = [Listening(create_app(service), main, tls=tls, trusted_proxies=settings.trusted_proxies)]
            if side is not None:
                faces.append(Listening(metrics_app(service), side))
            async with _running(background if worker else None, faces) as parts:
                url = url_of(settings, main)
                if secret := await make_link(store, now=store.now):
                    on_set_up(f"{url}/setup#{secret}")
                log.info("service started", extra={"url": url, "worker": worker})
                on_ready(url, None if side is None else url_of(None, side))
                await _until(stop, parts)
                log.info("service stopping")
    log.info("service stopped")


async def work(settings: Settings, *, on_ready: OnReady) -> None:
    """Run a worker until the process is told to stop. `on_ready` is given its name, and the URL of its metrics' port.

    ConfigError, Busy or StoreError where it can't begin; Outdated where the database's schema goes on without it.
    """
    if settings.database_file() is not None:
        raise ConfigError(
            "adept worker works on PostgreSQL; on SQLite the accounts are looked after by adept serve itself",
            way_out="run adept serve, or name a PostgreSQL database in ADEPT_DATABASE_URL",
        )
    with told_to_stop() as stop, ExitStack() as listeners:
        side = listeners.enter_context(_listen_for_metrics(settings)) if settings.metrics_port is not None else None
        async with _opened(settings) as store, _made(store, settings) as (service, background):
            faces = [] if side is None else [Listening(metrics_app(service), side)]
            async with _running(background, faces) as parts:
                log.info("worker started", extra={"holder": service.holder})
                on_ready(service.holder, None if side is None else url_of(None, side))
                await _until(stop, parts)
                log.info("worker stopping")
    log.info("worker stopped")


@asynccontextmanager
async def _made(store: Store, settings: Settings) -> AsyncIterator[tuple[Service, Runner | Worker]]:
    """The service, and who looks after accounts, whom it wakes."""
    metrics = Metrics()
    holder = f"{socket.gethostname()}:{os.getpid()}:{secrets.token_hex(4)}"
    async with ApplePace(store, settings.apple_limits(), holder, store.now, metrics.request_waited) as pace:

        def connect(token: ServerToken, base_url: str) -> AsyncClient:
            return AsyncClient(
                token,
                base_url=base_url,
                http=way_to(base_url, settings),
                observe=metrics.request_ended,
                pace=pace.of(token, base_url),
                now=store.now,
            )

        visitor = Visitor(store, connect, store.now, holder, random.random)
        kinds = job_kinds(visitor, keep=Keep.days(**settings.kept_days()), observe=metrics.pass_ended)
        background: Runner | Worker
        if store.dialect_name == "sqlite":
            background = Runner(store, kinds, now=store.now, width=settings.concurrency)
        else:
            from adept.jobs.worker import Worker  # with the job engine, which is an extra

            background = Worker(store, kinds, now=store.now, width=settings.concurrency)
        yield Service(store, settings, store.now, connect, background.wake, metrics, holder=holder), background


def _opened(settings: Settings) -> AbstractAsyncContextManager[Store]:
    """The store. A SQLite database that is not there yet is made; an existing one is upgraded by `adept db upgrade`."""
    file = settings.database_file()
    return open_store(
        settings.where_to_store(),
        secret_keys=settings.sealing_keys,
        data_dir=settings.data_dir,
        migrate=file is not None and (not file.exists() or file.stat().st_size == 0),
    )


def _listen_for_metrics(settings: Settings) -> socket.socket:
    assert settings.metrics_port is not None
    return listen("127.0.0.1", settings.metrics_port)


def _renewing(tls: ssl.SSLContext | None, settings: Settings) -> AbstractContextManager[None]:
    """While the block runs, SIGHUP has the certificate read again; one that won't do leaves the old one in use."""

    def renew() -> None:
        if tls is None:
            return
        try:
            load_certificate(tls, settings)
        except ConfigError as error:
            log.error("certificate not renewed", extra={"error": str(error)})
        else:
            log.info("certificate renewed")

    return told_to_reload(renew)


@asynccontextmanager
async def _running(
    background: Runner | Worker | None, faces: Sequence[Listening]
) -> AsyncIterator[list[asyncio.Task[None]]]:
    """Run the parts while the block runs, then end them all at the same time; yields the tasks that they are."""
    parts = [] if background is None else [asyncio.create_task(background.run(), name="background")]
    try:
        parts += [await face.start() for face in faces]
        yield parts
    finally:
        async with asyncio.TaskGroup() as ending:
            for face in faces:
                ending.create_task(face.stop())
            if background is not None:
                ending.create_task(background.stop(within_s=STOP_WITHIN_S))
        await asyncio.gather(*parts, return_exceptions=True)


async def _until(stop: asyncio.Event, parts: Sequence[asyncio.Task[None]]) -> None:
    """Wait for the event. Where a part ends before that, raise what it ended with: whoever keeps us starts us anew."""
    stopped = asyncio.create_task(stop.wait())
    await asyncio.wait([stopped, *parts], return_when=asyncio.FIRST_COMPLETED)
    stopped.cancel()
    for part in parts:
        if part.done():
            part.result()
            raise RuntimeError(f"{part.get_name()} ended by itself")
