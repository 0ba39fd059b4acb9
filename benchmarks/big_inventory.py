"""Lists, searches and exports of a big inventory, on either engine, beside their aims."""

from __future__ import annotations

import subprocess
import sys

from benchmarks.inventory import QUESTIONS
from benchmarks.measuring import Contender, Run, run_once, table, verdict
from benchmarks.store import ENGINES, Databases

EXPORT_AIM = 100_000  # devices a second
SHARES = ("p50", "p95", "cpu")


def inventory_section(databases: Databases, *, devices: int, times: int) -> str:
    """What each question takes, and exports."""
    asked: dict[str, Run] = {}
    exported: dict[tuple[str, str], Run] = {}
    for engine, label in ENGINES.items():
        url = databases.new(engine)
        subprocess.run([sys.executable, "-m", "benchmarks.fleets", url, str(devices), "20"], check=True)
        asked[engine] = run_once(Contender(f"questions to {label}", ("benchmarks.inventory", "ask", url, str(times))))
        for form in ("csv", "ndjson"):
            words = ("benchmarks.inventory", "export", url, form)
            exported[engine, form] = run_once(Contender(f"export of {label} as {form}", words))
    rows = [
        (
            name,
            f"{aim:.0f}",
            *(f"{asked[engine].extra[f'{name}: {share}']:.0f}" for engine in ENGINES for share in SHARES),
        )
        for name, (_, aim) in QUESTIONS.items()
    ]
    head = ("question", "aim p95 ms", *(f"{label} {share}" for label in ENGINES.values() for share in SHARES))
    slow = [
        f"{name} on {label}"
        for engine, label in ENGINES.items()
        for name, (_, aim) in QUESTIONS.items()
        if asked[engine].extra[f"{name}: p95"] > aim
    ]
    told = [
        verdict("every question within its aim", ", ".join(slow) if slow else "all are", met=not slow),
        *(
            verdict(
                f"export as {form} from {ENGINES[engine]} at {EXPORT_AIM:,} devices/s or more",
                f"{run.count / run.seconds:,.0f}, in {run.peak_bytes / 1e6:.0f} MB",
                met=run.count / run.seconds >= EXPORT_AIM,
            )
            for (engine, form), run in exported.items()
        ),
    ]
    return (
        f"## A big inventory\n\n{devices:,} devices in 20 accounts, asked {times} times each question, each time for "
        "something else: 100 devices and how many there are in all (counted to 10,000), as JSON; in the server, "
        "without HTTP. Milliseconds; cpu is what half of the answers cost the server's process, in which SQLite works "
        "and PostgreSQL doesn't.\n\n" + table(head, rows) + "\n\n" + "\n".join(told)
    )
