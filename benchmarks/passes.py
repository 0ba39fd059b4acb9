"""Contenders of the store benchmarks: passes over a simulated account, each in a process of its own.

`python -m benchmarks.passes WHAT DATABASE_URL APPLE_URL TOKEN_FILE [ROUNDS CONTROL_URL]` prints a Run. WHAT is

    first   the first pass of a new account: everything is fetched and kept
    again   a full pass over an account that has everything already
    sync    ROUNDS passes of ten changes each; `extra` says what each cost besides Apple's answers
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
import urllib.request
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeVar

from adept import AsyncClient, ServerToken
from adept.accounts.registry import add
from adept.client.call import Call
from adept.jobs.account_pass import run_pass
from adept.store.audit import ADEPT
from adept.store.database import Store, open_store
from adept.sync.outcome import PassKind, PassOutcome, PassState
from benchmarks.measuring import Watch, median, report

KEY = "YmVuY2htYXJrcyBiZW5jaG1hcmtzIGJlbmNobWFya3M="  # seals what is thrown away
ACCOUNT = "bench"
T = TypeVar("T")


class TimedClient(AsyncClient):
    """A client that adds up how long Apple's answers took."""

    asking_s = 0.0

    async def send(self, call: Call[T]) -> T:
        """As AsyncClient's."""
        started = time.perf_counter()
        try:
            return await super().send(call)
        finally:
            TimedClient.asking_s += time.perf_counter() - started


def connect(token: ServerToken, base_url: str) -> AsyncClient:
    """What every pass asks Apple with."""
    return TimedClient(token, base_url=base_url)


def now() -> datetime:
    """Now."""
    return datetime.now(UTC)


async def one_pass(store: Store, kind: PassKind) -> PassOutcome:
    """Walk the account to its end."""
    outcome = await run_pass(store, ACCOUNT, connect=connect, now=now, holder="benchmark", kind=kind)
    if outcome.state is not PassState.DONE:
        raise SystemExit(f"the pass ended {outcome.state}: {outcome.error}")
    return outcome


async def first_or_again(what: str, database_url: str, apple_url: str, token_file: Path) -> None:
    """One pass, measured."""
    async with open_store(database_url, secret_keys=[KEY], data_dir=None, migrate=True) as store:
        if what == "first":
            token = ServerToken.from_file(token_file)
            await add(store, ACCOUNT, base_url=apple_url, by=ADEPT, now=now, connect=connect, token=token)
        TimedClient.asking_s = 0.0
        with Watch() as watch:
            outcome = await one_pass(store, PassKind.SYNC if what == "first" else PassKind.FULL)
        totals = outcome.totals
        changed = totals.added + totals.modified + totals.deleted
        report(watch.run(totals.devices, {"asking_s": TimedClient.asking_s, "changed": changed}))


async def ten_changes(database_url: str, control_url: str, rounds: int) -> None:
    """So many passes of ten changes each; buying and assigning the devices is not measured."""
    async with open_store(database_url, secret_keys=[KEY], data_dir=None, migrate=False) as store:
        besides: list[float] = []
        asking: list[float] = []
        await one_pass(store, PassKind.SYNC)
        with Watch() as watch:
            for _ in range(rounds):
                buy(control_url, 10)
                TimedClient.asking_s = 0.0
                started = time.perf_counter()
                outcome = await one_pass(store, PassKind.SYNC)
                besides.append(time.perf_counter() - started - TimedClient.asking_s)
                asking.append(TimedClient.asking_s)
                if outcome.totals.added != 10:
                    raise SystemExit(f"expected ten changes, found {outcome.totals}")
        spread = {"besides_s": median(besides), "besides_min_s": min(besides), "besides_max_s": max(besides)}
        report(watch.run(10 * rounds, {**spread, "asking_s": median(asking)}))


def buy(control_url: str, count: int) -> None:
    """New devices for the first server."""
    with urllib.request.urlopen(f"{control_url}/state", timeout=60) as answer:
        state = json.loads(answer.read())
    server = next(iter(state["servers"])) if isinstance(state["servers"], dict) else state["servers"][0]["name"]
    body = json.dumps({"count": count, "server": server}).encode()
    request = urllib.request.Request(f"{control_url}/devices", body, {"Content-Type": "application/json"})
    urllib.request.urlopen(request, timeout=60).close()


def main(
    what: str, database_url: str, apple_url: str, token_file: str, rounds: str = "0", control_url: str = ""
) -> None:
    """Run once."""
    if what == "sync":
        asyncio.run(ten_changes(database_url, control_url, int(rounds)))
    else:
        asyncio.run(first_or_again(what, database_url, apple_url, Path(token_file)))


if __name__ == "__main__":
    main(*sys.argv[1:])
