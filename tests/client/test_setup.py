"""What a client may be set up with, and the headers that follow from it."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest

import adept
from adept.client.call import Call, nothing
from adept.client.session import Held
from adept.client.setup import Setup, check_base_url, is_loopback
from adept.errors import Misuse, TokenRejected
from tests.tokens import NOW, SECRETS, TOKEN

CALL = Call("POST", "/devices/sync", "syncing", nothing, b"{}")


@pytest.mark.parametrize(
    ("url", "kept"),
    [
        ("https://mdmenrollment.apple.com", "https://mdmenrollment.apple.com"),
        ("https://mdmenrollment.apple.com/", "https://mdmenrollment.apple.com"),
        ("https://proxy.example:8443/dep/hq/", "https://proxy.example:8443/dep/hq"),
        ("http://127.0.0.1:8080/", "http://127.0.0.1:8080"),
        ("http://127.8.9.10", "http://127.8.9.10"),
        ("http://[::1]:8080", "http://[::1]:8080"),
        ("http://localhost:8080", "http://localhost:8080"),
        ("http://LOCALHOST", "http://LOCALHOST"),
    ],
)
def test_https_to_anyone_and_http_to_this_machine_are_taken(url: str, kept: str) -> None:
    assert check_base_url(url) == kept


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("http://mdmenrollment.apple.com", "http to another machine"),
        ("http://127.0.0.1.example.com", "http to another machine"),
        ("http://192.168.1.10:8080", "http to another machine"),
        ("http://localhost.example.com", "http to another machine"),
        ("ftp://mdmenrollment.apple.com", "of the form"),
        ("mdmenrollment.apple.com", "of the form"),
        ("https://", "of the form"),
        ("https:///session", "of the form"),
        ("", "not a URL"),
        ("https://a b.example", "not a URL"),
        ("https://a.example\n", "not a URL"),
        ("https://[::1", "not a URL"),
        ("https://a.example:port", "not a URL"),
        ("https://a.example:99999", "not a URL"),
        ("https://" + "a" * 64 + ".example", "not a URL"),
        ("https://a..example", "not a URL"),
        ("https://a.example/?x=1", "query"),
        ("https://a.example/#x", "fragment"),
        (5, "not a URL"),
    ],
)
def test_any_other_base_url_is_misuse_with_a_clear_sentence(url: Any, reason: str) -> None:
    with pytest.raises(Misuse, match=reason):
        check_base_url(url)


@pytest.mark.parametrize("url", ["https://it:word@mdmenrollment.apple.com", "ftp://it:word@host", "https://it@host"])
def test_a_password_in_the_base_url_is_refused_and_not_shown(url: str) -> None:
    with pytest.raises(Misuse) as caught:
        check_base_url(url)
    assert "word@" not in str(caught.value)
    assert "it@" not in str(caught.value)


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "::1", "127.1.2.3"])
def test_this_machine_is_known_by_name_and_address(host: str) -> None:
    assert is_loopback(host)


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        ("user_agent", ""),
        ("user_agent", " adept"),
        ("user_agent", "adept\r\nX-Evil: 1"),
        ("user_agent", "adépt"),
        ("user_agent", "a" * 257),
        ("user_agent", None),
        ("protocol_version", 0),
        ("protocol_version", 100),
        ("protocol_version", "10"),
        ("assign_method", "PATCH"),
        ("assign_method", "post"),
        ("timeout_s", 0),
        ("timeout_s", -1),
        ("timeout_s", float("nan")),
    ],
)
def test_a_setting_that_cannot_work_is_misuse(setting: str, value: object) -> None:
    with pytest.raises(Misuse):
        Setup(TOKEN, **{setting: value})  # type: ignore[arg-type] # that is the point


def test_a_client_needs_a_server_token() -> None:
    with pytest.raises(Misuse, match="not dict"):
        Setup({"consumer_key": "CK_1"})  # type: ignore[arg-type] # that is the point


def test_every_request_says_who_asks_in_which_version() -> None:
    request = Setup(TOKEN).request(CALL, method="POST", held=Held("s1", 1))
    assert request.url == "https://mdmenrollment.apple.com/devices/sync"
    assert request.body == b"{}"
    assert request.headers == {
        "User-Agent": f"adept/{adept.__version__}",
        "X-Server-Protocol-Version": "10",
        "X-ADM-Auth-Session": "s1",
        "Content-Type": "application/json;charset=UTF8",
        "Accept": "application/json;charset=UTF8",
    }


def test_a_request_without_a_body_has_no_content_type() -> None:
    request = Setup(TOKEN).request(Call("GET", "/account", "reading", nothing), method="GET", held=Held("s1", 1))
    assert "Content-Type" not in request.headers


def test_user_agent_and_protocol_version_can_be_chosen() -> None:
    setup = Setup(TOKEN, user_agent="acme-mdm/2.0 (it@example.org)", protocol_version=3)
    headers = setup.session_request(timestamp=1, nonce="n").headers
    assert headers["User-Agent"] == "acme-mdm/2.0 (it@example.org)"
    assert headers["X-Server-Protocol-Version"] == "3"


def test_the_session_request_is_signed_and_declares_json_without_a_body() -> None:
    request = Setup(TOKEN).session_request(timestamp=137131200, nonce="4572616e48616d6d65724c61686176")
    assert (request.method, request.url) == ("GET", "https://mdmenrollment.apple.com/session")
    assert request.headers["Content-Type"] == "application/json;charset=UTF8"
    assert 'oauth_signature="xRn7T%2FtMQ7u6ixBIjI0XXPIbCuk%3D"' in request.headers["Authorization"]
    assert request.headers["Authorization"].startswith('OAuth realm="ADM", ')


def test_secrets_are_in_no_repr() -> None:
    setup = Setup(TOKEN)
    shown = f"{setup!r} {setup.session_request(timestamp=1, nonce='n')!r}"
    assert not any(secret in shown for secret in SECRETS)


@pytest.mark.parametrize(("age", "expired"), [(timedelta(seconds=-1), False), (timedelta(), True)])
def test_a_token_is_refused_from_its_expiry_on(age: timedelta, expired: bool) -> None:
    moment: datetime = TOKEN.access_token_expiry + age
    if not expired:
        Setup(TOKEN).refuse_expired(moment)
        return
    with pytest.raises(TokenRejected):
        Setup(TOKEN).refuse_expired(moment)


def test_the_tests_run_before_their_token_expires() -> None:
    Setup(TOKEN).refuse_expired(NOW)
