"""Run pytest under branch coverage and hold each package to its floor.

`python scripts/branch_coverage.py PYTEST-ARGUMENTS`; processes the tests start are measured too. Ends with one line per
package; exits non-zero where a test failed or a package is below its floor.
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


def main(pytest_arguments: list[str]) -> int:
    """Measure, report, and judge."""
    coverage("erase")
    tests = coverage("run", "-m", "pytest", *pytest_arguments)
    coverage("combine", "--quiet")
    watched = ",".join(f"src/adept/{package}/*" for package in FLOORS)
    coverage("report", "--skip-covered", "--show-missing", f"--include={watched}")
    coverage("json", "--quiet", "-o", str(REPORT))
    packages = by_package(json.loads(REPORT.read_text()))
    low = {package for package, percent in packages.items() if percent < FLOORS.get(package, 0.0)}
    for package, percent in packages.items():
        floor = f"at least {FLOORS[package]:g}" if package in FLOORS else ""
        print(f"{package:12} {percent:6.2f} % of lines and branches  {floor}{'  TOO LOW' if package in low else ''}")
    return tests or (1 if low else 0)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
