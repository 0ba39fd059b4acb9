"""Judgements on observed facts: each thing that can be wrong is told with a way out, and what is well left alone."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from adept.doctor.facts import DiskFacts, NetworkFacts, StoreFacts
from adept.doctor.findings import Finding, State, is_well
from adept.doctor.judging_network import judge_network
from adept.doctor.judging_store import judge_disk, judge_store
from adept.store.examination import AccountFacts

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
DAY, HOUR = timedelta(days=1), timedelta(hours=1)
HEAD = "0007"

APPLE = NetworkFacts(
    base_url="https://mdmenrollment.apple.com",
    host="mdmenrollment.apple.com",
    is_tls=True,
    addresses=("17.0.0.1",),
    issuer="Apple Inc.",
    server_time=NOW,
    our_time=NOW + timedelta(seconds=3),
)
LOCAL = replace(
    APPLE, base_url="http://127.0.0.1:1", host="127.0.0.1", is_tls=False, addresses=("127.0.0.1",), issuer=None
)

HQ = AccountFacts(
    id=1,
    name="hq",
    base_url="https://mdmenrollment.apple.com",
    health="ok",
    paused=False,
    failures=0,
    phase="sync",
    cursor_at=NOW - HOUR,
    interval_s=1800,
    next_sync_at=NOW + HOUR,
    last_pass_at=NOW - HOUR,
    is_leased=False,
    is_lease_over=False,
    has_token=True,
    token_expires_at=NOW + 200 * DAY,
    has_candidate=False,
)
STORE = StoreFacts(label="the database", is_reached=True, revision=HEAD, accounts=(HQ,), stalled_jobs=0)


def codes(findings: list[Finding]) -> dict[str, str]:
    return {finding.check: finding.code for finding in findings if finding.state is State.TO_DO}


def test_a_good_way_to_apple_is_well():
    assert is_well(judge_network(APPLE))
    assert {finding.state for finding in judge_network(APPLE)} == {State.OK}


def test_plain_http_on_this_machine_is_well_and_its_tls_not_applicable():
    findings = judge_network(LOCAL)
    assert is_well(findings)
    assert [finding.check for finding in findings if finding.state is State.SKIPPED] == ["tls"]


@pytest.mark.parametrize(
    ("seen", "wanted"),
    [
        ({"dns_error": "unknown", "addresses": ()}, {"dns": "dns_failed"}),
        ({"addresses": ("10.0.0.7",)}, {"dns": "dns_private"}),
        ({"dns_error": "unknown", "addresses": (), "proxy": "proxy:3128"}, {}),
        ({"proxy": "proxy:3128", "answer_error": "403"}, {"proxy": "proxy_failed", "answer": "unreachable"}),
        ({"issuer": "Acme Firewalls"}, {"tls": "tls_intercepted"}),
        ({"issuer": None, "tls_error": "reset"}, {"tls": "tls_failed"}),
        ({"answer_error": "no connection", "server_time": None}, {"answer": "unreachable"}),
        ({"our_time": NOW + timedelta(seconds=59)}, {}),
        ({"our_time": NOW + timedelta(seconds=61)}, {"clock": "clock_off"}),
        ({"our_time": NOW - timedelta(days=1)}, {"clock": "clock_off"}),
        ({"host": "mdm.example.org", "issuer": "Acme", "addresses": ("10.0.0.7",)}, {}),
        ({"host": "notapple.com", "issuer": "Acme"}, {}),
    ],
)
def test_what_is_wrong_on_the_way_is_told(seen: dict[str, Any], wanted: dict[str, str]):
    assert codes(judge_network(replace(APPLE, **seen))) == wanted


def test_how_far_the_clock_is_off_is_told_with_its_direction():
    (ahead,) = [one for one in judge_network(replace(APPLE, our_time=NOW + HOUR)) if one.check == "clock"]
    assert "is 3600 s ahead of mdmenrollment.apple.com" in ahead.told
    (behind,) = [one for one in judge_network(replace(APPLE, our_time=NOW - HOUR)) if one.check == "clock"]
    assert "is 3600 s behind" in behind.told


def test_a_good_database_is_well():
    findings = judge_store(STORE, head=HEAD, now=NOW)
    assert {finding.state for finding in findings} == {State.OK}
    assert [finding.check for finding in findings] == [
        "database", "schema", "key", "token", "terms", "cursor", "lease", "passes", "jobs"
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("seen", "wanted"),
    [
        ({"is_reached": False, "wrong": "it is away", "revision": None}, {"database": "database_unusable"}),
        ({"revision": "0001", "wrong": "it is older"}, {"schema": "schema_differs"}),
        ({"revision": None, "wrong": "it is empty"}, {"schema": "schema_differs"}),
        ({"wrong": "the keys are not those"}, {"key": "key_unusable"}),
        ({"stalled_jobs": 3}, {"jobs": "jobs_stalled"}),
        ({"stalled_jobs": None}, {}),
        ({"accounts": ()}, {}),
    ],
)
def test_what_is_wrong_with_a_database_is_told(seen: dict[str, Any], wanted: dict[str, str]):
    assert codes(judge_store(replace(STORE, **seen), head=HEAD, now=NOW)) == wanted


@pytest.mark.parametrize(
    ("seen", "wanted"),
    [
        ({"has_token": False}, {"token": "no_token"}),
        ({"has_token": False, "has_candidate": True}, {"token": "token_waits"}),
        ({"health": "rejected"}, {"token": "token_rejected"}),
        ({"token_expires_at": NOW + 30 * DAY}, {"token": "token_expiring"}),
        ({"token_expires_at": NOW + 31 * DAY}, {}),
        ({"token_expires_at": NOW}, {"token": "token_expired"}),
        ({"token_expires_at": None}, {}),
        ({"health": "terms_not_signed"}, {"terms": "terms_not_signed"}),
        ({"cursor_at": NOW - 6 * DAY}, {"cursor": "cursor_old"}),
        ({"cursor_at": NOW - 8 * DAY}, {"cursor": "cursor_expired"}),
        ({"cursor_at": NOW - 8 * DAY, "phase": "fetch"}, {}),
        ({"cursor_at": None}, {}),
        ({"is_lease_over": True}, {"lease": "lease_over"}),
        ({"next_sync_at": NOW - HOUR}, {"passes": "overdue"}),
        ({"next_sync_at": NOW - HOUR, "paused": True}, {}),
        ({"next_sync_at": NOW - HOUR, "is_leased": True}, {}),
    ],
)
def test_what_is_wrong_with_an_account_is_told_by_its_name(seen: dict[str, Any], wanted: dict[str, str]):
    findings = judge_store(replace(STORE, accounts=(HQ, replace(HQ, name="lab", **seen))), head=HEAD, now=NOW)
    assert codes(findings) == wanted
    assert {finding.account for finding in findings if finding.state is State.TO_DO} <= {"lab"}


@pytest.mark.parametrize(
    ("free_mib", "database_mib", "state"),
    [(600, None, State.OK), (500, None, State.TO_DO), (600, 700, State.TO_DO), (None, None, State.SKIPPED)],
)
def test_a_disk_needs_room(free_mib: int | None, database_mib: int | None, state: State):
    free, database = (None if size is None else size * 1024**2 for size in (free_mib, database_mib))
    assert judge_disk(DiskFacts("/data", free, database)).state is state


def test_whatever_is_to_be_done_has_a_way_out():
    ill = replace(HQ, has_token=False, health="terms_not_signed", is_lease_over=True, cursor_at=NOW - 9 * DAY)
    findings = [
        *judge_network(replace(APPLE, issuer="Acme", our_time=NOW + DAY, answer_error="no")),
        *judge_store(replace(STORE, accounts=(ill,)), head=HEAD, now=NOW),
    ]
    assert sum(finding.state is State.TO_DO for finding in findings) >= 7
    assert all(finding.way_out for finding in findings if finding.state is State.TO_DO)
