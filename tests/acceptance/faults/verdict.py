"""After a run: is everything stored and told that happened at Apple, exactly once, and is nothing left behind?"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import text

from adept.store import changes, inventory
from adept.store.accounts import account_named
from adept.store.database import Store
from adept.store.device_filters import DeviceFilter
from adept.sync.changes import content
from tests.acceptance.faults.acts import ACCOUNTS, OURS, SHORT_FETCHES
from tests.acceptance.faults.history import contradictions, histories, told
from tests.acceptance.faults.people import Desk, Follower, NotAnswered, Renewals
from tests.acceptance.faults.site import Site, until
from tests.sync.truth import assert_equals_the_truth, assert_the_feed_tells_every_change_once

SETTLED_WITHIN_S = 150  # a lease runs out after 30, a worker is dead after 30; a pass that waits gives up after 60
NEEDING_TOKEN = ("rejected", "expired", "no_token")
SHOWN = 5  # of a list of things that are wrong

# What there should be none of once everything has settled: a name for people, and a query that counts.
LEFT_BEHIND = {
    "leases": "SELECT count(*) FROM accounts WHERE lease_until IS NOT NULL OR lease_holder IS NOT NULL",
    "passes that run or wait": "SELECT count(*) FROM passes WHERE state IN ('running', 'queued')",
    "unended passes": "SELECT count(*) FROM passes WHERE ended_at IS NULL",
    "jobs of the engine": "SELECT count(*) FROM procrastinate_jobs WHERE status IN ('todo', 'doing')",
    "open holds": "SELECT count(*) FROM holds WHERE state = 'open'",
    "unfinished fetches": (
        "SELECT count(*) FROM accounts WHERE fetch_id IS NOT NULL OR full_requested OR phase = 'fetch'"
    ),
    "seen pages": "SELECT count(*) FROM seen_pages",
    "devices in doubt": "SELECT count(*) FROM devices WHERE in_doubt",
    "malformed devices": "SELECT count(*) FROM malformed_devices",
    "tokens that wait": "SELECT count(*) FROM server_tokens WHERE state = 'candidate'",
    "accounts without just one working token": (
        "SELECT count(*) FROM accounts WHERE 1 <> "
        "(SELECT count(*) FROM server_tokens AS t WHERE t.account_id = accounts.id AND t.state = 'active')"
    ),
    "accounts that failed last": "SELECT count(*) FROM accounts WHERE failures > 0 OR strikes > 0",
    "accounts that are not well": "SELECT count(*) FROM accounts WHERE health <> 'ok'",
    "accounts due too late": (
        "SELECT count(*) FROM accounts WHERE next_sync_at > now() + interval_s * 1.2 * interval '1 second'"
        " OR next_probe_at > now() + interval '27 hours'"
    ),
    "times in the future": (
        "SELECT count(*) FROM accounts WHERE now() + interval '1 minute'"
        " < greatest(health_since, last_fetch_at, last_pass_at, cursor_at, identity_at)"
    ),
    "retention due too late": "SELECT count(*) FROM retention WHERE next_at > now() + interval '62 minutes'",
    "shares of Apple's limits": "SELECT count(*) FROM apple_shares WHERE until > now()",
    "transactions that idle": (
        "SELECT count(*) FROM pg_stat_activity WHERE state LIKE 'idle in transaction%' AND pid <> pg_backend_pid()"
        " AND state_change < clock_timestamp() - interval '2 seconds'"
    ),
    "locks": (
        "SELECT count(*) FROM pg_locks AS l JOIN pg_stat_activity AS a USING (pid)"
        " WHERE (NOT granted OR locktype = 'advisory') AND xact_start < clock_timestamp() - interval '2 seconds'"
    ),
}


@dataclass
class Verdict:
    """What is wrong, a sentence each; `healed` counts what a person had to do, as the design says."""

    wrong: list[str] = field(default_factory=list)
    healed: list[str] = field(default_factory=list)
    settled_s: float = 0.0

    def add(self, what: str, found: Sequence[str]) -> None:
        """Note what was found wrong, the first few of many."""
        self.wrong += [f"{what}: {one}" for one in found[:SHOWN]]
        if len(found) > SHOWN:
            self.wrong.append(f"{what}: and {len(found) - SHOWN} more")


async def judge(site: Site, desk: Desk, renewals: Renewals, follower: Follower) -> Verdict:
    """Let everything settle, then compare with Apple's truth: after a sync, and once more after a full fetch."""
    verdict, began_s = Verdict(), time.monotonic()

    async def are_ready() -> bool:
        return await site.is_database_up() and all(site.machines[name].is_ready for name in OURS)

    if not await until(are_ready, within_s=SETTLED_WITHIN_S):
        verdict.wrong.append("PostgreSQL, services and workers were not all ready again")
        return verdict
    async with site.store() as store:
        hidden = await _accounts_shown_too_little(site)
        if await _pass_of_each(desk, renewals, verdict, kind="sync"):
            held = {account for account in ACCOUNTS if await _open_holds(desk, account)}  # kept until a person looked
            for account in set(ACCOUNTS) - hidden - held:
                await _compare(store, site, account, verdict, when="after a sync")
        if await _pass_of_each(desk, renewals, verdict, kind="full"):
            await _decide_holds(desk, site, verdict)
            for account in ACCOUNTS:
                await _compare(store, site, account, verdict, when="after a full fetch")
        await _nothing_is_left_behind(store, verdict)
        await _follower_saw_everything(store, follower, verdict)
        for account in ACCOUNTS:
            await _feed_is_what_the_log_implies(store, site, account, verdict)
    for machine in site.machines.values():
        verdict.wrong += machine.broke
    verdict.settled_s = time.monotonic() - began_s
    return verdict


