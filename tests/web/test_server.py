"""`adept serve` as operators run it: where it listens, what it prints, whom it believes, how it ends."""

from __future__ import annotations

import json
import os
import signal
import socket
import ssl
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx2
import pytest
import trustme

from tests.acceptance.service import STOP_S, ServiceProcess, serving
from tests.cli.conftest import ADEPT, process_environment

CA = trustme.CA()


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    """The settings of a service on a database of its own."""
    return {"ADEPT_DATA_DIR": str(tmp_path / "data"), "ADEPT_LOG_LEVEL": "info"}


@pytest.fixture
def log_file(tmp_path: Path) -> Path:
    """Where the services of the test log."""
    return tmp_path / "log"


def lines(service: ServiceProcess, event: str) -> list[dict[str, Any]]:
    """What the service has logged about something."""
    said = [json.loads(line) for line in service.log.splitlines() if line.startswith("{")]
    return [line for line in said if line["event"] == event]


def awaited(service: ServiceProcess, event: str) -> list[dict[str, Any]]:
    """The same, once there is any; a line is written after what it tells of."""
    while not (found := lines(service, event)):
        assert service.process.poll() is None, service.log
    return found


def refused(environment: dict[str, str], *options: str) -> tuple[int, str]:
    """A start that must fail: its exit code, and what it said."""
    command = [str(ADEPT), "serve", *options]
    ran = subprocess.run(
        command, env=process_environment(environment), capture_output=True, text=True, check=False, timeout=60
    )
    assert ran.stdout == ""
    return ran.returncode, ran.stderr


@contextmanager
def connection(url: str, *sent: bytes) -> Iterator[socket.socket]:
    """A bare connection to a service, on which something was sent."""
    place = httpx2.URL(url)
    with socket.create_connection((place.host, place.port or 0), timeout=20) as line:
        line.sendall(b"".join(sent))
        yield line


def certificate(folder: Path, *names: str) -> dict[str, str]:
    """Write a certificate of our authority for these names; returns the settings that name it."""
    made = CA.issue_cert(*names)
    made.private_key_pem.write_to_path(folder / "tls.key")
    (folder / "tls.crt").write_bytes(b"".join(part.bytes() for part in made.cert_chain_pems))
    return {"ADEPT_TLS_CERTIFICATE": str(folder / "tls.crt"), "ADEPT_TLS_KEY": str(folder / "tls.key")}


