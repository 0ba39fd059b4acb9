"""How guessing is slowed down: what is counted, and how long to wait after so many failures. Decides only.

A login counts against its name and against the network it comes from, each with some failures free. Where that user
has logged in from that network before, it counts against the pair of them alone: so nobody elsewhere, and nobody who
tries other names, can keep people out of their own account.
"""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from datetime import timedelta

FREE_FOR_NAME = 4
FREE_FOR_NETWORK = 20
CAP = timedelta(minutes=15)
FORGOTTEN_AFTER = timedelta(days=1)
REMEMBERED = timedelta(days=90)  # how long a network counts as one that a user comes from


@dataclass(frozen=True, slots=True)
class Counter:
    """What failures are counted under, and how many of them cost nothing."""

    who: str
    free: int


def network_of(address: str | None) -> str:
    """What counts as one place: an IPv4 address, or the /64 of an IPv6 address, which one customer has for itself."""
    try:
        ip = ipaddress.ip_address((address or "").partition("%")[0])
    except ValueError:
        return address or "unknown"
    if isinstance(ip, ipaddress.IPv4Address):
        return str(ip)
    if ip.ipv4_mapped is not None:
        return str(ip.ipv4_mapped)
    return str(ipaddress.ip_network((ip, 64), strict=False))


def counters(name: str | None, network: str, *, comes_from_there: bool) -> tuple[Counter, ...]:
    """What a login counts against; a `name` of None is one that no user can have."""
    if name is not None and comes_from_there:
        return (Counter(f"{of_user(name)} address:{network}", FREE_FOR_NAME),)
    by_network = Counter(f"address:{network}", FREE_FOR_NETWORK)
    if name is None:
        return (by_network,)
    return (by_network, Counter(of_user(name), FREE_FOR_NAME))


def of_user(name: str) -> str:
    """What everything that is counted against a user's name begins with."""
    return f"user:{name}"


def pause_after(failures: int, free: int) -> timedelta:
    """How long to refuse further tries: nothing at first, then 2 s and twice as long each time, up to the cap."""
    if failures <= free:
        return timedelta()
    return min(CAP, timedelta(seconds=2 ** min(failures - free, 12)))