async def _accounts_shown_too_little(site: Site) -> set[str]:
    """Accounts of which a fetch was cut short: what was new on it is found by the next full fetch, no earlier."""
    of = {site.server(account): account for account in ACCOUNTS}
    return {
        of[entry["server"]]
        for entry in await site.requests()
        if entry["fault"] in SHORT_FETCHES and entry["server"] is not None
    }


async def _pass_of_each(desk: Desk, renewals: Renewals, verdict: Verdict, *, kind: str) -> bool:
    """A pass of every account, asked for until one ends well; a person renews the token where it is dead."""
    left: dict[str, int] = {}
    missing = set(ACCOUNTS)

    async def have_ended() -> bool:
        for account in sorted(missing):
            try:
                if account not in left:
                    left[account] = await desk.ask_for_pass(account, kind)
                found = (await desk.ask("GET", f"/passes/{left[account]}")).json()
                if found["state"] == "done":
                    missing.discard(account)
                elif found["state"] not in ("queued", "running"):
                    del left[account]
                    health = (await desk.ask("GET", f"/accounts/{account}")).json()["health"]
                    if health in NEEDING_TOKEN:
                        verdict.healed.append(f"a token of {account} renewed, which was {health}")
                        await renewals.renew(account)
            except NotAnswered:
                left.pop(account, None)
        return not missing

    if await until(have_ended, within_s=SETTLED_WITHIN_S):
        return True
    for account in sorted(missing):
        shown = (await desk.ask("GET", f"/accounts/{account}")).json()
        passes = (await desk.ask("GET", f"/accounts/{account}/passes", params={"limit": 3})).json()["items"]
        last = [f"{one['state']} {one['error'] or ''}".strip() for one in passes]
        verdict.wrong.append(f"{account}: no {kind} pass ended well in {SETTLED_WITHIN_S} s: {shown['health']}, {last}")
    return False


async def _open_holds(desk: Desk, account: str) -> list[dict[str, Any]]:
    listed = (await desk.ask("GET", f"/accounts/{account}/holds")).json()["items"]
    return [hold for hold in listed if hold["state"] == "open"]


