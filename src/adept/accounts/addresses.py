"""Where an account's requests may go: not into the operator's own network, unless the operator says so.

A base URL decides whom the service talks to. Without this rule whoever may edit accounts could make it ask machines
that only it can reach, and read from its errors what answers there. A name is looked up when the URL is set. What it
leads to later has to show the name's certificate: plain http is for this machine's own names alone, which are refused.
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
        addresses = [host] if _is_address(host) else await anyio.to_thread.run_sync(resolve, host)
    except (OSError, UnicodeError) as error:
        raise Misuse(
            f"the host {host!r} of the base URL can't be looked up, so where it leads is unknown",
            way_out="check the name, and the service's name server",
            field="base_url",
        ) from error
    private = next((address for address in addresses if not is_public(address)), None)
    if private is not None:
        raise Misuse(
            f"the base URL {checked!r} leads to {private}, which is not a public address",
            way_out="the operator allows such with ADEPT_ALLOW_PRIVATE_ADDRESSES=true",
            field="base_url",
        )
    return checked


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


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True
