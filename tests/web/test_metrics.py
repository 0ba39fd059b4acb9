"""/metrics on a running service, and what its numbers mean."""

from __future__ import annotations

import asyncio
import shutil
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx2
import pytest
import uvicorn
from prometheus_client.parser import text_string_to_metric_families

from adept.accounts.registry import add
from adept.client.async_client import AsyncClient
from adept.client.observation import Observation
from adept.errors import Unreachable
from adept.jobs.account_pass import run_pass
from adept.protocol.server_token import ServerToken
from adept.store.accounts import account_named, add_account, all_accounts, update_account
from adept.store.audit import ADEPT
from adept.store.database import Store, Transaction, open_store
from adept.store.gauges import AccountGauge, QueueLengths, account_gauges, queue_lengths
from adept.store.holds import add_hold
from adept.store.passes import queue_pass, start_pass
from adept.store.tokens import add_token
from adept.sync.outcome import PassKind, PassOutcome, PassState, Totals
from adept.web.counts import Metrics
from adept.web.gauges import gauges
from adept.web.metrics import CONTENT_TYPE, metrics_app
from adept.web.service import Service
from tests.tokens import TOKEN
from tests.web.conftest import RunningService

NOW = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)

Samples = dict[tuple[str, frozenset[tuple[str, str]]], float]


def samples(exposed: str) -> Samples:
    """Every series with its value, as Prometheus' own parser reads them."""
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(exposed)
        for sample in family.samples
    }


def one(found: Samples, name: str, **labels: str) -> float | None:
    return found.get((name, frozenset(labels.items())))


async def scraped(service: RunningService) -> Samples:
    answer = await service.get("/metrics", role="viewer")
    assert answer.status_code == 200
    return samples(answer.text)


async def add_hq(service: RunningService) -> None:
    """An account with the simulator's token."""

    def connect(token: Any, base_url: str) -> AsyncClient:
        return AsyncClient(token, base_url=base_url, observe=service.metrics.request_ended)

    url, token = service.simulator.url, service.simulator.token
    await add(service.store, "hq", base_url=url, now=service.clock, connect=connect, token=token, by=ADEPT)
    outcome = await run_pass(service.store, "hq", connect=connect, now=service.clock, holder="test")
    assert outcome.state is PassState.DONE
    service.metrics.pass_ended(outcome)


async def test_metrics_tell_what_a_pass_did_and_how_the_account_is(service: RunningService) -> None:
    await add_hq(service)
    service.clock.advance(seconds=90)
    found = await scraped(service)
    assert one(found, "adept_account_health", account="hq", health="ok") == 1
    assert one(found, "adept_account_last_good_pass_age_seconds", account="hq") == 90
    days = one(found, "adept_account_token_days_left", account="hq")
    assert days is not None
    assert 300 < days < 366
    assert one(found, "adept_passes_total", kind="full", state="done") == 1
    assert one(found, "adept_pages_total", kind="full") == 2
    assert one(found, "adept_changes_total", kind="added") == 10
    assert one(found, "adept_devices", account="hq") == 10
    asked = {"endpoint": "POST /server/devices", "outcome": "ok"}
    assert one(found, "adept_apple_request_duration_seconds_count", **asked) == 1
    assert one(found, "adept_apple_request_duration_seconds_bucket", **asked, le="+Inf") == 1


async def test_metrics_need_a_key(service: RunningService) -> None:
    assert (await service.get("/metrics")).status_code == 401
    for role in ("viewer", "operator", "admin"):
        answer = await service.get("/metrics", role=role)
        assert answer.status_code == 200
        assert answer.headers["Content-Type"] == CONTENT_TYPE


async def test_what_has_not_happened_yet_is_told_as_zero(service: RunningService) -> None:
    found = await scraped(service)
    assert one(found, "adept_passes_total", kind="full", state="lost") == 0
    assert one(found, "adept_changes_total", kind="deleted") == 0
    assert one(found, "adept_holds") == 0
    assert one(found, "adept_queue_length", queue="due_accounts") == 0
    assert not [name for name, _ in found if name.endswith("_created")]


async def test_a_refused_request_is_counted_under_apples_word() -> None:
    metrics = Metrics()
    metrics.request_ended(Observation("POST /devices/sync", "T_C_NOT_SIGNED", 0.3))
    labels = {"endpoint": "POST /devices/sync", "outcome": "T_C_NOT_SIGNED"}
    value = metrics.registry.get_sample_value("adept_apple_request_duration_seconds_sum", labels)
    assert value == 0.3


def test_a_pass_is_counted_by_what_was_walked_and_how_it_ended() -> None:
    metrics = Metrics()
    totals = Totals(pages=3, devices=2100, added=5, modified=4, deleted=2, malformed=1)
    error = Unreachable("no answer", endpoint="POST /devices/sync")
    metrics.pass_ended(PassOutcome(7, PassKind.FULL, PassState.FAILED, totals, (), error))
    value = metrics.registry.get_sample_value
    assert value("adept_passes_total", {"kind": "full", "state": "failed"}) == 1
    assert value("adept_pages_total", {"kind": "full"}) == 3
    assert [value("adept_changes_total", {"kind": kind}) for kind in ("added", "modified", "deleted")] == [5, 4, 2]
    assert value("adept_malformed_devices_total") == 1


async def add_bare(store: Store, name: str, now: datetime) -> None:
    async with store.writing() as tx:
        await add_account(tx, name, "https://apple.example", now)


async def give_token(tx: Transaction, store: Store, account_id: int, now: datetime) -> None:
    await add_token(
        tx,
        account_id,
        TOKEN.to_json(),
        state="active",
        keypair_id=None,
        expires_at=TOKEN.access_token_expiry,
        consumer_key_hash="0" * 64,
        sealer=store.sealer,
        now=now,
    )


