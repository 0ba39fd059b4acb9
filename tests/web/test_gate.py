"""Which requests are let in: the host they name, and the site they come from."""

from __future__ import annotations

from typing import Any

import pytest

from adept.web.gate import refusal

HOSTS = frozenset({"adept.example.org", "*.corp.example", "192.0.2.7", "2001:db8::7"})


def scope(method: str = "GET", path: str = "/devices", query: str = "", **headers: str) -> dict[str, Any]:
    named = {"host": "localhost:8440"} | {name.replace("_", "-"): value for name, value in headers.items()}
    return {
        "type": "http",
        "method": method,
        "path": path,
        "query_string": query.encode(),
        "headers": [(name.encode(), value.encode("latin-1")) for name, value in named.items()],
    }


@pytest.mark.parametrize(
    "host",
    [
        "localhost",
        "localhost:8440",
        "LocalHost:1",
        "127.0.0.1:8440",
        "127.1.2.3",
        "[::1]:8440",
        "adept.example.org",
        "Adept.Example.org.:443",
        "dep.corp.example",
        "192.0.2.7:8440",
        "[2001:db8::7]:8440",
    ],
)
def test_hosts_of_ours_are_let_in(host: str) -> None:
    assert refusal(scope(host=host), HOSTS) is None


@pytest.mark.parametrize(
    "host",
    [
        "",
        "evil.example",
        "localhost.evil.example",
        "192.0.2.8",
        "corp.example",
        "a.b.corp.example",
        "[::1",
        "[",
        "@",
        "/",
    ],
)
def test_other_hosts_are_misdirected(host: str) -> None:
    told = refusal(scope(host=host), HOSTS)
    assert told is not None
    assert (told.status, told.code) == (421, "host_not_allowed")
    assert "ADEPT_ALLOWED_HOSTS" in str(told.way_out)


@pytest.mark.parametrize("path", ["/healthz", "/readyz"])
def test_probes_may_name_any_host(path: str) -> None:
    assert refusal(scope(path=path, host="10.0.0.5:8440"), frozenset()) is None


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
@pytest.mark.parametrize(
    "headers",
    [
        {"sec_fetch_site": "cross-site"},
        {"sec_fetch_site": "same-site"},
        {"sec_fetch_site": "cross-site", "origin": "http://localhost:8440"},
        {"sec_fetch_site": "anything"},
        {"origin": "https://evil.example"},
        {"origin": "http://localhost:8441"},
        {"origin": "null"},
        {"origin": "http://[bad"},
    ],
)
def test_what_changes_something_may_not_come_from_another_site(method: str, headers: dict[str, str]) -> None:
    told = refusal(scope(method, **headers), HOSTS)
    assert told is not None
    assert (told.status, told.code) == (403, "cross_site")


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"sec_fetch_site": "same-origin"},
        {"sec_fetch_site": "none"},
        {"sec_fetch_site": "same-origin", "origin": "https://evil.example"},
        {"origin": "http://localhost:8440"},
        {"origin": "https://LOCALHOST:8440"},
    ],
)
def test_our_own_pages_and_programs_may_change_things(headers: dict[str, str]) -> None:
    assert refusal(scope("POST", **headers), HOSTS) is None


@pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS"])
def test_what_only_reads_may_be_linked_to_from_elsewhere(method: str) -> None:
    assert refusal(scope(method, sec_fetch_site="cross-site", origin="https://evil.example"), HOSTS) is None


@pytest.mark.parametrize(("path", "query"), [("/devices/hq/A\0", ""), ("/devices", "search=%00"), ("/x", "a=1&b=2%00")])
def test_a_nul_in_the_address_is_refused(path: str, query: str) -> None:
    told = refusal(scope(path=path, query=query), HOSTS)
    assert told is not None
    assert (told.status, told.code) == (400, "bad_request")
