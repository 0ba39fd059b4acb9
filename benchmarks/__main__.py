"""`python -m benchmarks [--quick]`: measure everything; write docs/reference/benchmarks.md unless `--quick`."""

from __future__ import annotations

import argparse
import tempfile
from datetime import UTC, datetime
from pathlib import Path

from benchmarks.apple import apple
from benchmarks.client import client_section
from benchmarks.machine import described
from benchmarks.postgres import postgres
from benchmarks.store import Databases, big_section, sync_section

PAGE = Path(__file__).resolve().parents[1] / "docs" / "reference" / "benchmarks.md"
NOTES = Path(__file__).with_name("notes.md")


def main() -> None:
    """Measure, print, and write."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="small sizes, one round, nothing written")
    parser.add_argument("--rounds", type=int, help="rounds of the first two parts")
    quick = parser.parse_args()
    fleet, rounds = (5_000, 1) if quick.quick else (100_000, quick.rounds or 5)
    small, big, syncs = (1_000, 5_000, 3) if quick.quick else (10_000, 1_000_000, 30)
    command = "make bench ARGS=--quick" if quick.quick else "make bench"
    with postgres() as server, tempfile.TemporaryDirectory(prefix="adept-benchmarks-") as folder:
        sections = [_head(command, postgresql=server.version())]
        databases = Databases(Path(folder), server)
        with apple(fleet) as other_end:
            sections.append(client_section(other_end, rounds=rounds))
            sections.append(sync_section(databases, other_end, rounds=min(rounds, 3)))
        sections.append(big_section(databases, small=small, big=big, rounds=syncs))
    text = "\n\n".join([*sections, NOTES.read_text().strip()]) + "\n"
    print(text)
    if not quick.quick:
        PAGE.write_text(text)


def _head(command: str, *, postgresql: str) -> str:
    return (
        "# Benchmarks\n\n"
        f"Measured on {datetime.now(UTC):%Y-%m-%d}; written by `{command}`, not by hand.\n\n"
        "Every run is a process of its own; contenders take turns within a round; numbers are medians, in brackets\n"
        "the lowest and the highest. CPU is that of the measured process, not of the simulator or of PostgreSQL,\n"
        "which share the machine with it.\n\n" + described(command, postgresql=postgresql)
    )


if __name__ == "__main__":
    main()
