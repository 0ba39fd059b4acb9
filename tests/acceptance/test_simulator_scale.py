"""The simulator at its promised size, in a process of its own: a million devices, and the price of a page.

Times are CPU seconds of that process (or of one thread), so that a busy machine doesn't fail them.
"""

from __future__ import annotations

import json
import subprocess
import sys
import textwrap
import threading
import time
from typing import Any

from adept import Client
from adept.simulator import Simulator, serve
from adept.simulator.answers import Answer
from adept.simulator.requests import ServiceRequest


def in_a_process(code: str) -> Any:
    """Run the code; what it prints is JSON."""
    done = subprocess.run([sys.executable, "-c", textwrap.dedent(code)], capture_output=True, text=True, check=True)
    return json.loads(done.stdout)


def test_a_million_devices_start_within_twenty_seconds_and_one_and_a_half_gigabytes():
    found = in_a_process("""
        import json, resource, time
        from adept.simulator import Simulator, serve
        with serve(Simulator(1_000_000)) as running:
            spent_s = time.process_time()
            size_kb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
            print(json.dumps({"cpu_s": spent_s, "size_kb": size_kb, "devices": len(running.simulator.devices())}))
    """)
    assert found["devices"] == 1_000_000
    assert found["cpu_s"] < 20
    assert found["size_kb"] < 1.5 * 1024 * 1024


class Watched(Simulator):
    """Notes the CPU time its thread had used at each request."""

    def __init__(self, devices: int) -> None:
        self.cpu_s: list[float] = []
        self.thread: int | None = None
        super().__init__(devices)

    def answer(self, request: ServiceRequest) -> Answer:
        """Answer, and note the time."""
        self.thread = threading.get_ident()
        self.cpu_s.append(time.thread_time())
        return super().answer(request)


def test_a_page_costs_the_simulator_at_most_a_third_of_what_it_costs_our_client():
    """The bytes travel over a real socket; both threads count their own CPU."""
    simulator = Watched(100_000)
    with serve(simulator) as running, Client(running.token, base_url=running.url) as client:
        client.account()
        before_s, requests_before = time.thread_time(), len(simulator.cpu_s)
        assert sum(1 for _device in client.all_devices()) == 100_000
        client_s = time.thread_time() - before_s
        assert simulator.thread != threading.get_ident()
    pages_s = simulator.cpu_s[-1] - simulator.cpu_s[requests_before]
    pages = len(simulator.cpu_s) - requests_before - 1
    assert pages == 99
    assert pages_s / pages <= client_s / 100 / 3


def test_a_sync_costs_the_same_in_an_account_of_ten_and_of_three_hundred_thousand():
    """Nothing in an answer to sync depends on the size of the roster."""

    def cost_s(devices: int) -> float:
        simulator = Watched(devices)
        with serve(simulator) as running, Client(running.token, base_url=running.url) as client:
            listing = client.all_devices()
            for _device in listing:
                pass
            cursor = listing.cursor
            assert cursor is not None
            rounds = 40
            before = len(simulator.cpu_s)
            for _ in range(rounds):
                simulator.buy(10)
                page = client.sync_devices(cursor)
                assert len(page.devices) == 10
                assert page.cursor is not None
                cursor = page.cursor
            return (simulator.cpu_s[-1] - simulator.cpu_s[before]) / rounds

    assert cost_s(300_000) < 3 * cost_s(10) + 0.002
