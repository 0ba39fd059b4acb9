"""What a client is set up with, checked once, and the requests it makes of it. Pure.

Source: Apple, "Authenticating through Web Tokens" (read 2026-11). Observed: Apple's simulator wants the very same
content type on GET /session, without a body (nanodep); the label UTF8, without a hyphen, is Apple's own.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from urllib.parse import SplitResult, urlsplit

from adept import __version__
from adept.client.call import Call
from adept.client.exchange import HttpRequest
from adept.client.refusals import expired_locally
from adept.client.session import Held
from adept.errors import Misuse
from adept.protocol.oauth1 import authorization_header
from adept.protocol.server_token import ServerToken
from adept.protocol.session_token import SESSION_HEADER
from adept.protocol.versions import PROTOCOL_VERSION, VERSION_HEADER

APPLE_URL = "https://mdmenrollment.apple.com"
DEFAULT_USER_AGENT = f"adept/{__version__}"
JSON_UTF8 = "application/json;charset=UTF8"
ASSIGN_METHODS = ("POST", "PUT")  # Apple documents POST today and PUT in 2018; Observed: depsim knows PUT only

_VISIBLE = re.compile(r"[\x21-\x7e](?:[\x20-\x7e]{0,254}[\x21-\x7e])?")


@dataclass(frozen=True, slots=True)
class Setup:
    """Whom to ask, as whom, and how. Raises Misuse, in one sentence, for what can't work."""

    token: ServerToken = field(repr=False)
    base_url: str = APPLE_URL  # https, or http on this machine alone; kept without a closing slash
    user_agent: str = DEFAULT_USER_AGENT
    protocol_version: int = PROTOCOL_VERSION
    assign_method: str = "POST"  # the first to be tried; the other follows once after 405
    timeout_s: float = 60.0  # for the connection, and for every silence in an answer

    def __post_init__(self) -> None:
        if not isinstance(self.token, ServerToken):
            raise Misuse(f"a client needs a ServerToken, not {type(self.token).__name__}")
        object.__setattr__(self, "base_url", check_base_url(self.base_url))
        if not isinstance(self.user_agent, str) or not _VISIBLE.fullmatch(self.user_agent):
            raise Misuse(
                "the User-Agent must be 1 to 256 printable ASCII characters without blanks at its ends",
                way_out="use the form name/version",
            )
        if not isinstance(self.protocol_version, int) or not 1 <= self.protocol_version <= 99:
            raise Misuse(f"the protocol version must be a number from 1 on, not {self.protocol_version!r}")
        if self.assign_method not in ASSIGN_METHODS:
            raise Misuse(f"assign_method must be POST or PUT, not {self.assign_method!r}")
        if not self.timeout_s > 0:
            raise Misuse(f"timeout_s must be above 0, not {self.timeout_s!r}")

    @property
    def is_plain_http(self) -> bool:
        """Whether requests go unencrypted: on this machine, and past any proxy."""
        return self.base_url.startswith("http:")

    def refuse_expired(self, now: datetime) -> None:
        """Raise TokenRejected, code EXPIRED_LOCALLY, if the server token is past its expiry."""
        if self.token.is_expired(now):
            raise expired_locally(self.token.access_token_expiry)

    def session_request(self, *, timestamp: int, nonce: str) -> HttpRequest:
        """GET /session, signed. `timestamp` in seconds since 1970; `nonce` new for each request."""
        signed = authorization_header(self.token, url=self.base_url + "/session", timestamp=timestamp, nonce=nonce)
        headers = self._headers() | {"Authorization": signed, "Content-Type": JSON_UTF8}
        return HttpRequest("GET", self.base_url, "/session", headers)

    def request(self, call: Call[Any], *, method: str, held: Held) -> HttpRequest:
        """The call in the session held, by `method`."""
        headers = self._headers()
        if held.token is not None:
            headers[SESSION_HEADER] = held.token
        if call.body is not None:
            headers["Content-Type"] = JSON_UTF8
        return HttpRequest(method, self.base_url, call.path, headers, call.body)

    def _headers(self) -> dict[str, str]:
        return {
            "User-Agent": self.user_agent,
            VERSION_HEADER: str(self.protocol_version),
            "Accept": JSON_UTF8,
        }


def check_confirmed(serials: Sequence[str], confirm_count: int) -> None:
    """Misuse unless `confirm_count` is the number of devices that will be disowned."""
    if isinstance(confirm_count, bool) or confirm_count != len(serials):
        raise Misuse(
            f"disowning {len(serials)} devices must be confirmed by that number, not by {confirm_count!r}",
            way_out="it can't be undone: the devices leave the organisation for ever",
        )


def check_base_url(url: str) -> str:
    """The base URL in the form we keep it; Misuse unless it is https, or http to this machine."""
    if not isinstance(url, str) or not re.fullmatch(r"[\x21-\x7e]+", url):
        raise Misuse(f"the base URL {url!r} is not a URL", field="base_url")
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
        (host or "").encode("idna")  # labels too long, or none
    except ValueError as error:
        raise Misuse(f"the base URL {url!r} is not a URL: {error}", field="base_url") from error
    if parts.scheme not in ("http", "https") or not host:
        raise Misuse(f"the base URL must be of the form {APPLE_URL}, not {_public(parts)!r}", field="base_url")
    if parts.username is not None or parts.password is not None:
        raise Misuse(f"the base URL {_public(parts)!r} must not carry a user name or password", field="base_url")
    if parts.query or parts.fragment:
        raise Misuse(f"the base URL {_public(parts)!r} must not carry a query or a fragment", field="base_url")
    if parts.scheme == "http" and not is_loopback(host):
        raise Misuse(
            f"the base URL {url!r} is http to another machine: the server token's session would travel in the clear",
            way_out="use https",
            field="base_url",
        )
    return url.rstrip("/")


def is_loopback(host: str) -> bool:
    """Whether `host` is this machine, by its name or address alone."""
    if host.lower() == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _public(parts: SplitResult) -> str:
    """The URL without a password that may stand in it."""
    return parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl()
