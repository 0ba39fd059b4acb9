"""The Authorization header of GET /session."""

from __future__ import annotations

import logging

import pytest

from adept.protocol.oauth1 import authorization_header
from tests.tokens import SECRETS, TOKEN

URL = "https://mdmenrollment.apple.com/session"


def header(url: str = URL, *, nonce: str = "4572616e48616d6d65724c61686176") -> str:
    return authorization_header(TOKEN, url=url, timestamp=137131200, nonce=nonce)


def test_the_header_is_on_one_line_with_realm_and_a_signature_that_two_libraries_agree_on() -> None:
    assert header() == (
        'OAuth realm="ADM", '
        'oauth_consumer_key="CK_00fadb3d36c6094cf479838455321b7c", '
        'oauth_token="AT_O2109279022Oe03b641fd6f07d7face7894211d521fd8bef09c3O137392", '
        'oauth_signature_method="HMAC-SHA1", '
        'oauth_signature="xRn7T%2FtMQ7u6ixBIjI0XXPIbCuk%3D", '
        'oauth_timestamp="137131200", '
        'oauth_nonce="4572616e48616d6d65724c61686176", '
        'oauth_version="1.0"'
    )


@pytest.mark.parametrize(
    "other",
    [
        header(URL + "?page=1"),
        header("https://mdmenrollment.apple.com:8443/session"),
        header(nonce="another"),
        authorization_header(
            TOKEN, method="POST", url=URL, timestamp=137131200, nonce="4572616e48616d6d65724c61686176"
        ),
        authorization_header(TOKEN, url=URL, timestamp=137131201, nonce="4572616e48616d6d65724c61686176"),
    ],
)
def test_method_address_time_and_nonce_are_signed(other: str) -> None:
    assert "xRn7T" not in other


def test_the_default_port_and_upper_case_in_the_host_change_nothing() -> None:
    assert header("https://MDMenrollment.apple.com:443/session") == header()


def test_signing_logs_no_secret(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG):
        header()
    assert not any(secret in caplog.text for secret in SECRETS)
