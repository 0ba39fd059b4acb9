"""The simulator: how soon a million devices are there, and what an answer to sync costs in a big organisation.

`python -m benchmarks.simulator start DEVICES` and `… sync DEVICES` are its contenders, each a process of its own.
"""

from __future__ import annotations

import sys
import time

from adept import Client
from adept.simulator import Simulator, serve
from adept.simulator.answers import Answer
from adept.simulator.requests import ServiceRequest
from benchmarks.measuring import Contender, Run, Watch, report, run_once, table, verdict

START_AIM_S = 20
SIZE_AIM_MB = 1500
SYNCS = 40


def simulator_section(*, small: int, big: int, huge: int) -> str:
    """Measure and tell."""
    started = run_once(_contender("start", huge))
    syncs = {size: run_once(_contender("sync", size)) for size in (small, big)}
    ms = {size: 1000 * run.cpu_s / run.count for size, run in syncs.items()}
    rows = [
        (f"{huge:,} devices ready", f"{started.seconds:.1f} s", f"{started.cpu_s:.1f} s"),
        *[(f"ten changes among {size:,} devices", "", f"{ms[size]:.2f} ms") for size in syncs],
    ]
    verdicts = [
        verdict(
            f"{huge:,} devices are ready in {START_AIM_S} s and {SIZE_AIM_MB / 1000:g} GB",
            f"{started.seconds:.1f} s, {started.peak_bytes / 1e6:.0f} MB",
            met=started.seconds < START_AIM_S and started.peak_bytes < SIZE_AIM_MB * 1e6,
        ),
        verdict(
            "an answer to sync costs the same in any account, within half",
            f"{ms[small]:.2f} and {ms[big]:.2f} ms",
            met=ms[big] <= 1.5 * ms[small],
        ),
    ]
    head = "## The simulator\n\nIts own CPU, in a process of its own."
    return "\n\n".join([head, table(("", "time", "CPU"), rows), "\n".join(verdicts)])


def _contender(what: str, devices: int) -> Contender:
    return Contender(what, ("benchmarks.simulator", what, str(devices)))


class Watched(Simulator):
    """Notes the CPU time that its thread had used at each request."""

    def __init__(self, devices: int) -> None:
        self.cpu_s: list[float] = []
        super().__init__(devices)

    def answer(self, request: ServiceRequest) -> Answer:
        """Note the time, and answer."""
        self.cpu_s.append(time.thread_time())
        return super().answer(request)


def start(devices: int) -> Run:
    """So many devices, and both its ports open."""
    with Watch() as watch, serve(Simulator(devices)):
        pass
    return watch.run(devices)


def sync(devices: int) -> Run:
    """The CPU that answers of ten changes cost the simulator's thread, sockets and all."""
    simulator = Watched(devices)
    with serve(simulator) as running, Client(running.token, base_url=running.url) as client:
        listing = client.all_devices()
        for _device in listing:
            pass
        cursor, before = listing.cursor, len(simulator.cpu_s)
        assert cursor is not None
        with Watch() as watch:
            for _ in range(SYNCS):
                simulator.buy(10)
                cursor = client.sync_devices(cursor).cursor or cursor
    spent = watch.run(SYNCS - 1)
    return Run(spent.count, spent.seconds, simulator.cpu_s[-1] - simulator.cpu_s[before], spent.peak_bytes, {})


if __name__ == "__main__":
    report({"start": start, "sync": sync}[sys.argv[1]](int(sys.argv[2])))