def gauge(**values: Any) -> AccountGauge:
    plain: dict[str, Any] = {
        "name": "hq",
        "health": "ok",
        "paused": False,
        "failures": 0,
        "last_pass_at": None,
        "token_expires_at": None,
        "live_devices": 0,
        "devices_held": 0,
    }
    return AccountGauge(**(plain | values))


def read(*accounts: AccountGauge) -> Samples:
    families = gauges(accounts, QueueLengths(due=1, queued=2, running=3), None, now=NOW)
    return {(s.name, frozenset(s.labels.items())): s.value for family in families for s in family.samples}


def test_a_token_that_has_ended_has_less_than_no_days_left() -> None:
    found = read(gauge(token_expires_at=NOW - timedelta(hours=36)))
    assert one(found, "adept_account_token_days_left", account="hq") == -1.5


def test_what_is_not_known_of_an_account_has_no_series() -> None:
    found = read(gauge(health="no_token"))
    assert one(found, "adept_account_health", account="hq", health="no_token") == 1
    assert one(found, "adept_account_token_days_left", account="hq") is None
    assert one(found, "adept_account_last_good_pass_age_seconds", account="hq") is None


def test_queues_are_told_by_name() -> None:
    found = read()
    lengths = [one(found, "adept_queue_length", queue=q) for q in ("due_accounts", "queued_passes", "running_passes")]
    assert lengths == [1, 2, 3]


async def test_a_hold_is_told_with_the_number_of_devices_that_wait(store: Store) -> None:
    for name in ("hq", "lab"):
        await add_bare(store, name, NOW)
    async with store.writing() as tx:
        hq = await account_named(tx, "hq")
        await add_hold(tx, hq.id, pass_id=1, serials=["C1", "C2", "C3"], live_devices=5, now=NOW)
    async with store.reading() as tx:
        found = await account_gauges(tx)
    assert [(account.name, account.devices_held) for account in found] == [("hq", 3), ("lab", 0)]
    told = read(*found)
    assert one(told, "adept_holds") == 1
    assert one(told, "adept_account_held_devices", account="hq") == 3


async def test_queue_lengths_count_what_waits_and_what_runs(store: Store) -> None:
    now = datetime.now(UTC)  # PostgreSQL judges leases by its own clock
    names = ("due", "later", "paused", "walked", "dead", "bare")
    for name in names:
        await add_bare(store, name, now)
    async with store.writing() as tx:
        ids = {account.name: account.id for account in await all_accounts(tx)}
        for name in names[:-1]:
            await give_token(tx, store, ids[name], now)
        await update_account(tx, ids["later"], next_sync_at=now + timedelta(minutes=1))
        await update_account(tx, ids["paused"], paused=True)
        await update_account(tx, ids["walked"], lease_epoch=1, lease_until=now + timedelta(minutes=1))
        await update_account(tx, ids["dead"], lease_epoch=1, lease_until=now - timedelta(minutes=1))
        await start_pass(tx, ids["walked"], kind="sync", lease_epoch=1, now=now)
        await start_pass(tx, ids["dead"], kind="sync", lease_epoch=1, now=now)
        await queue_pass(tx, ids["due"], kind="sync", requested_by="ada", now=now)
    async with store.reading() as tx:
        assert await queue_lengths(tx, now) == QueueLengths(due=2, queued=1, running=1)


@pytest.fixture
def sqlite_file(sqlite_template: Path, tmp_path: Path) -> Path:
    """A database of its own beside the service's."""
    return Path(shutil.copy(sqlite_template, tmp_path / "other.sqlite3"))


def damage(database: Path) -> None:
    database.write_bytes(b"no database any more " * 1000)


def connect_to_nobody(token: ServerToken, base_url: str) -> AsyncClient:
    raise AssertionError(f"nobody is asked: {base_url}")


@asynccontextmanager
async def metrics_port(service: RunningService) -> AsyncIterator[httpx2.AsyncClient]:
    """The separate port, on a socket of its own."""
    made = Service(service.store, service.settings, service.clock, connect_to_nobody, lambda: None, service.metrics)
    listener = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(metrics_app(made), lifespan="off", log_config=None, ws="none"))
    serving = asyncio.create_task(server._serve([listener]))
    async with httpx2.AsyncClient(base_url=f"http://127.0.0.1:{listener.getsockname()[1]}") as client:
        yield client
    server.should_exit = True
    await serving


async def test_the_separate_port_tells_the_same_without_a_key_and_nothing_else(service: RunningService) -> None:
    await add_hq(service)
    async with metrics_port(service) as client:
        answer = await client.get("/metrics")
        assert one(samples(answer.text), "adept_passes_total", kind="full", state="done") == 1
        assert (await client.get("/api/v1/accounts")).status_code == 404


async def test_the_separate_port_answers_no_page_that_a_foreign_name_led_here(service: RunningService) -> None:
    async with metrics_port(service) as client:
        assert (await client.get("/metrics", headers={"Host": "evil.example"})).status_code == 400


async def test_a_database_that_is_gone_is_a_problem(
    service: RunningService, sqlite_file: Path, secret_key: str
) -> None:
    url = f"sqlite:///{sqlite_file}"
    async with open_store(url, secret_keys=[secret_key], data_dir=None, migrate=False) as store:
        await store.engine.dispose()
        damage(sqlite_file)
        async with metrics_port(replace(service, store=store)) as client:
            answer = await client.get("/metrics")
    assert answer.status_code == 503
    assert answer.json()["code"] == "store"
