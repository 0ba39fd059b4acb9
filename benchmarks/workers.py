"""Many accounts and one big one on PostgreSQL, walked by `adept worker` processes that are killed in turn.

Then the same accounts are due again and again without news, for so many of them and so many workers; and at last nobody
is due. What a pass costs without any news is what an account costs that nothing happens to.
"""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import psycopg

from adept import ServerToken
from adept.accounts.registry import add
from adept.store.accounts import account_named
from adept.store.audit import ADEPT
from adept.store.database import open_store
from benchmarks.apple import Apple, apple, cpu_s
from benchmarks.measuring import table, verdict
from benchmarks.passes import KEY, connect, now
from benchmarks.postgres import Server
from tests.acceptance.faults.verdict import LEFT_BEHIND
from tests.sync.truth import assert_equals_the_truth

BIG = "big"
SMALL_DEVICES = 50
WORKERS = 3
KILLED_AT = (0.2, 0.4, 0.6)  # of all devices stored
BACK_AFTER_S = 5
RESTING_S = 30
WITHIN_S = 3600
FASTER = {"ADEPT_APPLE_REQUESTS_PER_S": "1000", "ADEPT_ACCOUNT_REQUESTS_PER_S": "1000"}  # not the pace is measured


class Workers:
    """Worker processes on one database."""

    def __init__(self, database_url: str, folder: Path) -> None:
        self._folder = folder
        settings = {
            "ADEPT_DATABASE_URL": database_url,
            "ADEPT_SECRET_KEYS": KEY,
            "ADEPT_DATA_DIR": str(folder),
            "ADEPT_ALLOW_PRIVATE_ADDRESSES": "true",
        }
        self._environment = os.environ | settings | FASTER
        self.running: dict[str, subprocess.Popen[bytes]] = {}  # by the name that a worker writes into leases

    def start(self) -> str:
        """One more; its name, once it works."""
        ready = self._folder / f"ready-{time.monotonic_ns()}"
        command = [sys.executable, "-m", "adept.cli.main", "worker", "--ready-file", str(ready), "--log-level", "error"]
        with (self._folder / "log").open("ab") as log:
            process = subprocess.Popen(command, env=self._environment, stdout=subprocess.DEVNULL, stderr=log)
        while not (ready.exists() and ready.read_text().endswith("\n")):
            if process.poll() is not None:
                raise SystemExit(f"a worker ended with {process.returncode}: {(self._folder / 'log').read_text()}")
            time.sleep(0.05)
        name = ready.read_text().split()[1].removeprefix("worker=")
        self.running[name] = process
        return name

    def kill(self, name: str) -> None:
        """End it as a power cut would."""
        process = self.running.pop(name)
        process.kill()
        process.wait()

    def cpu_s(self) -> float:
        """What the running ones have used."""
        return sum(cpu_s(process.pid) for process in self.running.values())

    def end(self) -> None:
        """Ask all to end."""
        for process in self.running.values():
            process.terminate()
        for process in self.running.values():
            process.wait(30)
        self.running.clear()


class Table:
    """What the database says, asked from outside."""

    def __init__(self, url: str) -> None:
        self._connection = psycopg.connect(url, autocommit=True)

    def ask(self, query: str, *values: Any) -> Any:
        """The one value of the answer, None where there is none."""
        cursor = self._connection.execute(query.encode(), values or None)
        row = cursor.fetchone() if cursor.description else None
        return row[0] if row else None

    def until(self, query: str, *values: Any) -> float:
        """Wait until the one value is true; how long it took."""
        began_s = time.perf_counter()
        while not self.ask(query, *values):
            if time.perf_counter() - began_s > WITHIN_S:
                raise SystemExit(f"never came true: {query}")
            time.sleep(0.1)
        return time.perf_counter() - began_s

    def close(self) -> None:
        """Hang up."""
        self._connection.close()


