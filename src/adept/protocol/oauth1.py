"""The Authorization header of `GET /session`: OAuth 1.0a, HMAC-SHA1, with a token but without its dance.

The signing itself is oauthlib's. Its `Client.sign` is not used because it logs what it signs, consumer key and
access token with it. Source: Apple, "Authenticating through Web Tokens" (read 2026-11); RFC 5849.
"""

from __future__ import annotations

from typing import Literal
from urllib.parse import urlsplit

from oauthlib.oauth1.rfc5849 import Client
from oauthlib.oauth1.rfc5849.parameters import prepare_headers
from oauthlib.oauth1.rfc5849.signature import (
    base_string_uri,
    collect_parameters,
    normalize_parameters,
    sign_hmac_sha1_with_client,
    signature_base_string,
)

from adept.protocol.server_token import ServerToken

Method = Literal["GET", "POST", "PUT", "DELETE"]
REALM = "ADM"  # other clients leave it out and get through; Apple's example has it


def authorization_header(token: ServerToken, *, method: Method = "GET", url: str, timestamp: int, nonce: str) -> str:
    """Sign one request; the answer is the header's value, on one line as Apple demands.

    `timestamp` is in seconds since 1970 and has to be within minutes of Apple's clock; `nonce` must be new for it.
    """
    parameters = [
        ("oauth_consumer_key", token.consumer_key),
        ("oauth_token", token.access_token),
        ("oauth_signature_method", "HMAC-SHA1"),
        ("oauth_timestamp", str(timestamp)),
        ("oauth_nonce", nonce),
        ("oauth_version", "1.0"),
    ]
    signed = collect_parameters(uri_query=urlsplit(url).query) + parameters
    normalized = normalize_parameters(signed)  # type: ignore[arg-type]  # the stub is wrong: pairs, not a dict
    base = signature_base_string(method, base_string_uri(url), normalized)
    secrets = Client(token.consumer_key, token.consumer_secret, token.access_token, token.access_secret)
    parameters.insert(3, ("oauth_signature", sign_hmac_sha1_with_client(base, secrets)))
    headers = prepare_headers(parameters, realm=REALM)  # type: ignore[no-untyped-call]  # its stub has no types
    return str(headers["Authorization"])
