"""Judges the database and what is in it: schema, key, tokens, terms, cursors, leases, jobs, disk. Pure."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

from adept.doctor.facts import DiskFacts, StoreFacts
from adept.doctor.findings import Finding, ok, skipped, todo
from adept.store.examination import AccountFacts

TOKEN_WARNING = timedelta(days=30)
CURSOR_LIMIT = timedelta(days=7)  # Source: Apple, "Sync the List of Devices" (read 2026-11): cursors live 7 days
CURSOR_WARNING = timedelta(days=5)
LATE = timedelta(minutes=15)
FREE_LIMIT_BYTES = 512 * 1024**2

_Judge = Callable[[AccountFacts, datetime], Finding | None]


def judge_store(facts: StoreFacts, *, head: str, now: datetime) -> list[Finding]:
    """All that is to be said of the database; nothing of its content where it can't be opened."""
    opening = judge_opening(facts, head=head)
    if facts.wrong is not None:
        return opening
    return [
        *opening,
        *_each(facts.accounts, now, "token", judge_token),
        *_each(facts.accounts, now, "terms", judge_terms),
        *_each(facts.accounts, now, "cursor", judge_cursor),
        *_each(facts.accounts, now, "lease", judge_lease),
        *_each(facts.accounts, now, "passes", judge_lateness),
        judge_jobs(facts.stalled_jobs),
    ]


def judge_opening(facts: StoreFacts, *, head: str) -> list[Finding]:
    """Can the database be reached, is its schema ours, does the key fit?"""
    way_out = facts.way_out or "see docs/how-to"
    if not facts.is_reached:
        return [todo("database", "database_unusable", facts.wrong or "it can't be reached", way_out)]
    reached = ok("database", facts.label)
    if facts.revision != head:
        told = facts.wrong or f"it is at schema {facts.revision}, and this adept needs {head}"
        return [reached, todo("schema", "schema_differs", told, way_out)]
    schema = ok("schema", f"it is at {head}, as this adept needs it")
    if facts.wrong is not None:
        return [reached, schema, todo("key", "key_unusable", facts.wrong, way_out)]
    return [reached, schema, ok("key", "the sealing key opens what is sealed")]


def _each(accounts: Sequence[AccountFacts], now: datetime, check: str, judge: _Judge) -> list[Finding]:
    """What is wrong with accounts; one line where it is well with all."""
    found = [finding for account in accounts if (finding := judge(account, now)) is not None]
    if found:
        return found
    return [ok(check, f"well with all accounts: {len(accounts):,}" if accounts else "there are no accounts")]


def judge_token(account: AccountFacts, now: datetime) -> Finding | None:
    """Does Apple take the token, and for how long still?"""
    renew = "make a new one in the portal and upload it: docs/how-to/renew-a-token.md"
    if not account.has_token:
        if account.has_candidate:
            told = "its token waits: Apple could not be asked about it yet"
            return todo("token", "token_waits", told, "see adept accounts show NAME", account=account.name)
        return todo("token", "no_token", "it has no token", "upload one from Apple's portal", account=account.name)
    if account.health == "rejected":
        return todo("token", "token_rejected", "Apple no longer takes its token", renew, account=account.name)
    ends = account.token_expires_at
    if ends is None or ends - now > TOKEN_WARNING:
        return None
    if ends <= now:
        return todo("token", "token_expired", f"its token ended on {ends:%Y-%m-%d}", renew, account=account.name)
    told = f"its token ends on {ends:%Y-%m-%d}, in {(ends - now).days} days"
    return todo("token", "token_expiring", told, renew, account=account.name)


def judge_terms(account: AccountFacts, now: datetime) -> Finding | None:  # noqa: ARG001  # as its siblings
    """Are Apple's terms accepted?"""
    if account.health != "terms_not_signed":
        return None
    way_out = "have somebody with the right to it accept them in the portal; adept asks every five minutes"
    return todo("terms", "terms_not_signed", "there are new terms of Apple's to accept", way_out, account=account.name)


def judge_cursor(account: AccountFacts, now: datetime) -> Finding | None:
    """Is the place in Apple's list of changes still good?"""
    if account.phase != "sync" or account.cursor_at is None or now - account.cursor_at < CURSOR_WARNING:
        return None
    age_days = (now - account.cursor_at) / timedelta(days=1)
    if now - account.cursor_at < CURSOR_LIMIT:
        told, code = f"its cursor is {age_days:.1f} days old, and ends after 7", "cursor_old"
    else:
        told, code = f"its cursor is {age_days:.1f} days old: the next pass has to fetch everything", "cursor_expired"
    way_out = "have it synced: adept accounts sync NAME, or a service that runs"
    return todo("cursor", code, told, way_out, account=account.name)


def judge_lease(account: AccountFacts, now: datetime) -> Finding | None:  # noqa: ARG001  # as its siblings
    """Did a walker die?"""
    if not account.is_lease_over:
        return None
    told = "a process that walked it is gone: its lease ran out"
    return todo(
        "lease", "lease_over", told, "the next pass takes it over: look whether a service runs", account=account.name
    )


def judge_lateness(account: AccountFacts, now: datetime) -> Finding | None:
    """Is it walked when it is due?"""
    is_waiting = account.has_token and not account.paused and not account.is_leased
    if not is_waiting or now - account.next_sync_at < LATE:
        return None
    told = f"it has been due for {(now - account.next_sync_at) / timedelta(hours=1):.1f} h and nobody walks it"
    return todo(
        "passes", "overdue", told, "run a service (adept serve), or adept accounts sync NAME", account=account.name
    )


def judge_jobs(stalled: int | None) -> Finding:
    """Are there jobs whose worker is gone?"""
    if stalled is None:
        return skipped("jobs", "not applicable: this database has no job engine")
    if stalled == 0:
        return ok("jobs", "none is stalled")
    told = f"{stalled} jobs belong to workers that are gone"
    return todo("jobs", "jobs_stalled", told, "another worker takes them over within a minute: look whether one runs")


def judge_disk(facts: DiskFacts) -> Finding:
    """Is there room?"""
    if facts.free_bytes is None:
        return skipped("disk", f"{facts.directory} is not there yet")
    free = f"{facts.free_bytes / 1024**2:,.0f} MiB free at {facts.directory}"
    if facts.free_bytes < FREE_LIMIT_BYTES:
        return todo("disk", "disk_low", f"only {free}", "free some space")
    if facts.database_bytes is not None and facts.free_bytes < facts.database_bytes:
        told = f"{free}, less than the database's {facts.database_bytes / 1024**2:,.0f} MiB"
        return todo("disk", "disk_low", told, "free some space: an upgrade or a restore needs as much again")
    return ok("disk", free)
