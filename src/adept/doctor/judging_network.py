"""Judges the way to Apple: DNS, proxy, TLS, the answer, the clock. Pure."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping

from adept.doctor.facts import NetworkFacts
from adept.doctor.findings import Finding, ok, skipped, todo

CLOCK_LIMIT_S = 60.0

# Whose certificates the hosts of a domain show. Assumed: Apple's own authority, as Apple asks that nobody opens TLS on
# the way ("Use Apple products on enterprise networks"); whoever does shows an authority of their own.
EXPECTED_ISSUERS: Mapping[str, str] = {"apple.com": "Apple Inc."}


def judge_network(facts: NetworkFacts, *, expected: Mapping[str, str] = EXPECTED_ISSUERS) -> list[Finding]:
    """All that is to be said of the way to one service."""
    return [
        judge_dns(facts, expected=expected),
        judge_proxy(facts),
        judge_tls(facts, expected=expected),
        judge_answer(facts),
        judge_clock(facts),
    ]


def judge_dns(facts: NetworkFacts, *, expected: Mapping[str, str]) -> Finding:
    """Does the host have addresses, and public ones where it is Apple's?"""
    if facts.dns_error is not None:
        if facts.proxy is not None:
            return skipped("dns", f"{facts.host} has no address here: the proxy has to know it")
        return todo(
            "dns", "dns_failed", f"{facts.host} has no address: {facts.dns_error}", "look at this machine's DNS"
        )
    private = [address for address in facts.addresses if not ipaddress.ip_address(address).is_global]
    if private and _expected_for(facts.host, expected) is not None:
        told = f"{facts.host} leads to {private[0]}, which is no public address"
        return todo("dns", "dns_private", told, "ask whoever runs the DNS why")
    return ok("dns", f"{facts.host}: {', '.join(facts.addresses)}")


def judge_proxy(facts: NetworkFacts) -> Finding:
    """Which way requests go."""
    if facts.proxy is None:
        return ok("proxy", f"none is used for {facts.host}")
    if facts.answer_error is not None:
        told = f"requests to {facts.host} go through {facts.proxy}, and fail"
        return todo("proxy", "proxy_failed", told, "look at HTTPS_PROXY and NO_PROXY, and at the proxy itself")
    return ok("proxy", f"requests to {facts.host} go through {facts.proxy}")


def judge_tls(facts: NetworkFacts, *, expected: Mapping[str, str]) -> Finding:
    """Does the host show a certificate of whom it should be?"""
    if not facts.is_tls:
        return skipped("tls", f"not applicable: {facts.base_url} is plain http on this machine")
    if facts.issuer is None:
        told = f"no TLS with {facts.host}: {facts.tls_error or 'unknown'}"
        return todo("tls", "tls_failed", told, "look whether a firewall stands between")
    wanted = _expected_for(facts.host, expected)
    if wanted is not None and facts.issuer != wanted:
        told = f"the certificate of {facts.host} is by {facts.issuer}, not by {wanted}: somebody between reads along"
        return todo("tls", "tls_intercepted", told, f"have the proxy or firewall pass {facts.host} through unopened")
    return ok("tls", f"the certificate of {facts.host} is by {facts.issuer}")


def judge_answer(facts: NetworkFacts) -> Finding:
    """Does the service answer, with a certificate that this machine trusts?"""
    if facts.answer_error is None:
        return ok("answer", f"{facts.base_url} answers")
    told = f"{facts.base_url} does not answer: {facts.answer_error}"
    return todo("answer", "unreachable", told, "look at network, proxy and firewall")


def judge_clock(facts: NetworkFacts) -> Finding:
    """Is our time that of the service? OAuth signatures carry it."""
    if facts.server_time is None or facts.our_time is None:
        return skipped("clock", f"{facts.host} told no time")
    off_s = (facts.our_time - facts.server_time).total_seconds()
    if abs(off_s) <= CLOCK_LIMIT_S:
        return ok("clock", f"within {CLOCK_LIMIT_S:.0f} s of {facts.host}")
    told = f"this machine's clock is {abs(off_s):.0f} s {'ahead of' if off_s > 0 else 'behind'} {facts.host}"
    return todo("clock", "clock_off", told, "set the clock (NTP): Apple refuses requests signed at a wrong time")


def _expected_for(host: str, expected: Mapping[str, str]) -> str | None:
    """Who has to have issued the host's certificate; None where we don't know."""
    for domain, issuer in expected.items():
        if host == domain or host.endswith(f".{domain}"):
            return issuer
    return None
