"""oauthlib's server half, the field's client library and we agree on what a signature is."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from oauthlib.oauth1 import RequestValidator
from oauthlib.oauth1.rfc5849.endpoints.base import BaseEndpoint
from oauthlib.oauth1.rfc5849.endpoints.resource import ResourceEndpoint
from requests import Request
from requests_oauthlib import OAuth1

from adept.protocol.oauth1 import Method, authorization_header
from adept.protocol.server_token import ServerToken
from tests.tokens import NOW, TOKEN

URL = "https://mdmenrollment.apple.com/session"
TIMESTAMP = 1795176000
NONCE = "4572616e48616d6d65724c61686176"


class OneToken(RequestValidator):
    """Knows one token; leaves the checking of signatures to oauthlib."""

    safe_characters = {chr(number) for number in range(0x20, 0x7F)}  # noqa: RUF012  a property in oauthlib
    client_key_length = access_token_length = nonce_length = (1, 500)
    timestamp_lifetime = 10**10
    enforce_ssl = False
    realms = ["ADM"]  # noqa: RUF012

    def __init__(self, token: ServerToken) -> None:
        super().__init__()
        self.token = token

    def get_client_secret(self, client_key: str, request: Any) -> str:
        return self.token.consumer_secret

    def get_access_token_secret(self, client_key: str, token: str, request: Any) -> str:
        return self.token.access_secret

    def validate_client_key(self, client_key: str, request: Any) -> bool:
        return client_key == self.token.consumer_key

    def validate_access_token(self, client_key: str, token: str, request: Any) -> bool:
        return token == self.token.access_token

    def validate_timestamp_and_nonce(self, *_: Any, **__: Any) -> bool:
        return True

    def validate_realms(self, client_key: str, token: str, request: Any, uri: Any = None, realms: Any = None) -> bool:
        return True

    @property
    def dummy_client(self) -> str:
        return "nobody"

    @property
    def dummy_access_token(self) -> str:
        return "nothing"


def is_accepted(header: str, token: ServerToken, *, url: str = URL, method: str = "GET") -> bool:
    endpoint: BaseEndpoint = ResourceEndpoint(OneToken(token))
    valid, _request = endpoint.validate_protected_resource_request(  # type: ignore[attr-defined]  # the stub of the base
        url, http_method=method, headers={"Authorization": header}
    )
    return bool(valid)


def test_oauthlibs_server_accepts_our_header() -> None:
    header = authorization_header(TOKEN, url=URL, timestamp=TIMESTAMP, nonce=NONCE)
    assert is_accepted(header, TOKEN)


@pytest.mark.parametrize("key", ["consumer_key", "consumer_secret", "access_token", "access_secret"])
def test_oauthlibs_server_refuses_a_header_made_with_one_secret_changed(key: str) -> None:
    fields = {name: getattr(TOKEN, name) for name in TOKEN.__struct_fields__}
    other = ServerToken(**fields | {key: "changed"})
    assert not is_accepted(authorization_header(other, url=URL, timestamp=TIMESTAMP, nonce=NONCE), TOKEN)


def test_oauthlibs_server_refuses_our_header_for_another_request() -> None:
    header = authorization_header(TOKEN, url=URL, timestamp=TIMESTAMP, nonce=NONCE)
    assert not is_accepted(header, TOKEN, method="POST")
    assert not is_accepted(header, TOKEN, url="https://mdmenrollment.apple.com/account")


names = st.text(st.characters(min_codepoint=0x21, max_codepoint=0x7E), min_size=1, max_size=60)
secrets = st.text(st.characters(codec="utf-8", exclude_categories=("Cc", "Cs")), min_size=1, max_size=60)


@settings(deadline=None)
@given(names, secrets, names, secrets, st.sampled_from(["GET", "POST", "PUT", "DELETE"]))
def test_oauthlibs_server_accepts_whatever_the_token_holds(a: str, b: str, c: str, d: str, method: Method) -> None:
    token = ServerToken(consumer_key=a, consumer_secret=b, access_token=c, access_secret=d, access_token_expiry=NOW)
    url = "http://127.0.0.1:8080/session?a=1&b=%20x"
    header = authorization_header(token, method=method, url=url, timestamp=TIMESTAMP, nonce=NONCE)
    assert is_accepted(header, token, url=url, method=method)


def test_the_fields_client_library_signs_the_same() -> None:
    oauth = OAuth1(
        TOKEN.consumer_key,
        TOKEN.consumer_secret,
        TOKEN.access_token,
        TOKEN.access_secret,
        realm="ADM",
        timestamp=str(TIMESTAMP),
        nonce=NONCE,
    )
    theirs = Request("GET", URL, auth=oauth).prepare().headers["Authorization"]
    theirs = theirs.decode() if isinstance(theirs, bytes) else theirs
    ours = authorization_header(TOKEN, url=URL, timestamp=TIMESTAMP, nonce=NONCE)
    assert sorted(theirs.removeprefix("OAuth ").split(", ")) == sorted(ours.removeprefix("OAuth ").split(", "))
