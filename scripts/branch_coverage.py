"""Run pytest under branch coverage and hold each package to its floor.

`python scripts/branch_coverage.py [PACKAGE …] PYTEST-ARGUMENTS`; processes the tests start are measured too. Ends with
one line per package; exits non-zero where a test failed or a package is below its floor. With packages (protocol,
client, sync, simulator) their own tests run alone, and they alone are judged.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
FLOOR = 95.0  # percent of lines and branches, for the packages that decide what happens to somebody's devices
FLOORS = {"protocol": FLOOR, "client": FLOOR, "sync": FLOOR, "simulator": FLOOR}
OWN_TESTS = {
    "protocol": ("tests/protocol", "tests/contract"),
    "client": ("tests/client", "tests/contract"),
    "sync": ("tests/sync", "tests/jobs"),
    "simulator": ("tests/simulator",),
}
REPORT = ROOT / ".coverage.json"


def coverage(*arguments: str) -> int:
    """Run coverage's own command."""
    return subprocess.run([sys.executable, "-m", "coverage", *arguments], cwd=ROOT, check=False).returncode


def share(summaries: list[dict[str, Any]]) -> float:
    """Percent of lines and branches taken, as coverage itself counts."""
    taken = sum(summary["covered_lines"] + summary["covered_branches"] for summary in summaries)
    there = sum(summary["num_statements"] + summary["num_branches"] for summary in summaries)
    return 100.0 * taken / there if there else 100.0


def by_package(report: dict[str, Any]) -> dict[str, float]:
    """The share of each package directly under adept; a module there counts by its own name."""
    summaries: dict[str, list[dict[str, Any]]] = {}
    for name, entry in report["files"].items():
        package = Path(name).parts[Path(name).parts.index("adept") + 1].removesuffix(".py")
        summaries.setdefault(package, []).append(entry["summary"])
    return {package: share(entries) for package, entries in sorted(summaries.items())}


def main(arguments: list[str]) -> int:
    """Measure, report, and judge."""
    named = [word for word in arguments if word in OWN_TESTS]
    floors = {package: FLOORS[package] for package in named or FLOORS}
    tests_of = dict.fromkeys(folder for package in named for folder in OWN_TESTS[package])
    pytest_arguments = [*(word for word in arguments if word not in named), *tests_of]
    coverage("erase")
    tests = coverage("run", "-m", "pytest", *pytest_arguments)
    coverage("combine", "--quiet")
    watched = ",".join(f"src/adept/{package}/*" for package in floors)
    coverage("report", "--skip-covered", "--show-missing", f"--include={watched}")
    coverage("json", "--quiet", "-o", str(REPORT))
    packages = by_package(json.loads(REPORT.read_text()))
    shown = {package: percent for package, percent in packages.items() if not named or package in floors}
    low = {package for package, percent in shown.items() if percent < floors.get(package, 0.0)}
    for package, percent in shown.items():
        floor = f"at least {floors[package]:g}" if package in floors else ""
        print(f"{package:12} {percent:6.2f} % of lines and branches  {floor}{'  TOO LOW' if package in low else ''}")
    return tests or (1 if low else 0)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
