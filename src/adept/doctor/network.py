"""Looks at the way to one of Apple's services: nothing is sent there but GET / without credentials."""

from __future__ import annotations

import http.client
import socket
import ssl
from collections.abc import Callable
from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime
from urllib.parse import SplitResult, urlsplit
from urllib.request import getproxies, proxy_bypass

from cryptography import x509
from cryptography.x509.oid import NameOID

from adept.client.exchange import HttpRequest
from adept.client.setup import DEFAULT_USER_AGENT
from adept.client.transport import SyncLine
from adept.doctor.facts import NetworkFacts
from adept.errors import AdeptError

TIMEOUT_S = 10.0


def look_at_network(base_url: str, *, now: Callable[[], datetime], timeout_s: float = TIMEOUT_S) -> NetworkFacts:
    """What is seen from here. Raises nothing: what fails is a fact."""
    parts = urlsplit(base_url)
    host, port = parts.hostname or "", parts.port or (443 if parts.scheme == "https" else 80)
    proxy = _proxy(parts)
    addresses, dns_error = _addresses(host, port)
    issuer, tls_error = _issuer(host, port, proxy, timeout_s) if parts.scheme == "https" else (None, None)
    server_time, our_time, answer_error = _answer(base_url, now, timeout_s)
    return NetworkFacts(
        base_url=base_url,
        host=host,
        is_tls=parts.scheme == "https",
        addresses=addresses,
        dns_error=dns_error,
        proxy=None if proxy is None else f"{proxy.hostname}:{proxy.port or 80}",
        issuer=issuer,
        tls_error=tls_error,
        server_time=server_time,
        our_time=our_time,
        answer_error=answer_error,
    )


def _proxy(parts: SplitResult) -> SplitResult | None:
    """The proxy that the environment or the system names for the host; plain http goes past any."""
    proxies = getproxies()
    named = proxies.get(parts.scheme) or proxies.get("all")
    if named is None or parts.scheme == "http" or proxy_bypass(parts.netloc):
        return None
    return urlsplit(named if "://" in named else f"http://{named}")


def _addresses(host: str, port: int) -> tuple[tuple[str, ...], str | None]:
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        return (), getattr(error, "strerror", None) or str(error)
    return tuple(dict.fromkeys(str(entry[4][0]) for entry in found)), None


def _issuer(host: str, port: int, proxy: SplitResult | None, timeout_s: float) -> tuple[str | None, str | None]:
    """Who issued the certificate that is shown, trusted or not: what is looked for is one that should not be there."""
    seeing = ssl.create_default_context()
    seeing.check_hostname = False
    seeing.verify_mode = ssl.CERT_NONE
    if proxy is None:
        connection = http.client.HTTPSConnection(host, port, timeout=timeout_s, context=seeing)
    else:
        connection = http.client.HTTPSConnection(
            proxy.hostname or "", proxy.port or 80, timeout=timeout_s, context=seeing
        )
        connection.set_tunnel(host, port)
    try:
        connection.connect()
        assert isinstance(connection.sock, ssl.SSLSocket)
        shown = connection.sock.getpeercert(binary_form=True)
    except (OSError, http.client.HTTPException) as error:
        return None, getattr(error, "strerror", None) or str(error)
    finally:
        connection.close()
    return (None, "no certificate was shown") if shown is None else (_organisation(shown), None)


def _organisation(certificate: bytes) -> str:
    issuer = x509.load_der_x509_certificate(certificate).issuer
    for kind in (NameOID.ORGANIZATION_NAME, NameOID.COMMON_NAME):
        if named := issuer.get_attributes_for_oid(kind):
            return str(named[0].value)
    return issuer.rfc4514_string()


def _answer(
    base_url: str, now: Callable[[], datetime], timeout_s: float
) -> tuple[datetime | None, datetime | None, str | None]:
    """The answer's Date, our time at half way, and why there was none. Any status is an answer."""
    line = SyncLine(None, base_url=base_url, timeout_s=timeout_s, plain_http=base_url.startswith("http:"))
    asked_at = now()
    try:
        request = HttpRequest("GET", base_url, "/", {"User-Agent": DEFAULT_USER_AGENT})
        answer = line.send(request, about=f"asking {base_url}", endpoint="GET /")
    except AdeptError as error:
        return None, None, error.message.partition(": ")[2] or error.message
    finally:
        line.close()
    half_way = asked_at + (now() - asked_at) / 2
    return _date(answer.headers.get("date")), half_way, None


def _date(header: str | None) -> datetime | None:
    """The middle of the second that the header names."""
    try:
        return parsedate_to_datetime(header) + timedelta(seconds=0.5) if header else None
    except ValueError:
        return None
