"""The simulator on real sockets, and trouble on the line."""

from __future__ import annotations

import json
import socket
import threading
import time
from collections.abc import Iterator
from urllib.parse import urlsplit

import httpx2
import pytest

from adept import Client, Profile
from adept.errors import Busy, ConfigError, Unreachable
from adept.simulator import Simulator, serve
from adept.simulator.requests import ServiceRequest
from adept.simulator.running import Running
from adept.simulator.service_app import ServiceApp
from tests.simulator.caller import JSON_TYPE, signed

HEADERS = {"user-agent": "tests/1", "content-type": JSON_TYPE}


@pytest.fixture
def running() -> Iterator[Running]:
    """Ten devices on free ports."""
    with serve(Simulator(10)) as started:
        yield started


@pytest.fixture
def session(running: Running) -> str:
    """A session token."""
    authorization = signed(json.loads(running.token.to_json()), f"{running.url}/session")
    answer = httpx2.get(f"{running.url}/session", headers=HEADERS | {"authorization": authorization})
    token: str = answer.json()["auth_session_token"]
    return token


def ask(running: Running, session: str) -> httpx2.Response:
    """One GET /account with a connection of its own."""
    return httpx2.get(f"{running.url}/account", headers=HEADERS | {"x-adm-auth-session": session}, timeout=10)


def test_our_client_walks_it(running: Running):
    with Client(running.token, base_url=running.url) as client:
        assert len(list(client.all_devices())) == 10


def test_the_ready_line_names_both_ports(running: Running):
    assert running.ready_line == f"ready service={running.url} control={running.control_url}"
    assert running.url != running.control_url


def test_both_ports_answer_as_soon_as_it_runs(running: Running):
    assert httpx2.get(f"{running.url}/token").json()["consumer_key"] == running.token.consumer_key
    assert httpx2.get(f"{running.control_url}/state").json()["servers"][0]["devices"] == 10


def test_answers_say_that_they_are_no_production(running: Running, session: str):
    answer = ask(running, session)
    assert answer.headers["server"] == "adept-simulator"
    assert answer.headers["content-type"] == JSON_TYPE


def test_chosen_ports_are_used_and_free_again_afterwards():
    with serve(Simulator()) as first:
        port, control_port = (urlsplit(url).port or 0 for url in (first.url, first.control_url))
    with serve(Simulator(), port=port, control_port=control_port) as second:
        assert (second.url, second.control_url) == (first.url, first.control_url)
        assert httpx2.get(f"{second.url}/token").status_code == 200


@pytest.mark.parametrize("which", ["port", "control_port"])
def test_a_port_in_use_is_named(which: str):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        number = taken.getsockname()[1]
        with pytest.raises(Busy, match=str(number)), serve(Simulator(), **{which: number}):
            pass


@pytest.mark.parametrize(("host", "port"), [("127.0.0.1", 70000), ("127.0.0.1", -1), ("192.0.2.1", 0), ("a" * 300, 0)])
def test_where_nobody_can_listen_is_a_setting_to_correct(host: str, port: int):
    with pytest.raises(ConfigError, match=str(port)), serve(Simulator(), host=host, port=port):
        pass


def test_it_listens_on_ipv6_too():
    with serve(Simulator(), host="::1") as running:
        assert running.url.startswith("http://[::1]:")
        assert httpx2.get(f"{running.url}/token").status_code == 200


def test_stopping_closes_open_connections_and_may_be_done_twice():
    with serve(Simulator()) as running:
        with httpx2.Client() as http:
            assert http.get(f"{running.url}/token").status_code == 200
            running.stop()
            running.stop()
        with pytest.raises(httpx2.ConnectError):
            httpx2.get(f"{running.url}/token")


def test_stopping_does_not_wait_for_slow_answers(running: Running, session: str):
    running.simulator.fault("get_account", "slow", seconds=60)
    failed: list[BaseException] = []

    def asking() -> None:
        try:
            ask(running, session)
        except httpx2.TransportError as error:
            failed.append(error)

    thread = threading.Thread(target=asking)
    thread.start()
    deadline = time.monotonic() + 5
    while len(running.simulator.requests()) < 2 and time.monotonic() < deadline:
        pass
    running.stop()
    thread.join(5)
    assert failed


