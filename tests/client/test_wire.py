"""The straight way over the standard library: which connections it keeps, and which it takes for dead."""

from __future__ import annotations

import gzip
import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import suppress

import pytest

from adept.client.exchange import HttpRequest
from adept.client.wire import NotCompressed, Wire, WireFailure, WireTimeout
from tests.client.test_transport import Server, answer, private_ca, serving

TRUST_NOBODY = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)


def request(path: str = "/account") -> HttpRequest:
    return HttpRequest("GET", "", path, {"User-Agent": "test/1"})


def hello(connection: socket.socket) -> None:
    connection.sendall(answer(b"hello"))


def ask(wire: Wire, path: str = "/account") -> bytes:
    found = wire.ask(request(path))
    try:
        return b"".join(found.chunks())
    finally:
        found.close()


@pytest.fixture
def server() -> Iterator[Server]:
    """Answers hello and keeps the connection."""
    with serving(hello) as server:
        server.keeps_open = True
        yield server


@pytest.fixture
def wire(server: Server) -> Iterator[Wire]:
    """A wire to that server."""
    wire = Wire(server.url, timeout_s=5, trust=TRUST_NOBODY)
    yield wire
    wire.close()


def test_a_connection_is_kept_and_used_again(server: Server, wire: Wire) -> None:
    assert [ask(wire), ask(wire), ask(wire)] == [b"hello"] * 3
    assert server.connections == 1


def test_a_prefix_in_the_base_url_leads_every_path(server: Server) -> None:
    wire = Wire(f"{server.url}/proxy/hq", timeout_s=5, trust=TRUST_NOBODY)
    ask(wire, "/profile?profile_uuid=1")
    wire.close()
    assert server.asked[0].startswith(b"GET /proxy/hq/profile?profile_uuid=1 HTTP/1.1\r\n")


def test_a_connection_that_the_other_side_closed_is_dropped_unseen() -> None:
    closed = threading.Event()

    def talk(connection: socket.socket) -> None:
        hello(connection)
        connection.shutdown(socket.SHUT_RDWR)
        closed.set()

    with serving(talk) as server:
        wire = Wire(server.url, timeout_s=5, trust=TRUST_NOBODY)
        for _ in range(3):
            assert ask(wire) == b"hello"
            assert closed.wait(5)
            closed.clear()
        wire.close()
        assert server.connections == 3


def test_a_connection_that_was_idle_too_long_is_not_used_again(server: Server) -> None:
    wire = Wire(server.url, timeout_s=5, trust=TRUST_NOBODY, kept_s=0)
    ask(wire)
    threading.Thread(target=server.close).start()
    with suppress(WireFailure):
        ask(wire)
    wire.close()
    assert len(server.asked) == 1


def test_a_connection_whose_answer_was_not_read_to_its_end_is_not_used_again(server: Server, wire: Wire) -> None:
    wire.ask(request()).close()
    assert not wire._idle
    threading.Thread(target=server.close).start()


def test_a_connection_that_comes_back_after_closing_is_closed(server: Server, wire: Wire) -> None:
    found = wire.ask(request())
    assert b"".join(found.chunks()) == b"hello"
    wire.close()
    found.close()
    assert not wire._idle


def test_headers_that_come_twice_are_joined() -> None:
    twice = answer(b"", b"X-One: a", b"x-one: b", b"Connection: close")
    with serving(lambda connection: connection.sendall(twice)) as server:
        wire = Wire(server.url, timeout_s=5, trust=TRUST_NOBODY)
        assert wire.ask(request()).headers["x-one"] == "a, b"
        wire.close()


def test_many_threads_share_a_wire() -> None:
    server = Server(lambda connection: connection.sendall(answer(b"hello", b"Connection: close")))
    wire = Wire(server.url, timeout_s=60, trust=TRUST_NOBODY)
    found: list[bytes] = []
    threads = [threading.Thread(target=lambda: found.append(ask(wire))) for _ in range(10)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    wire.close()
    server.close()
    assert found == [b"hello"] * 10


def test_a_connection_that_nobody_accepts_times_out_and_nothing_was_sent() -> None:
    with socket.create_server(("127.0.0.1", 0), backlog=0) as full:
        address = full.getsockname()[:2]
        waiting = [socket.socket() for _ in range(4)]
        for one in waiting:
            one.setblocking(False)
            with suppress(BlockingIOError):
                one.connect(address)
        wire = Wire(f"http://127.0.0.1:{address[1]}", timeout_s=0.2, trust=TRUST_NOBODY)
        with pytest.raises(WireTimeout) as caught:
            wire.ask(request())
        for one in waiting:
            one.close()
    assert not caught.value.sent


def test_who_is_not_trusted_gets_no_request() -> None:
    _, context = private_ca()
    with serving(hello, context=context) as server:
        wire = Wire(server.url, timeout_s=5, trust=ssl.create_default_context())
        with pytest.raises(WireFailure, match="CERTIFICATE_VERIFY_FAILED") as caught:
            wire.ask(request())
    assert not caught.value.sent
    assert server.asked == []


def test_tls_to_a_trusted_host_is_kept_too() -> None:
    ca, context = private_ca()
    trusting = ssl.create_default_context()
    ca.configure_trust(trusting)
    with serving(hello, context=context) as server:
        server.keeps_open = True
        wire = Wire(server.url, timeout_s=5, trust=trusting)
        assert [ask(wire), ask(wire)] == [b"hello", b"hello"]
        assert server.connections == 1
        wire.close()


@pytest.mark.parametrize("length", [b"abc", b"-5"])
def test_a_length_that_is_no_number_is_a_lost_answer(length: bytes) -> None:
    with serving(
        lambda connection: connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: " + length + b"\r\n\r\nhi")
    ) as server:
        wire = Wire(server.url, timeout_s=5, trust=TRUST_NOBODY)
        with pytest.raises(WireFailure, match="doesn't say where it ends"):
            ask(wire)
        wire.close()


@pytest.mark.parametrize("cut", [1, 8])
def test_a_compressed_body_that_was_cut_short_is_not_taken_for_whole(cut: int) -> None:
    packed = gzip.compress(b"hello" * 100)[:-cut]
    with serving(lambda connection: connection.sendall(answer(packed, b"Content-Encoding: gzip"))) as server:
        wire = Wire(server.url, timeout_s=5, trust=TRUST_NOBODY)
        with pytest.raises(NotCompressed):
            ask(wire)
        wire.close()


@pytest.mark.parametrize("encoding", [b"gzip", b"x-gzip", b" GZIP "])
def test_a_compressed_body_may_be_empty(encoding: bytes) -> None:
    with serving(lambda connection: connection.sendall(answer(b"", b"Content-Encoding:" + encoding))) as server:
        wire = Wire(server.url, timeout_s=5, trust=TRUST_NOBODY)
        assert ask(wire) == b""
        wire.close()


def test_silence_in_the_middle_of_a_body_times_out(server: Server) -> None:
    ended = threading.Event()

    def begin(connection: socket.socket) -> None:
        connection.sendall(answer(b"hel", length=5))
        ended.wait(10)

    with serving(begin) as slow:
        wire = Wire(slow.url, timeout_s=0.2, trust=TRUST_NOBODY)
        with pytest.raises(WireTimeout) as caught:
            ask(wire)
        ended.set()
        wire.close()
    assert caught.value.sent
