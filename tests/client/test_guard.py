"""A client that looks at addresses first sends nothing anywhere else, and is otherwise as any other."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Iterator

import pytest
import trustme

from adept import AsyncClient, Malformed, Unreachable
from adept.client.guard import GuardedTransport, LookUp
from adept.protocol.account import Account
from tests.client.test_transport import ACCOUNT, Server, serving
from tests.tokens import NOW, TOKEN

HOST = "mdm.example"


@pytest.fixture
def ca() -> trustme.CA:
    return trustme.CA()


@pytest.fixture
def server(ca: trustme.CA) -> Iterator[Server]:
    """Who has a certificate for the host's name, and none for the address where it is."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    ca.issue_cert(HOST).configure_cert(context)
    with serving(lambda connection: connection.sendall(ACCOUNT), context=context) as running:
        yield running


def ask(server: Server, look_up: LookUp, ca: trustme.CA, *, host: str = HOST) -> Account:
    """Ask for the account by the host's name, at the server's port."""
    trusted = ssl.create_default_context()
    ca.configure_trust(trusted)

    async def asking() -> Account:
        url, way = f"https://{host}:{server.url.rpartition(':')[2]}", GuardedTransport(look_up, trusted=trusted)
        async with AsyncClient(TOKEN, base_url=url, http=way, now=lambda: NOW, timeout_s=5) as client:
            return await client.account()

    return asyncio.run(asking())


def at(*addresses: str) -> LookUp:
    async def look_up(_host: str) -> list[str]:
        return list(addresses)

    return look_up


def test_it_is_sent_to_the_address_under_the_hosts_name(server: Server, ca: trustme.CA) -> None:
    assert ask(server, at("127.0.0.1"), ca).server_name == "hq"
    assert f"\r\nHost: {HOST}:".encode() in server.asked[0]


def test_the_certificate_has_to_be_the_names(server: Server, ca: trustme.CA) -> None:
    with pytest.raises(Unreachable, match=r"no connection: .*(?i:certificate)"):
        ask(server, at("127.0.0.1"), ca, host="other.example")
    assert server.asked == []


def test_an_address_that_does_not_answer_is_passed_over(server: Server, ca: trustme.CA) -> None:
    assert ask(server, at("::1", "127.0.0.1"), ca).server_name == "hq"  # the server listens on IPv4 alone
    with pytest.raises(Unreachable, match="no connection") as caught:
        ask(server, at("::1", "::1"), ca)
    assert not caught.value.may_have_happened


def test_a_redirect_inwards_is_not_followed(ca: trustme.CA) -> None:
    with serving(lambda connection: connection.sendall(ACCOUNT)) as inside:
        led = b"HTTP/1.1 302 Found\r\nLocation: " + inside.url.encode() + b"/account\r\nContent-Length: 0\r\n\r\n"
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        ca.issue_cert(HOST).configure_cert(context)
        with (
            serving(lambda connection: connection.sendall(led), context=context) as outside,
            pytest.raises(Malformed, match="credentials follow no redirect"),
        ):
            ask(outside, at("127.0.0.1"), ca)
        assert inside.connections == 0


def test_a_name_that_leads_elsewhere_after_a_moment_leads_nobody_there(server: Server, ca: trustme.CA) -> None:
    answers = iter([["127.0.0.1"], None])

    async def look_up(host: str) -> list[str]:
        found = next(answers)
        if found is None:
            raise PermissionError(f"{host!r} leads to 10.0.0.5, which is not a public address")
        return found

    with pytest.raises(Unreachable, match=r"no connection: 'mdm\.example' leads to 10\.0\.0\.5") as caught:
        ask(server, look_up, ca)  # the session is opened, and then the name leads elsewhere
    assert not caught.value.may_have_happened
    assert len(server.asked) == 1
