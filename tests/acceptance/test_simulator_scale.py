"""The simulator at its promised size, in a process of its own. How long it takes is measured in `benchmarks/`."""

from __future__ import annotations

import json
import subprocess
import sys
import textwrap
from types import FrameType
from typing import Any

from adept.simulator import Simulator
from tests.simulator.caller import Caller


def in_a_process(code: str) -> Any:
    """Run the code; what it prints is JSON."""
    done = subprocess.run([sys.executable, "-c", textwrap.dedent(code)], capture_output=True, text=True, check=True)
    return json.loads(done.stdout)


def test_a_million_devices_fit_into_one_and_a_half_gigabytes():
    found = in_a_process("""
        import json, resource
        from adept.simulator import Simulator, serve
        with serve(Simulator(1_000_000)) as running:
            size_kb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
            print(json.dumps({"size_kb": size_kb, "devices": len(running.simulator.devices())}))
    """)
    assert found["devices"] == 1_000_000
    assert found["size_kb"] < 1.5 * 1024 * 1024


def test_a_sync_is_the_same_work_in_an_account_of_ten_and_of_thirty_thousand():
    """Nothing in an answer to sync depends on the size of the roster: not one function is called more often."""
    assert calls_of_a_sync(30_000) == calls_of_a_sync(10)


def calls_of_a_sync(devices: int) -> int:
    """How many functions an answer with ten changes calls, Python's own and those written in C."""
    caller = Caller(Simulator(devices))
    _, cursor = caller.fetch_all()
    caller.simulator.buy(10)
    calls = 0

    def count(_frame: FrameType, event: str, _found: object) -> None:
        nonlocal calls
        calls += event in ("call", "c_call")

    sys.setprofile(count)
    try:
        page = caller.sync(cursor, 1000)
    finally:
        sys.setprofile(None)
    assert len(page["devices"]) == 10
    return calls
