"""The store: a first sync beside the bare driver, the same fleet again, ten changes in a big account, memory."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from benchmarks.apple import Apple, apple
from benchmarks.measuring import (
    Contender,
    Run,
    cpu_per_thousand,
    megabytes,
    per_second,
    rate,
    run_once,
    table,
    verdict,
)
from benchmarks.postgres import Server

ENGINES = {"sqlite": "SQLite", "postgresql": "PostgreSQL"}
AGAIN_AIMS = {"sqlite": 4, "postgresql": 2}
SYNC_AIM_MS = 30
MEMORY_AIM_MB = 150


class Databases:
    """New databases of either engine, in a folder that is thrown away."""

    def __init__(self, folder: Path, server: Server) -> None:
        self._folder = folder
        self._server = server
        self._made = 0

    def new(self, engine: str) -> str:
        """The URL of a new one."""
        self._made += 1
        if engine == "sqlite":
            return f"sqlite:///{self._folder / f'{self._made}.sqlite3'}"
        return self._server.new_database()


def passes(what: str, database: str, apple: Apple, *more: str) -> Contender:
    """A pass as a contender."""
    return Contender(what, ("benchmarks.passes", what, database, apple.url, str(apple.token_file), *more))


def sync_section(databases: Databases, apple: Apple, *, rounds: int) -> str:
    """First sync, its floor, and the same fleet again; each round on databases of its own."""
    rows, verdicts = [], []
    devices = 0
    for engine, name in ENGINES.items():
        runs: dict[str, list[Run]] = {"floor": [], "first": [], "again": []}
        for number in range(rounds):
            database = databases.new(engine)
            first = run_once(passes("first", database, apple))
            floor_contender = Contender("floor", ("benchmarks.floors", databases.new(engine), database))
            again_contender = passes("again", database, apple)
            pair = [("floor", floor_contender), ("again", again_contender)]
            found = {key: run_once(contender) for key, contender in (pair if number % 2 == 0 else pair[::-1])}
            for key, run in {"first": first, **found}.items():
                runs[key].append(run)
                print(f"  {name}, round {number + 1}: {key}: {run.seconds:.2f} s, {run.cpu_s:.2f} s CPU", flush=True)
        devices = runs["first"][0].count
        labels = {
            "floor": "the bare driver, the same rows",
            "first": "adept, first sync",
            "again": "adept, the same again",
        }
        rows += [
            (f"{name}: {labels[key]}", per_second(found), cpu_per_thousand(found), megabytes(found))
            for key, found in runs.items()
        ]
        verdicts += _sync_verdicts(engine, runs)
    head = f"## A fleet into the store\n\n{devices:,} devices, 1000 a page, everything kept; {rounds} rounds."
    numbers = table(("", "devices/s", "CPU ms per 1000 devices", "peak MB"), rows)
    return "\n\n".join([head, numbers, "\n".join(verdicts)])


def _sync_verdicts(engine: str, runs: dict[str, list[Run]]) -> list[str]:
    of_floor = rate(runs["first"]) / rate(runs["floor"])
    of_first = rate(runs["again"]) / rate(runs["first"])
    changed = sum(run.extra["changed"] for run in runs["again"])
    name, aim = ENGINES[engine], AGAIN_AIMS[engine]
    return [
        verdict(
            f"{name}: a first sync at least 0.5 times the bare driver",
            f"{of_floor:.2f} times",
            met=of_floor >= 0.5,
        ),
        verdict(
            f"{name}: the same fleet again writes no device and is at least {aim} times as fast",
            f"{changed:.0f} changes, {of_first:.1f} times",
            met=changed == 0 and of_first >= aim,
        ),
    ]


def big_section(databases: Databases, *, small: int, big: int, rounds: int) -> str:
    """Memory of a first pass, and the cost of ten changes, in a small account and in a big one."""
    rows, verdicts = [], []
    for engine, name in ENGINES.items():
        firsts, syncs = {}, {}
        for size in (small, big):
            with apple(size) as other_end:
                database = databases.new(engine)
                firsts[size] = run_once(passes("first", database, other_end))
                more = (str(rounds), other_end.control_url)
                syncs[size] = run_once(passes("sync", database, other_end, *more))
            print(f"  {name}, {size:,}: {firsts[size].seconds:.0f} s, {syncs[size].extra}", flush=True)
            rows.append(_big_row(f"{name}, {size:,} devices", firsts[size], syncs[size]))
        verdicts += _big_verdicts(name, [firsts[small], firsts[big]], [syncs[small], syncs[big]])
    header = ("account", "first sync, s", "peak MB", "ten changes, ms besides Apple's answer", "Apple's answer, ms")
    head = f"## Big accounts\n\nOne first sync each; then {rounds} passes of ten changes each, median (lowest–highest)."
    return "\n\n".join([head, table(header, rows), "\n".join(verdicts)])


def _big_row(label: str, first: Run, sync: Run) -> tuple[str, ...]:
    ms: Callable[[str], str] = lambda key: f"{sync.extra[key] * 1000:.1f}"  # noqa: E731
    return (
        label,
        f"{first.seconds:.1f}",
        f"{first.peak_bytes / 1e6:.0f}",
        f"{ms('besides_s')} ({ms('besides_min_s')}–{ms('besides_max_s')})",
        ms("asking_s"),
    )


def _big_verdicts(name: str, firsts: list[Run], syncs: list[Run]) -> list[str]:
    small_mb, big_mb = (run.peak_bytes / 1e6 for run in firsts)
    took = [run.extra["besides_s"] * 1000 for run in syncs]
    return [
        verdict(
            f"{name}: ten changes under {SYNC_AIM_MS} ms besides Apple's answer, whatever the account's size",
            f"{took[0]:.1f} and {took[1]:.1f} ms",
            met=took[1] < SYNC_AIM_MS and took[1] < 1.5 * took[0],
        ),
        verdict(
            f"{name}: peak memory within 15 % and under {MEMORY_AIM_MB} MB",
            f"{small_mb:.0f} and {big_mb:.0f} MB",
            met=big_mb < MEMORY_AIM_MB and big_mb <= 1.15 * small_mb,
        ),
    ]
