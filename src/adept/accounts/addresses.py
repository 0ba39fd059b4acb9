"""Where an account's requests may go: not into the operator's own network, unless the operator says so.

A base URL decides whom the service talks to. Without this rule whoever may edit accounts could make it ask machines
that only it can reach, and read from its errors what answers there. A name is looked up when the URL is set, so that
whoever sets it is told, and again whenever something is sent there: a name may lead elsewhere by then.
"""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Callable
from urllib.parse import urlsplit

import anyio.to_thread

from adept.client.setup import check_base_url
from adept.errors import Misuse

Resolve = Callable[[str], list[str]]  # the addresses of a host's name; OSError where it has none

_Address = ipaddress.IPv4Address | ipaddress.IPv6Address
_TRANSLATED = ipaddress.ip_network("64:ff9b::/96")  # an IPv4 address behind NAT64, RFC 6052
_WAY_OUT = "the operator allows such with ADEPT_ALLOW_PRIVATE_ADDRESSES=true"


def resolved(host: str) -> list[str]:
    """What this machine's resolver says; it may take seconds."""
    return sorted({str(found[4][0]) for found in socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)})


async def check_address(url: str, *, allow_private: bool, resolve: Resolve = resolved) -> str:
    """The base URL in the form we keep it. Misuse for one that can't be, or leads to a private address.

    Private is whatever is not the public internet: this machine, local networks, link-local, shared and reserved
    ranges, also within the IPv6 forms that wrap an IPv4 address. One private address of a name is enough; so is a name
    that can't be looked up.
    """
    checked = check_base_url(url)
    if allow_private:
        return checked
    host = urlsplit(checked).hostname or ""
    try:
        private = _first_private(await _addresses(host, resolve))
    except (OSError, UnicodeError) as error:
        raise Misuse(
            f"the host {host!r} of the base URL can't be looked up, so where it leads is unknown",
            way_out="check the name, and the service's name server",
            field="base_url",
        ) from error
    if private is not None:
        raise Misuse(f"the base URL {checked!r} leads to {_not_public(private)}", way_out=_WAY_OUT, field="base_url")
    return checked


async def public_addresses(host: str, *, resolve: Resolve = resolved) -> list[str]:
    """Where a host is at this moment. OSError if it can't be looked up, or if one of its addresses is private."""
    addresses = await _addresses(host, resolve)
    if (private := _first_private(addresses)) is not None:
        raise PermissionError(f"{host!r} leads to {_not_public(private)}; {_WAY_OUT}")
    return addresses


def is_public(text: str) -> bool:
    """Whether the address, of either family, belongs to the public internet."""
    address = _innermost(ipaddress.ip_address(text.partition("%")[0]))
    return address.is_global and not address.is_multicast


def _innermost(address: _Address) -> _Address:
    """The IPv4 address that an IPv6 one wraps, or the address itself."""
    if isinstance(address, ipaddress.IPv4Address):
        return address
    if address in _TRANSLATED:
        return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    teredo = address.teredo
    return address.ipv4_mapped or address.sixtofour or (teredo[1] if teredo else None) or address


async def _addresses(host: str, resolve: Resolve) -> list[str]:
    if _is_address(host):
        return [host]
    return await anyio.to_thread.run_sync(resolve, host, abandon_on_cancel=True)


def _first_private(addresses: list[str]) -> str | None:
    return next((address for address in addresses if not is_public(address)), None)


def _not_public(address: str) -> str:
    return f"{address}, which is not a public address"


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True
