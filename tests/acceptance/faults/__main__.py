"""`make soak MINUTES=20`: runs with seeds of their own, one after the other, until the time is over.

Prints the acts, then for each run what was survived and what is wrong; at the end all of it together. Exit code 1 if
anything was lost, told twice or left behind. `--seed N --runs 1` repeats a run. With `--away 310 --runs 1` there is no
storm, but PostgreSQL is away for so many seconds.
"""

from __future__ import annotations

import argparse
import asyncio
import signal
import sys
import time
from collections import Counter

from tests.acceptance.faults.acts import Act, outage, schedule
from tests.acceptance.faults.run import Outcome, run


def main() -> int:
    """Run, print, say whether anything was wrong."""
    parser = argparse.ArgumentParser(prog="python -m tests.acceptance.faults", description=__doc__)
    parser.add_argument("--minutes", type=float, default=10.0, help="begin no run after so many minutes; default: 10")
    parser.add_argument("--runs", type=int, help="no more than so many runs")
    parser.add_argument("--seed", type=int, default=int(time.time()), help="of the first run; default: the time")
    parser.add_argument("--seconds", type=float, default=120.0, help="how long each storm lasts; default: 120")
    parser.add_argument("--away", type=float, help="no storms, but PostgreSQL away for so many seconds")
    parser.add_argument("--acts", action="store_true", help="print the acts of that seed, and run nothing")
    asked = parser.parse_args()
    if asked.acts:
        print(*_acts(asked, asked.seed), sep="\n")
        return 0
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # as Ctrl-C: whoever was started is ended
    outcomes: list[Outcome] = []
    began_s = time.monotonic()
    while time.monotonic() - began_s < 60 * asked.minutes and (asked.runs is None or len(outcomes) < asked.runs):
        seed = asked.seed + len(outcomes)
        how = f"--seconds {asked.seconds:g}" if asked.away is None else f"--away {asked.away:g}"
        print(f"--- seed {seed}: repeat with --seed {seed} --runs 1 {how}", flush=True)
        acts = _acts(asked, seed)
        outcomes.append(asyncio.run(run(acts, seed=seed, echo=lambda line: print(line, flush=True))))
        print(outcomes[-1].report(), flush=True)
    _tell_all(outcomes, time.monotonic() - began_s)
    return 1 if any(outcome.wrong for outcome in outcomes) else 0


def _acts(asked: argparse.Namespace, seed: int) -> list[Act]:
    return schedule(seed, asked.seconds) if asked.away is None else outage(seed, asked.away)


def _tell_all(outcomes: list[Outcome], took_s: float) -> None:
    survived: Counter[str] = sum((outcome.faults + outcome.struck for outcome in outcomes), Counter())
    bad = [outcome for outcome in outcomes if outcome.wrong]
    print(f"=== {len(outcomes)} runs in {took_s / 60:.1f} minutes, {sum(survived.values())} faults")
    print(*(f"{count:6} {kind}" for kind, count in sorted(survived.items())), sep="\n")
    print(f"{sum(outcome.changes for outcome in outcomes)} changes followed")
    print(*(f"seed {outcome.seed}: {one}" for outcome in bad for one in outcome.wrong), sep="\n")
    print(f"{len(bad)} runs lost something" if bad else "nothing lost, nothing twice, nothing left behind")


if __name__ == "__main__":
    sys.exit(main())
