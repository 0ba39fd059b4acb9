"""How everything here is measured.

Each run of a contender is a process of its own, so that nothing is warm that would be cold, and its peak memory is its
own. A round runs every contender once; rounds alternate their order. What counts is the block of a `Watch` in that
process: seconds of the clock, CPU seconds of all its threads, and the highest resident memory up to its end.
"""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Self


@dataclass(frozen=True)
class Run:
    """One run: how many things, in what time, with what CPU and memory; `extra` is the contender's own."""

    count: int
    seconds: float
    cpu_s: float
    peak_bytes: int
    extra: Mapping[str, float]


@dataclass(frozen=True)
class Contender:
    """A name for the table, and the arguments of `python -m` that run it once and print a Run."""

    name: str
    arguments: Sequence[str]


def peak_bytes() -> int:
    """Highest resident memory of this process. Not ru_maxrss: that one remembers the parent's, from before exec."""
    status = Path("/proc/self/status")
    if status.exists():
        for line in status.read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024
    import resource

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024


class Watch:
    """Times the block it is entered for: `with Watch() as watch: …`, then `watch.run(count)`."""

    def __enter__(self) -> Self:
        self.seconds, self.cpu_s = time.perf_counter(), time.process_time()
        return self

    def __exit__(self, *_: object) -> None:
        self.seconds = time.perf_counter() - self.seconds
        self.cpu_s = time.process_time() - self.cpu_s
        self.peak_bytes = peak_bytes()

    def run(self, count: int, extra: Mapping[str, float] | None = None) -> Run:
        """What was measured, for so many things."""
        return Run(count, self.seconds, self.cpu_s, self.peak_bytes, extra or {})


def report(run: Run) -> None:
    """What a contender's process prints: its Run, as the last line."""
    print(json.dumps(asdict(run)), flush=True)


def run_once(contender: Contender) -> Run:
    """Run a contender in a process of its own."""
    command = [sys.executable, "-m", *contender.arguments]
    ran = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=False)
    if ran.returncode != 0:
        raise SystemExit(f"{contender.name}: {' '.join(command)} ended with {ran.returncode}")
    return Run(**json.loads(ran.stdout.splitlines()[-1]))


def run_rounds(contenders: Sequence[Contender], rounds: int) -> dict[str, list[Run]]:
    """Every contender once a round, in alternating order."""
    runs: dict[str, list[Run]] = {contender.name: [] for contender in contenders}
    for number in range(rounds):
        for contender in contenders if number % 2 == 0 else reversed(contenders):
            run = run_once(contender)
            runs[contender.name].append(run)
            print(f"  round {number + 1}: {contender.name}: {run.seconds:.2f} s, {run.cpu_s:.2f} s CPU", flush=True)
    return runs


def median(values: Iterable[float]) -> float:
    """The median."""
    return statistics.median(values)


def with_spread(values: Sequence[float], form: Callable[[float], str]) -> str:
    """The median, and in brackets the lowest and the highest."""
    if len(values) == 1:
        return form(values[0])
    return f"{form(median(values))} ({form(min(values))}–{form(max(values))})"


def per_second(runs: Sequence[Run]) -> str:
    """Things per second, median and spread."""
    return with_spread([run.count / run.seconds for run in runs], lambda value: f"{value:,.0f}")


def rate(runs: Sequence[Run]) -> float:
    """Things per second, the median."""
    return median(run.count / run.seconds for run in runs)


def cpu_per_thousand(runs: Sequence[Run]) -> str:
    """Milliseconds of CPU per thousand things, median and spread."""
    return with_spread([run.cpu_s * 1e6 / run.count for run in runs], lambda value: f"{value:.2f}")


def cpu_rate(runs: Sequence[Run]) -> float:
    """CPU seconds per thing, the median."""
    return median(run.cpu_s / run.count for run in runs)


def megabytes(runs: Sequence[Run]) -> str:
    """Peak memory in MB, median and spread."""
    return with_spread([run.peak_bytes / 1e6 for run in runs], lambda value: f"{value:.0f}")


def table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table in Markdown; numbers to the right."""
    lines = ["| " + " | ".join(header) + " |", "|---" + "|---:" * (len(header) - 1) + "|"]
    return "\n".join(lines + ["| " + " | ".join(row) + " |" for row in rows])


def verdict(aim: str, found: str, *, met: bool) -> str:
    """Whether an aim is met, and by what."""
    return f"- {'Met' if met else '**Missed**'}: {aim}. Found: {found}."