def workers_section(server: Server, *, accounts: int, big: int) -> str:
    """The run with its kills, its check, and the rounds after it."""
    url = server.new_database()
    with apple(big) as other_end, tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        names = [f"account-{number:05}" for number in range(accounts)]
        asyncio.run(_found(url, other_end, names))
        database, workers = Table(url), Workers(url, Path(folder))
        stack.callback(database.close)
        stack.callback(workers.end)
        devices = big + SMALL_DEVICES * accounts
        told = _first_passes(database, workers, accounts=accounts, devices=devices)
        checked = asyncio.run(_checked(url, other_end, [BIG, *names], devices, database))
        size = database.ask("SELECT pg_database_size(current_database())")
        told.append(("the database", f"{size / 1e6:,.0f} MB, {size / devices:,.0f} bytes a device"))
        rounds = _rounds(database, workers, server, accounts)
        resting = _resting(workers, server)
    run = (
        f"{accounts:,} accounts of {SMALL_DEVICES} devices and one of {big:,}, all new, on PostgreSQL; three "
        "`adept worker` of 8 accounts at once. When a fifth, two fifths and three fifths of the devices are stored, "
        "one of them is killed with `kill -9`, that first which is at the big account, and another started "
        f"{BACK_AFTER_S} s later. Limits on requests to Apple are out of the way (1,000 a second). Workers, PostgreSQL "
        "and the simulated Apple share the machine's cores."
    )
    then = (
        "Then so many accounts are due at once, by so many workers, and Apple has no news. CPU is that of the workers "
        "and of PostgreSQL."
    )
    head = ("accounts due", "workers", "s", "passes/s", "ms CPU a pass", "PostgreSQL, ms CPU a pass")
    title = "## Many accounts, three workers, each killed"
    parts = [title, run, table(("", ""), told), "\n".join(checked), then, table(head, rounds), resting]
    return "\n\n".join(parts)


async def _found(url: str, other_end: Apple, names: Sequence[str]) -> None:
    """Servers and devices at Apple, and an account for each."""
    gate = asyncio.Semaphore(8)
    async with open_store(url, secret_keys=[KEY], data_dir=None, migrate=True) as store:

        async def one(name: str, token: ServerToken) -> None:
            async with gate:
                await add(store, name, base_url=other_end.url, token=token, connect=connect, by=ADEPT, now=now)

        tokens = {BIG: ServerToken.from_file(other_end.token_file)}
        for name in names:
            other_end.control("/servers", {"name": name})
            other_end.control("/devices", {"count": SMALL_DEVICES, "server": name})
            token = other_end.control(f"/servers/{name}/token?form=json", {})
            tokens[name] = ServerToken.from_json(json.dumps(token).encode())
        await asyncio.gather(*(one(name, token) for name, token in tokens.items()))


def _first_passes(database: Table, workers: Workers, *, accounts: int, devices: int) -> list[tuple[str, str]]:
    """All accounts walked for the first time, while workers die."""
    began_s = time.perf_counter()
    victims = [workers.start() for _ in range(WORKERS)]
    holds_big = "SELECT lease_holder FROM accounts WHERE name = %s"
    taken_over: list[float] = []
    for share in KILLED_AT:
        database.until("SELECT sum(live_devices) >= %s FROM accounts", int(share * devices))
        at_big = database.ask(holds_big, BIG)
        victim = at_big if at_big in victims else victims[0]
        victims.remove(victim)
        workers.kill(victim)
        if victim == at_big:
            taken_over.append(
                database.until("SELECT coalesce(lease_holder, '') <> %s FROM accounts WHERE name = %s", victim, BIG)
            )
        time.sleep(BACK_AFTER_S)
        workers.start()
    is_walked = "last_pass_at IS NOT NULL AND cursor_at IS NOT NULL AND lease_until IS NULL"
    database.until(f"SELECT count(*) = {accounts} FROM accounts WHERE name <> %s AND {is_walked}", BIG)
    small_s = time.perf_counter() - began_s
    database.until(f"SELECT count(*) = 1 FROM accounts WHERE name = %s AND {is_walked}", BIG)
    all_s = time.perf_counter() - began_s
    return [
        (f"the {accounts:,} small accounts are walked after", f"{small_s:,.0f} s"),
        ("all are walked after", f"{all_s:,.0f} s, {devices / all_s:,.0f} devices/s"),
        ("the big one is another's after", ", ".join(f"{one:.0f} s" for one in taken_over) or "its worker was not hit"),
    ]