@pytest.mark.parametrize("word", ["drop_before", "drop_after", "drop_during"])
def test_a_connection_can_be_dropped(running: Running, session: str, word: str):
    running.simulator.fault("get_account", word)
    with pytest.raises(httpx2.RemoteProtocolError):
        ask(running, session)
    assert ask(running, session).status_code == 200


def test_half_a_body_arrives_as_a_whole_answer(running: Running, session: str):
    running.simulator.fault("get_account", "half_body")
    answer = ask(running, session)
    assert int(answer.headers["content-length"]) == len(answer.content)
    with pytest.raises(json.JSONDecodeError):
        answer.json()


@pytest.mark.parametrize("word", ["slow", "slow_body"])
def test_an_answer_can_take_its_time(running: Running, session: str, word: str):
    running.simulator.fault("get_account", word, seconds=0.3)
    started = time.monotonic()
    assert ask(running, session).json()["server_name"] == "Example MDM"
    assert time.monotonic() - started >= 0.3


def test_our_client_calls_a_dropped_connection_unreachable(running: Running):
    with Client(running.token, base_url=running.url) as client:
        running.simulator.fault("post_profile", "drop_after")
        with pytest.raises(Unreachable):
            client.define_profile(Profile(profile_name="one", url="https://mdm.example.org/"))
    assert len(running.simulator.profiles()) == 1


def test_a_body_larger_than_anybody_means_is_refused(running: Running, session: str):
    headers = HEADERS | {"x-adm-auth-session": session}
    answer = httpx2.post(f"{running.url}/devices", content=b" " * (9 * 1024 * 1024), headers=headers)
    assert answer.status_code == 413


def test_a_large_body_in_pieces_is_read_whole(running: Running, session: str):
    headers = HEADERS | {"x-adm-auth-session": session}
    body = json.dumps({"devices": [f"S{number:09d}" for number in range(100_000)]}).encode()
    answer = httpx2.post(f"{running.url}/devices", content=body, headers=headers, timeout=30)
    assert len(answer.json()["devices"]) == 100_000


async def test_the_service_is_an_asgi_application_too():
    simulator = Simulator(3)
    transport = httpx2.ASGITransport(app=ServiceApp(simulator.answer))
    async with httpx2.AsyncClient(transport=transport, base_url="http://localhost") as http:
        assert (await http.get("/token")).status_code == 200
        simulator.fault("get_account", "drop_before")
        with pytest.raises(ConnectionResetError, match="before"):
            await http.get("/account", headers=HEADERS)


async def test_other_kinds_of_connections_are_ignored():
    def answer(_request: ServiceRequest) -> None:
        raise AssertionError("not an HTTP request")

    async def nothing(*_message: object) -> None:
        raise AssertionError("nothing is said")

    await ServiceApp(answer)({"type": "websocket"}, nothing, nothing)  # type: ignore[arg-type]


def test_the_fixture_gives_other_projects_a_simulated_apple(dep_simulator: Running):
    dep_simulator.simulator.buy(2)
    with Client(dep_simulator.token, base_url=dep_simulator.url) as client:
        assert len(list(client.all_devices())) == 2
    assert httpx2.get(f"{dep_simulator.control_url}/state").status_code == 200


def test_acts_from_many_threads_and_requests_do_not_disturb_one_another(running: Running):
    def trade() -> None:
        for _ in range(20):
            running.simulator.release(running.simulator.buy(2))

    threads = [threading.Thread(target=trade) for _ in range(4)]
    for thread in threads:
        thread.start()
    with Client(running.token, base_url=running.url) as client:
        for _ in range(5):
            assert len(list(client.all_devices())) >= 10
    for thread in threads:
        thread.join()
    assert len(running.simulator.devices()) == 10
