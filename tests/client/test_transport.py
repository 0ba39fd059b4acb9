"""The wire against real sockets: time-outs, broken and endless answers, redirects, private CAs, proxies."""

from __future__ import annotations

import asyncio
import gzip
import json
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from typing import Any

import httpx2
import pytest
import trustme

import adept
from adept.client import transport
from adept.client.exchange import HttpRequest
from adept.client.transport import ANSWER_BYTES, SyncLine
from adept.errors import Malformed, Misuse, Refused, Unreachable
from tests.tokens import NOW, TOKEN

Talk = Callable[[socket.socket], None]


class Server:
    """Accepts connections one after the other and lets a function say what goes over each."""

    def __init__(self, talk: Talk, *, context: ssl.SSLContext | None = None) -> None:
        self._talk = talk
        self._context = context
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.ended = threading.Event()
        self.connections = 0
        self.keeps_open = False
        self.asked: list[bytes] = []
        threading.Thread(target=self._serve, daemon=True).start()

    @property
    def url(self) -> str:
        scheme = "https" if self._context else "http"
        return f"{scheme}://127.0.0.1:{self._listening.getsockname()[1]}"

    def _serve(self) -> None:
        while not self.ended.is_set():
            try:
                connection, _ = self._listening.accept()
            except OSError:
                return
            self.connections += 1
            with suppress(OSError), ExitStack() as opened:
                opened.enter_context(connection)
                connection.settimeout(20)
                if self._context:
                    connection = opened.enter_context(self._context.wrap_socket(connection, server_side=True))
                while request := self.read(connection):
                    self.asked.append(request)
                    if b"/session HTTP/1.1\r\n" in request:
                        connection.sendall(answer(b'{"auth_session_token":"s1"}'))
                    else:
                        self._talk(connection)
                        if not self.keeps_open:
                            break

    @staticmethod
    def read(connection: socket.socket) -> bytes:
        """A request with its body."""
        request = b""
        while b"\r\n\r\n" not in request:
            more = connection.recv(65536)
            if not more:
                return b""
            request += more
        head, _, body = request.partition(b"\r\n\r\n")
        length = next(
            (int(line[15:]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-length:")), 0
        )
        while len(body) < length:
            body += connection.recv(65536)
        return head + b"\r\n\r\n" + body

    def close(self) -> None:
        self.ended.set()
        self._listening.close()


def answer(body: bytes, *headers: bytes, status: bytes = b"200 OK", length: int | None = None) -> bytes:
    lines = [b"HTTP/1.1 " + status, b"Content-Length: %d" % (len(body) if length is None else length), *headers]
    return b"\r\n".join(lines) + b"\r\n\r\n" + body


ACCOUNT = answer(b'{"server_name":"hq"}')


@pytest.fixture(params=["threads", "threads over httpx2", "tasks"])
def client_kind(request: pytest.FixtureRequest) -> str:
    """Every way to the wire."""
    kind: str = request.param
    return kind


@contextmanager
def serving(talk: Talk, **settings: Any) -> Iterator[Server]:
    server = Server(talk, **settings)
    try:
        yield server
    finally:
        server.close()


def account(url: str, kind: str, **settings: Any) -> Any:
    """Ask for the account with either client."""
    given: dict[str, Any] = {"base_url": url, "now": lambda: NOW, "timeout_s": 5} | settings
    if kind == "threads over httpx2":
        given.setdefault("http", httpx2.HTTPTransport())
    if kind != "tasks":
        with adept.Client(TOKEN, **given) as client:
            return client.account()

    async def ask() -> Any:
        async with adept.AsyncClient(TOKEN, **given) as client:
            return await client.account()

    return asyncio.run(ask())


def test_an_answer_over_a_real_socket_is_read(client_kind: str) -> None:
    with serving(lambda connection: connection.sendall(ACCOUNT)) as server:
        assert account(server.url, client_kind).server_name == "hq"


def test_an_answer_that_comes_in_pieces_is_put_together(client_kind: str) -> None:
    def in_pieces(connection: socket.socket) -> None:
        for byte in ACCOUNT:
            connection.sendall(bytes([byte]))

    with serving(in_pieces) as server:
        assert account(server.url, client_kind).server_name == "hq"


def chunked(*pieces: bytes, end: bytes = b"0\r\n\r\n") -> bytes:
    framed = b"".join(b"%x\r\n%s\r\n" % (len(piece), piece) for piece in pieces)
    return b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + framed + end


def test_an_answer_may_come_in_chunks(client_kind: str) -> None:
    with serving(lambda connection: connection.sendall(chunked(b'{"server', b'_name":"hq"}'))) as server:
        assert account(server.url, client_kind).server_name == "hq"


def test_an_answer_may_end_with_its_connection_if_it_says_so(client_kind: str) -> None:
    body = b'HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n{"server_name":"hq"}'
    with serving(lambda connection: connection.sendall(body)) as server:
        assert account(server.url, client_kind).server_name == "hq"


def test_an_answer_without_a_body_is_complete(client_kind: str) -> None:
    nothing = b"HTTP/1.1 204 No Content\r\n\r\n"
    with serving(lambda connection: connection.sendall(nothing)) as server, pytest.raises(Malformed):
        account(server.url, client_kind)


def test_a_connection_is_used_again(client_kind: str) -> None:
    with serving(lambda connection: connection.sendall(ACCOUNT)) as server:
        server.keeps_open = True
        assert account(server.url, client_kind).server_name == "hq"
        assert (server.connections, len(server.asked)) == (1, 2)


def test_an_answer_may_be_compressed(client_kind: str) -> None:
    body = answer(gzip.compress(b'{"server_name":"hq"}'), b"Content-Encoding: gzip")
    with serving(lambda connection: connection.sendall(body)) as server:
        assert account(server.url, client_kind).server_name == "hq"


def test_nobody_listening_is_unreachable_and_nothing_has_happened(client_kind: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as held:
        port = held.getsockname()[1]
    with pytest.raises(Unreachable, match="opening a session: no connection") as caught:
        account(f"http://127.0.0.1:{port}", client_kind)
    assert not caught.value.may_have_happened


def test_silence_is_unreachable_after_the_time_out_and_may_have_happened(client_kind: str) -> None:
    def keep_silent(_: socket.socket) -> None:
        server.ended.wait(10)

    with serving(keep_silent) as server:
        with pytest.raises(Unreachable, match=r"reading the account: no answer within 0\.5 s") as caught:
            account(server.url, client_kind, timeout_s=0.5)
        server.ended.set()
    assert caught.value.may_have_happened
    assert caught.value.status is None


HALF_A_HEAD = b"HTTP/1.1 200 OK\r\nX-Odd: "
NO_BODY_YET = b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n"


@pytest.mark.parametrize(
    ("client_kind", "begun"),
    [
        ("threads", HALF_A_HEAD),
        ("threads", NO_BODY_YET),
        ("threads over httpx2", NO_BODY_YET),  # which waits for heads as long as something comes
        ("tasks", HALF_A_HEAD),
        ("tasks", NO_BODY_YET),
    ],
)
def test_an_answer_that_drips_without_end_is_unreachable(client_kind: str, begun: bytes) -> None:
    def drip(connection: socket.socket) -> None:
        connection.sendall(begun)
        while not server.ended.wait(0.02):
            connection.sendall(b"{")

    with serving(drip) as server:
        with pytest.raises(Unreachable, match=r"had not ended after 2\.5 s"):
            account(server.url, client_kind, timeout_s=0.5)
        server.ended.set()


@pytest.mark.parametrize(
    "begun",
    [
        b"",
        b"HTTP/1.1 200",
        b"HTTP/1.1 200 OK\r\nContent-Ty",
        b"nonsense\r\n\r\n",
        answer(b'{"server_', length=500),
        chunked(b'{"server_name":"hq"}', end=b""),
        chunked(b'{"server_name":"hq"}', end=b"ffff\r\nhalf"),
    ],
)
def test_a_connection_lost_on_the_way_back_may_have_happened(client_kind: str, begun: bytes) -> None:
    with (
        serving(lambda connection: connection.sendall(begun)) as server,
        pytest.raises(Unreachable, match="the connection was lost") as caught,
    ):
        account(server.url, client_kind)
    assert server.asked[1].startswith(b"GET /account ")
    assert len(server.asked) == 2
    assert caught.value.may_have_happened


def test_disown_is_not_sent_again_after_a_lost_connection(client_kind: str) -> None:
    with serving(lambda connection: None) as server:
        with pytest.raises(Unreachable) as caught, adept.Client(TOKEN, base_url=server.url, now=lambda: NOW) as client:
            client.disown(["A"], confirm_count=1)
        assert [request.split(b" HTTP")[0] for request in server.asked] == [b"GET /session", b"POST /devices/disown"]
    assert caught.value.may_have_happened


def test_half_a_body_that_claims_to_be_whole_is_malformed(client_kind: str) -> None:
    with (
        serving(lambda connection: connection.sendall(answer(b'{"server_name": "h'))) as server,
        pytest.raises(Malformed),
    ):
        account(server.url, client_kind)


def test_what_is_not_compressed_as_it_says_is_malformed(client_kind: str) -> None:
    with (
        serving(lambda connection: connection.sendall(answer(b"plain", b"Content-Encoding: gzip"))) as server,
        pytest.raises(Malformed, match="not compressed"),
    ):
        account(server.url, client_kind)


def test_an_answer_announced_as_too_large_is_not_read(client_kind: str) -> None:
    announced = answer(b"", length=ANSWER_BYTES + 1)
    with (
        serving(lambda connection: connection.sendall(announced)) as server,
        pytest.raises(Malformed, match="larger than 64 MB"),
    ):
        account(server.url, client_kind)


def test_an_answer_that_grows_too_large_is_given_up(client_kind: str) -> None:
    bomb = answer(gzip.compress(b" " * (ANSWER_BYTES + 1)), b"Content-Encoding: gzip")
    with (
        serving(lambda connection: connection.sendall(bomb)) as server,
        pytest.raises(Malformed, match="larger than 64 MB"),
    ):
        account(server.url, client_kind)


def test_of_an_error_only_the_first_kilobyte_is_read(client_kind: str) -> None:
    def endless(connection: socket.socket) -> None:
        connection.sendall(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 1000000000\r\n\r\n")
        with suppress(OSError):
            while True:
                connection.sendall(b"<p>no</p>" * 1000)

    with serving(endless) as server, pytest.raises(Refused) as caught:
        account(server.url, client_kind)
    assert caught.value.code == "HTTP_400"


@pytest.mark.parametrize("status", [b"301 Moved", b"302 Found", b"307 Temporary Redirect", b"308 Permanent Redirect"])
def test_credentials_follow_no_redirect(client_kind: str, status: bytes) -> None:
    with serving(lambda connection: connection.sendall(ACCOUNT)) as thief:
        target = b"Location: " + thief.url.encode() + b"/account"
        redirect = answer(b"", target, status=status)
        with serving(lambda connection: connection.sendall(redirect)) as server, pytest.raises(Malformed) as caught:
            account(server.url, client_kind)
        assert "credentials follow no redirect" in str(caught.value)
        assert thief.connections == 0


def test_credentials_follow_no_redirect_even_where_the_callers_own_client_would() -> None:
    with serving(lambda connection: connection.sendall(ACCOUNT)) as thief:
        target = b"Location: " + thief.url.encode()
        redirect = answer(b"", target, status=b"302 Found")
        with (
            serving(lambda connection: connection.sendall(redirect)) as server,
            httpx2.Client(follow_redirects=True) as http,
            pytest.raises(Malformed, match="redirect"),
        ):
            account(server.url, "threads", http=http)
        assert thief.connections == 0


def private_ca() -> tuple[trustme.CA, ssl.SSLContext]:
    ca = trustme.CA()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    ca.issue_cert("127.0.0.1").configure_cert(context)
    return ca, context


def test_an_unknown_ca_is_unreachable_and_nothing_has_happened(client_kind: str) -> None:
    _, context = private_ca()
    with (
        serving(lambda connection: connection.sendall(ACCOUNT), context=context) as server,
        pytest.raises(Unreachable, match=r"no connection: .*(?i:certificate)") as caught,
    ):
        account(server.url, client_kind)
    assert not caught.value.may_have_happened
    assert server.asked == []


def test_a_private_ca_is_given_as_httpx2_takes_it(client_kind: str) -> None:
    ca, context = private_ca()
    trusting = ssl.create_default_context()
    ca.configure_trust(trusting)
    transport = httpx2.AsyncHTTPTransport if client_kind == "tasks" else httpx2.HTTPTransport
    http = transport(verify=trusting)
    with serving(lambda connection: connection.sendall(ACCOUNT), context=context) as server:
        assert account(server.url, client_kind, http=http).server_name == "hq"


def test_a_proxy_is_given_as_httpx2_takes_it(client_kind: str) -> None:
    transport = httpx2.AsyncHTTPTransport if client_kind == "tasks" else httpx2.HTTPTransport
    with serving(lambda connection: connection.sendall(ACCOUNT)) as proxy:
        http = transport(proxy=proxy.url)
        assert account("http://127.0.0.1:9", client_kind, http=http).server_name == "hq"
        assert proxy.asked[0].startswith(b"GET http://127.0.0.1:9/session ")


def test_what_goes_unencrypted_to_this_machine_passes_no_proxy_of_the_environment(
    client_kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with serving(lambda connection: connection.sendall(ACCOUNT)) as proxy, serving(proxy._talk) as server:
        for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
            monkeypatch.setenv(name, proxy.url)
        assert account(server.url, client_kind).server_name == "hq"
        assert proxy.connections == 0


@pytest.mark.parametrize("kind", ["threads", "tasks"])
def test_what_goes_to_apple_passes_the_proxy_of_the_environment(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with serving(lambda connection: connection.sendall(answer(b"", status=b"403 Forbidden"))) as proxy:
        monkeypatch.setenv("HTTPS_PROXY", proxy.url)
        monkeypatch.setenv("NO_PROXY", "")
        with pytest.raises(Unreachable, match="no connection") as caught:
            account("https://dep.example", kind)
        assert proxy.asked[0].startswith(b"CONNECT dep.example:443 ")
    assert not caught.value.may_have_happened


def test_a_body_on_delete_goes_over_the_wire(client_kind: str) -> None:
    with serving(lambda connection: connection.sendall(answer(b'{"devices":{"A":"SUCCESS"}}'))) as server:
        with adept.Client(TOKEN, base_url=server.url, now=lambda: NOW) as client:
            assert client.remove_profile(["A"]).statuses == {"A": "SUCCESS"}
        assert server.asked[1].startswith(b"DELETE /profile/devices HTTP/1.1\r\n")
        assert server.asked[1].endswith(b'\r\n\r\n{"devices":["A"]}')


def test_header_names_are_read_in_any_case() -> None:
    def roll(connection: socket.socket) -> None:
        connection.sendall(answer(b'{"server_name":"hq"}', b"x-adm-AUTH-session: rolled"))

    with serving(roll) as server, adept.Client(TOKEN, base_url=server.url, now=lambda: NOW) as client:
        client.account()
        assert client.session.held.token == "rolled"


def test_an_error_of_the_library_that_we_do_not_know_stays_as_it_is() -> None:
    def break_down(_: httpx2.Request) -> httpx2.Response:
        raise RuntimeError("a bug")

    line = SyncLine(httpx2.MockTransport(break_down), base_url="http://127.0.0.1", timeout_s=1, plain_http=True)
    with pytest.raises(RuntimeError, match="a bug"):
        line.send(HttpRequest("GET", "https://x.example", "/", {}), about="trying", endpoint="GET /")


def test_a_url_that_httpx2_refuses_is_misuse() -> None:
    line = SyncLine(httpx2.HTTPTransport(), base_url="http://127.0.0.1", timeout_s=1, plain_http=True)
    with pytest.raises(Misuse, match="no URL"):
        line.send(HttpRequest("GET", "https://x.example", "/" + "x" * 70000, {}), about="trying", endpoint="GET /")
    line.close()


def test_a_full_pool_is_unreachable_and_nothing_was_sent() -> None:
    def no_room(_: httpx2.Request) -> httpx2.Response:
        raise httpx2.PoolTimeout("")

    line = SyncLine(httpx2.MockTransport(no_room), base_url="http://127.0.0.1", timeout_s=1, plain_http=True)
    with pytest.raises(Unreachable, match="trying: no connection within 1 s") as caught:
        line.send(HttpRequest("GET", "https://x.example", "/", {}), about="trying", endpoint="GET /")
    assert not caught.value.may_have_happened


def test_what_is_neither_client_nor_transport_is_misuse() -> None:
    with pytest.raises(Misuse, match="not AsyncClient"):
        SyncLine(httpx2.AsyncClient(), base_url="http://127.0.0.1", timeout_s=1, plain_http=True)  # type: ignore[arg-type] # that is the point


def test_a_thousand_devices_fit_easily() -> None:
    devices = [{"serial_number": f"S{number}", "description": "x" * 250} for number in range(1000)]
    assert len(json.dumps({"devices": devices})) < transport.ANSWER_BYTES / 100
