"""What the doctor sees of real things: the simulator, a TLS server of somebody else, databases in every state."""

from __future__ import annotations

import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import psycopg
import pytest
import trustme
from sqlalchemy import text, update

from adept.doctor.examination import Patient, examine
from adept.doctor.findings import State
from adept.doctor.judging_network import judge_network
from adept.doctor.network import look_at_network
from adept.doctor.stored import look_at_store
from adept.simulator.running import Running
from adept.store import tables, tokens
from adept.store.database import Store
from adept.store.places import read_place
from adept.store.sealing import new_key
from tests.store.examples import an_account


def now() -> datetime:
    return datetime.now(UTC)


def test_the_simulator_is_seen_as_it_is(dep_simulator: Running):
    seen = look_at_network(dep_simulator.url, now=now)
    assert (seen.host, seen.addresses, seen.is_tls, seen.proxy) == ("127.0.0.1", ("127.0.0.1",), False, None)
    assert seen.answer_error is None
    assert all(finding.state in (State.OK, State.SKIPPED) for finding in judge_network(seen))


def test_a_clock_that_is_wrong_is_seen_against_the_services_date(dep_simulator: Running):
    seen = look_at_network(dep_simulator.url, now=lambda: now() + timedelta(minutes=10))
    (clock,) = [finding for finding in judge_network(seen) if finding.check == "clock"]
    assert clock.code == "clock_off"
    assert "ahead" in clock.told


def test_nobody_there_is_a_finding_and_no_error():
    seen = look_at_network("http://127.0.0.1:1", now=now)
    assert seen.answer_error
    assert look_at_network("https://127.0.0.1:1", now=now).tls_error


@contextmanager
def tls_server(authority: trustme.CA) -> Iterator[str]:
    """A service at https://localhost with that authority's certificate, which this machine does not trust."""

    class Answers(BaseHTTPRequestHandler):
        def log_message(self, *_: object) -> None:
            pass

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost").configure_cert(context)
    server = HTTPServer(("127.0.0.1", 0), Answers)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    server.handle_error = lambda *_: None  # type: ignore[method-assign]  # clients that go away are expected
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"https://localhost:{server.server_address[1]}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def test_whose_certificate_a_host_shows_is_seen_trusted_or_not():
    with tls_server(trustme.CA(organization_name="Acme Firewalls")) as url:
        seen = look_at_network(url, now=now)
    assert seen.issuer == "Acme Firewalls"
    assert seen.answer_error is not None
    (tls,) = [one for one in judge_network(seen, expected={"localhost": "Apple Inc."}) if one.check == "tls"]
    assert tls.code == "tls_intercepted"
    assert "by Acme Firewalls, not by Apple Inc." in tls.told
    (tls,) = [one for one in judge_network(seen, expected={"localhost": "Acme Firewalls"}) if one.check == "tls"]
    assert tls.state is State.OK


async def test_accounts_are_seen_with_lease_token_and_cursor(store: Store, database_url: str, secret_key: str):
    async with store.writing() as tx:
        hq = await an_account(tx)
        await an_account(tx, "lab")
        given: dict[str, Any] = {
            "keypair_id": None,
            "consumer_key_hash": "a" * 64,
            "sealer": store.sealer,
            "now": now(),
        }
        ends = now().replace(microsecond=0) + timedelta(days=5)
        await tokens.add_token(tx, hq.id, b"{}", state="active", expires_at=ends, **given)
        dead = {"lease_until": now() - timedelta(minutes=5), "lease_holder": "gone:1"}
        await tx.execute(update(tables.accounts).where(tables.accounts.c.id == hq.id).values(**dead))
    seen = await look_at_store(database_url, keys=[secret_key], data_dir=Path("/nowhere"), now=now)
    first, second = seen.accounts
    assert (first.name, first.is_lease_over, first.is_leased, first.has_token) == ("hq", True, False, True)
    assert first.token_expires_at == ends
    assert (second.name, second.is_lease_over, second.has_token, second.token_expires_at) == ("lab", False, False, None)
    assert seen.size_bytes
    assert seen.stalled_jobs == (None if store.dialect_name == "sqlite" else 0)


@pytest.mark.parametrize("engine_name", ["postgresql"], indirect=True)
async def test_jobs_whose_worker_is_silent_are_counted(store: Store, database_url: str, secret_key: str):
    url = read_place(database_url).url.set(drivername="postgresql").render_as_string(hide_password=False)
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(
            "INSERT INTO procrastinate_workers (last_heartbeat) VALUES (now()), (now() - interval '1 hour')"
        )
        connection.execute(
            "INSERT INTO procrastinate_jobs (queue_name, task_name, status, worker_id) VALUES"
            " ('q', 'a', 'doing', (SELECT min(id) FROM procrastinate_workers)),"
            " ('q', 'b', 'doing', (SELECT max(id) FROM procrastinate_workers)),"
            " ('q', 'c', 'doing', NULL), ('q', 'd', 'todo', NULL)"
        )
    seen = await look_at_store(database_url, keys=[secret_key], data_dir=Path("/nowhere"), now=now)
    assert seen.stalled_jobs == 2


async def test_whatever_state_a_database_is_in_the_rest_is_looked_at(
    store: Store, database_url: str, secret_key: str, dep_simulator: Running, tmp_path: Path
):
    patient = Patient(database_url, None, [secret_key], tmp_path, dep_simulator.url)

    async def codes(patient: Patient) -> set[str]:
        findings = await examine(patient, now=now)
        assert {"dns", "clock", "disk"} <= {finding.check for finding in findings}
        return {finding.code for finding in findings if finding.state is State.TO_DO}

    assert await codes(patient) == set()
    assert await codes(Patient(database_url, None, [new_key()], tmp_path, dep_simulator.url)) == {"key_unusable"}
    missing = f"sqlite:///{tmp_path / 'missing.sqlite3'}"
    assert await codes(Patient(missing, None, None, tmp_path, dep_simulator.url)) == {"database_unusable"}
    assert not (tmp_path / "missing.sqlite3").exists()
    away = "postgresql://adept@127.0.0.1:1/adept"
    assert await codes(Patient(away, None, [secret_key], tmp_path, dep_simulator.url)) == {"database_unusable"}
    async with store.writing() as tx:
        await tx.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    assert await codes(patient) == {"schema_differs"}