async def _decide_holds(desk: Desk, site: Site, verdict: Verdict) -> None:
    """A person looks at what is held: it must be gone at Apple, and then may go here."""
    for account in ACCOUNTS:
        for hold in await _open_holds(desk, account):
            held = (await desk.ask("GET", f"/accounts/{account}/holds/{hold['id']}")).json()["serial_numbers"]
            alive = set(held) & set(await site.truth(account))
            verdict.add(f"{account}: a hold keeps devices that Apple has", sorted(alive))
            await desk.ask("PUT", f"/accounts/{account}/holds/{hold['id']}", json={"decision": "confirm"})
            verdict.healed.append(f"a hold of {len(held)} devices of {account} confirmed")


async def _compare(store: Store, site: Site, account: str, verdict: Verdict, *, when: str) -> None:
    """The account's live devices are Apple's, and the feed tells them."""
    async with store.reading() as tx:
        account_id = (await account_named(tx, account)).id
        rows = await inventory.device_rows(tx, DeviceFilter(account_id=account_id, deleted=False), limit=1_000_000)
    truth = await site.truth(account)
    stored = {row.serial_number: content(row.document) for row in rows}
    wanted = {serial: content(document) for serial, document in truth.items()}
    verdict.add(f"{account} {when}, lost", sorted(wanted.keys() - stored.keys()))
    verdict.add(f"{account} {when}, not at Apple's", sorted(stored.keys() - wanted.keys()))
    both = stored.keys() & wanted.keys()
    verdict.add(f"{account} {when}, out of date", sorted(serial for serial in both if stored[serial] != wanted[serial]))
    try:
        await assert_equals_the_truth(store, account_id, truth)
        await assert_the_feed_tells_every_change_once(store, account_id)
    except (AssertionError, KeyError) as error:
        line = error.__traceback__.tb_next.tb_lineno if error.__traceback__ and error.__traceback__.tb_next else 0
        verdict.wrong.append(f"{account} {when}: tests/sync/truth.py:{line} {type(error).__name__} {error}"[:300])


async def _nothing_is_left_behind(store: Store, verdict: Verdict) -> None:
    left: dict[str, int] = {}

    async def is_clean() -> bool:
        left.clear()
        async with store.reading() as tx:
            for what, query in LEFT_BEHIND.items():
                if count := (await tx.execute(text(query))).scalar_one():
                    left[what] = count
        return not left

    if not await until(is_clean, within_s=60):
        verdict.add("left behind", [f"{count} {what}" for what, count in left.items()])


async def _follower_saw_everything(store: Store, follower: Follower, verdict: Verdict) -> None:
    """All changes, each once, in their order, as they stand in the table."""
    while await follower.read_on():
        pass
    if follower.gone is not None:
        verdict.wrong.append(f"the follower of the feed was turned away: {follower.gone}")
        return
    async with store.reading() as tx:
        stored = await changes.changes_after(tx, 0, limit=10_000_000)
    seen = [_key(item["cursor"], item["account"], item["serial_number"], item["kind"]) for item in follower.seen]
    there = [_key(row.id, row.account_name, row.serial_number, row.kind) for row in stored]
    if seen != there:
        verdict.add("the follower was told what is not there", sorted(set(seen) - set(there)))
        verdict.add("the follower was not told", sorted(set(there) - set(seen)))
        verdict.add("the follower was told twice", sorted({one for one in seen if seen.count(one) > 1}))


def _key(number: Any, *words: str) -> str:
    return " ".join((f"{int(number):012}", *words))


async def _feed_is_what_the_log_implies(store: Store, site: Site, account: str, verdict: Verdict) -> None:
    async with store.reading() as tx:
        account_id = (await account_named(tx, account)).id
        rows = await changes.changes_after(tx, 0, account_id=account_id, limit=10_000_000)
    asked = [entry for entry in await site.requests() if entry["server"] == site.server(account)]
    was_asked = any(entry["path"] == "/devices" for entry in asked)
    history = histories(site.founded[account], await site.log(account))
    found = contradictions(history, told(rows), strict=not was_asked)
    verdict.add(f"{account}: the feed against Apple's log", found)
