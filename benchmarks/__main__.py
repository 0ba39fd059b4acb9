"""`python -m benchmarks [--quick] [PART …]`: measure all parts, or those named, and write them into
docs/reference/benchmarks.md unless `--quick`. Parts: library, big, simulator, inventory, load, workers.
"""

from __future__ import annotations

import argparse
import re
import tempfile
from datetime import UTC, datetime
from pathlib import Path

from benchmarks.apple import apple
from benchmarks.big_inventory import inventory_section
from benchmarks.client import client_section
from benchmarks.load import load_section
from benchmarks.machine import described
from benchmarks.postgres import postgres
from benchmarks.simulator import simulator_section
from benchmarks.store import Databases, big_section, sync_section
from benchmarks.workers import workers_section

PAGE = Path(__file__).resolve().parents[1] / "docs" / "reference" / "benchmarks.md"
NOTES = Path(__file__).with_name("notes.md")


PARTS = ("library", "big", "simulator", "inventory", "load", "workers")


def main() -> None:
    """Measure, print, and write."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("parts", nargs="*", metavar="PART", help=f"of {', '.join(PARTS)}; default: all")
    parser.add_argument("--quick", action="store_true", help="small sizes, one round, nothing written")
    parser.add_argument("--rounds", type=int, help="rounds of the library's part")
    asked = parser.parse_args()
    parts = asked.parts or PARTS
    if unknown := set(parts) - set(PARTS):
        parser.error(f"no such part: {', '.join(sorted(unknown))}")
    sections: list[str] = []
    with postgres() as server, tempfile.TemporaryDirectory(prefix="adept-benchmarks-") as folder:
        databases = Databases(Path(folder), server)
        if "library" in parts:
            sections += _library(databases, quick=asked.quick, rounds=asked.rounds)
        if "big" in parts:
            small, big, syncs = (1_000, 5_000, 3) if asked.quick else (10_000, 1_000_000, 30)
            sections.append(_dated(big_section(databases, small=small, big=big, rounds=syncs)))
        if "simulator" in parts:
            huge = 20_000 if asked.quick else 1_000_000
            sections.append(_dated(simulator_section(small=10, big=huge // 10 * 3, huge=huge)))
        if "inventory" in parts:
            sections.append(_dated(inventory_section(databases, devices=5_000 if asked.quick else 1_000_000, times=40)))
        if "load" in parts:
            devices, seconds = (5_000, 3) if asked.quick else (200_000, 30)
            sections.append(_dated(load_section(databases, devices=devices, seconds=seconds)))
        if "workers" in parts:
            accounts, big = (40, 5_000) if asked.quick else (2_000, 500_000)
            sections.append(_dated(workers_section(server, accounts=accounts, big=big)))
        head = _head("make bench", postgresql=server.version())
    print("\n\n".join([head, *sections]))
    if not asked.quick:
        PAGE.write_text(_page(head, sections))


def _library(databases: Databases, *, quick: bool, rounds: int | None) -> list[str]:
    fleet, rounds = (5_000, 1) if quick else (100_000, rounds or 5)
    with apple(fleet) as other_end:
        sections = [client_section(other_end, rounds=rounds)]
        sections.append(sync_section(databases, other_end, rounds=min(rounds, 3)))
    return [_dated(section) for section in sections]


def _dated(section: str) -> str:
    title, _, text = section.partition("\n\n")
    return f"{title}\n\nMeasured on {datetime.now(UTC):%Y-%m-%d}. {text}"


def _page(head: str, measured: list[str]) -> str:
    """The page with what was measured now, and the other sections as they stand there."""
    sections = {
        _title(section): section.strip() for section in re.split(r"^(?=## )", PAGE.read_text(), flags=re.MULTILINE)[1:]
    }
    notes = NOTES.read_text().strip()
    sections.pop(_title(notes), None)
    sections |= {_title(section): section for section in measured}
    return "\n\n".join([head, *sections.values(), notes]) + "\n"


def _title(section: str) -> str:
    return section.partition("\n")[0]


def _head(command: str, *, postgresql: str) -> str:
    return (
        "# Benchmarks\n\n"
        f'Written by `{command}`, not by hand (`ARGS="inventory load"`: these parts alone).\n\n'
        "Every run is a process of its own; contenders take turns within a round; numbers are medians, in brackets\n"
        "the lowest and the highest. CPU is that of the measured process, not of the simulator or of PostgreSQL,\n"
        "which share the machine with it.\n\n" + described(command, postgresql=postgresql)
    )


if __name__ == "__main__":
    main()