async def _checked(url: str, other_end: Apple, names: Sequence[str], devices: int, database: Table) -> list[str]:
    """What is stored and told, held against the simulator."""
    wrong: list[str] = []
    async with open_store(url, secret_keys=[KEY], data_dir=None, migrate=False) as store:
        for name in names:
            async with store.reading() as tx:
                account_id = (await account_named(tx, name)).id
            truth = _truth(other_end, "" if name == BIG else f"?server={name}")
            try:
                await assert_equals_the_truth(store, account_id, truth)
            except AssertionError:
                wrong.append(name)
    return [
        verdict(
            "the devices of every account are Apple's, with every field",
            f"{len(names) - len(wrong):,} of {len(names):,} accounts are right",
            met=not wrong,
        ),
        *_told_once(database, devices),
    ]


def _truth(other_end: Apple, query: str) -> dict[str, bytes]:
    with urllib.request.urlopen(f"{other_end.control_url}/devices{query}", timeout=300) as answer:
        found = json.loads(answer.read())["devices"]
    return {device["serial_number"]: json.dumps(device).encode() for device in found}


def _told_once(database: Table, devices: int) -> list[str]:
    told, different = (
        database.ask(f"SELECT count({what}) FROM changes") for what in ("*", "DISTINCT (account_id, serial_number)")
    )
    left = {what: count for what, query in LEFT_BEHIND.items() if (count := database.ask(query))}
    found = ", ".join(f"{count} {what}" for what, count in left.items()) or "nothing is"
    return [
        verdict(
            "every device is told once",
            f"{told:,} changes, of {different:,} devices",
            met=told == different == devices,
        ),
        verdict("nothing is left behind", found, met=not left),
    ]


def _rounds(database: Table, workers: Workers, server: Server, accounts: int) -> list[tuple[str, ...]]:
    """Passes without news, for fewer and more accounts and workers."""
    rows = []
    for count, width in ((accounts // 4, 3), (accounts // 2, 3), (accounts, 3), (accounts, 2), (accounts, 1)):
        while len(workers.running) > width:
            process = workers.running.pop(next(iter(workers.running)))
            process.terminate()
            process.wait(30)
        before = database.ask("SELECT max(id) FROM passes")
        cpu, their_cpu, began_s = workers.cpu_s(), server.cpu_s(), time.perf_counter()
        chosen = f"SELECT id FROM accounts WHERE name <> %s ORDER BY id LIMIT {count}"
        database.ask(f"UPDATE accounts SET next_sync_at = now() WHERE id IN ({chosen})", BIG)
        database.until("SELECT count(*) >= %s FROM passes WHERE id > %s AND state = 'done'", count, before)
        took_s = time.perf_counter() - began_s
        cpu, their_cpu = workers.cpu_s() - cpu, server.cpu_s() - their_cpu
        each = [f"{1000 * used / count:.1f}" for used in (cpu, their_cpu)]
        rows.append((f"{count:,}", str(width), f"{took_s:.1f}", f"{count / took_s:.0f}", *each))
        print("  round:", *rows[-1], flush=True)
    return rows


def _resting(workers: Workers, server: Server) -> str:
    """What a worker costs, and PostgreSQL, while nobody is due."""
    while len(workers.running) < WORKERS:
        workers.start()
    time.sleep(BACK_AFTER_S)
    cpu, their_cpu, began_s = workers.cpu_s(), server.cpu_s(), time.perf_counter()
    time.sleep(RESTING_S)
    took_s = time.perf_counter() - began_s
    ours, theirs = (workers.cpu_s() - cpu) / WORKERS / took_s, (server.cpu_s() - their_cpu) / took_s
    return (
        f"While nobody is due, a worker uses {100 * ours:.1f} % of a core, and PostgreSQL {100 * theirs:.1f} % for "
        f"{WORKERS} of them (over {RESTING_S} s)."
    )