def trusting() -> ssl.SSLContext:
    """A client's context that trusts our authority alone."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    CA.configure_trust(context)
    return context


def test_it_says_when_it_is_ready_and_prints_the_link_of_the_first_administrator(
    environment: dict[str, str], log_file: Path, tmp_path: Path
) -> None:
    with serving(environment, "--ready-file", str(tmp_path / "ready"), log_file=log_file) as service:
        assert (tmp_path / "ready").read_text() == f"ready url={service.url}\n"
        assert httpx2.get(f"{service.url}/readyz").json() == {"status": "ready"}
        assert len(service.set_up_secret) >= 40
        assert f"{service.url}/setup#" in service.log
        answer = httpx2.get(f"{service.url}/healthz")
        assert service.stop() == 0
    (line,) = [said for said in lines(service, "request answered") if said["path"] == "/healthz"]
    assert line["request_id"] == answer.headers["x-request-id"]
    assert lines(service, "service stopped")


def test_it_runs_on_either_engine(database_url: str, secret_key: str, tmp_path: Path, log_file: Path) -> None:
    (tmp_path / "url").write_text(database_url)
    (tmp_path / "keys").write_text(secret_key)
    environment = {"ADEPT_DATA_DIR": str(tmp_path)}
    files = ("--database-url-file", str(tmp_path / "url"), "--secret-keys-file", str(tmp_path / "keys"))
    with serving(environment, *files, log_file=log_file) as service:
        assert httpx2.get(f"{service.url}/readyz").status_code == 200
        assert service.stop() == 0


def test_it_makes_no_schema_in_a_database_that_others_may_be_at_work_in(
    empty_database_url: str, engine_name: str, secret_key: str, tmp_path: Path
) -> None:
    """A SQLite file that is not there yet is nobody's; an empty PostgreSQL database is prepared by whoever owns it."""
    environment = {"ADEPT_DATABASE_URL": empty_database_url, "ADEPT_SECRET_KEYS": secret_key}
    if engine_name == "sqlite":
        with serving(environment, log_file=tmp_path / "log") as service:
            assert service.stop() == 0
    else:
        code, said = refused(environment, "--port", "0")
        assert code == 6
        assert "run: adept db upgrade" in said


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_ends_in_time_although_clients_hold_on(
    environment: dict[str, str], log_file: Path, number: signal.Signals
) -> None:
    """An idle connection, half a head, half a body: none of them keeps the service from ending."""
    with serving(environment, log_file=log_file) as service:
        half_a_body = b"POST /api/v1/session HTTP/1.1\r\nHost: localhost\r\nContent-Length: 99\r\n"
        with (
            connection(service.url, b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n") as idle,
            connection(service.url, b"GET /heal"),
            connection(service.url, half_a_body, b"Content-Type: application/json\r\n\r\n{"),
        ):
            assert idle.recv(1000).startswith(b"HTTP/1.1 200")
            service.process.send_signal(number)
            assert service.process.wait(STOP_S) == 0


def test_the_second_signal_ends_it_at_once(environment: dict[str, str], log_file: Path) -> None:
    with serving(environment, log_file=log_file) as service:
        half_a_body = b"POST /api/v1/session HTTP/1.1\r\nHost: localhost\r\nContent-Length: 99\r\n"
        with connection(
            service.url, half_a_body, b"Content-Type: application/json\r\nExpect: 100-continue\r\n\r\n"
        ) as line:
            assert line.recv(100).startswith(b"HTTP/1.1 100")  # it waits for the body
            service.process.send_signal(signal.SIGTERM)
            awaited(service, "service stopping")
            service.process.send_signal(signal.SIGTERM)
            assert service.process.wait(20) == -signal.SIGTERM


def test_a_port_that_is_taken_is_told(environment: dict[str, str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        code, said = refused(environment, "--port", str(taken.getsockname()[1]))
    assert code == 9
    assert "is in use; choose another one with --port" in said


def test_it_refuses_to_be_reachable_from_elsewhere_without_tls(environment: dict[str, str]) -> None:
    code, said = refused(environment, "--host", "0.0.0.0", "--port", "0", "--json")
    told = json.loads(said)
    assert (code, told["code"]) == (6, "config")
    assert "would listen on 0.0.0.0 without TLS" in told["message"]
    assert "ADEPT_TLS_CERTIFICATE" in told["way_out"]


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--port", "http"], "--port must be a whole number from 0 to 65535"),
        (["--log-level", "loud"], "--log-level must be 'debug', 'info', 'warning' or 'error'"),
        (["--config", "/nowhere.toml"], "can't read the settings file /nowhere.toml"),
        (["--tls-key", "/nowhere.key"], "ADEPT_TLS_KEY is set and ADEPT_TLS_CERTIFICATE is not"),
    ],
)
def test_a_bad_setting_stops_the_start_with_its_name(
    environment: dict[str, str], options: list[str], said: str
) -> None:
    code, told = refused(environment, *options)
    assert code == 6
    assert said in told


def test_settings_come_from_a_file_too(environment: dict[str, str], log_file: Path, tmp_path: Path) -> None:
    file = tmp_path / "adept.toml"
    file.write_text('log_format = "text"\nallowed_hosts = ["adept.example.org"]\n')
    with serving(environment, "--config", str(file), log_file=log_file) as service:
        named = httpx2.get(f"{service.url}/api/v1/openapi.json", headers={"host": "adept.example.org"})
        assert named.status_code == 200
        assert "service started" in service.log
        assert '{"event"' not in service.log


def test_behind_a_declared_proxy_it_believes_what_that_says_of_clients(
    environment: dict[str, str], log_file: Path
) -> None:
    forwarded = {"x-forwarded-for": "203.0.113.9", "x-forwarded-proto": "https"}
    options = ("--host", "0.0.0.0", "--trusted-proxies", "127.0.0.1")
    with serving(environment, *options, log_file=log_file) as service:
        answer = httpx2.get(f"{service.url}/healthz", headers=forwarded)
        assert answer.headers["strict-transport-security"].startswith("max-age=")
        assert [line["address"] for line in awaited(service, "request answered")] == ["203.0.113.9"]


def test_without_a_declared_proxy_it_believes_nobody(environment: dict[str, str], log_file: Path) -> None:
    """Also not who connects from this machine: what it says would decide whose log-ins are throttled."""
    forwarded = {"x-forwarded-for": "203.0.113.9", "x-forwarded-proto": "https"}
    with serving(environment, log_file=log_file) as service:
        answer = httpx2.get(f"{service.url}/healthz", headers=forwarded)
        assert "strict-transport-security" not in answer.headers
        assert [line["address"] for line in awaited(service, "request answered")] == ["127.0.0.1"]


def serial_number(url: str) -> str:
    """The serial number of the certificate that the service shows."""
    place = httpx2.URL(url)
    with (
        socket.create_connection((place.host, place.port or 0), timeout=20) as line,
        trusting().wrap_socket(line, server_hostname="localhost") as wrapped,
    ):
        shown = wrapped.getpeercert()
    assert shown is not None
    return str(shown["serialNumber"])


def test_with_tls_it_serves_https_alone_and_takes_a_new_certificate_in_mid_run(
    environment: dict[str, str], log_file: Path, tmp_path: Path
) -> None:
    files = certificate(tmp_path, "localhost", "adept.example.org")
    with serving(environment | files, log_file=log_file) as service:
        url = service.url.replace("127.0.0.1", "localhost")
        assert url.startswith("https://")
        answer = httpx2.get(f"{url}/healthz", verify=trusting(), headers={"host": "adept.example.org"})
        assert answer.headers["strict-transport-security"] == "max-age=31536000"
        with pytest.raises(httpx2.TransportError):
            httpx2.get(f"{url}/healthz".replace("https", "http"))
        first = serial_number(url)
        certificate(tmp_path, "localhost")
        renew(service, "certificate renewed")
        assert serial_number(url) != first
        (tmp_path / "tls.crt").write_text("no certificate")
        renew(service, "certificate not renewed")
        assert serial_number(url) != first


def renew(service: ServiceProcess, told: str) -> None:
    """Have the certificate read again, and wait until the service says what came of it."""
    os.kill(service.process.pid, signal.SIGHUP)
    awaited(service, told)


def test_metrics_have_a_port_of_their_own_without_a_key(environment: dict[str, str], log_file: Path) -> None:
    with serving(environment, "--metrics-port", "0", log_file=log_file) as service:
        assert service.metrics_url is not None
        assert service.metrics_url.startswith("http://127.0.0.1:")
        assert "adept_build_info" in httpx2.get(f"{service.metrics_url}/metrics").text
        assert httpx2.get(f"{service.metrics_url}/api/v1/openapi.json").status_code == 404
        assert httpx2.get(f"{service.url}/metrics").status_code == 401
        assert service.stop() == 0


def test_accounts_are_left_to_others_where_no_worker_is_wanted(environment: dict[str, str], log_file: Path) -> None:
    with serving(environment, "--no-worker", log_file=log_file) as service:
        (started,) = lines(service, "service started")
        assert started["worker"] is False
        assert httpx2.get(f"{service.url}/readyz").status_code == 200
        assert service.stop() == 0
