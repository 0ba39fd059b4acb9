"""Simulators that listen nowhere, and callers of them."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from adept.simulator.simulator import Simulator
from tests.simulator.caller import Caller

START = datetime(2026, 3, 2, 10, 0, 0, tzinfo=UTC)


@pytest.fixture
def simulator() -> Simulator:
    """Ten devices; the clock stands at a known second until it is moved."""
    return Simulator(10, now=lambda: START)


@pytest.fixture
def caller(simulator: Simulator) -> Caller:
    """A client of the first server, at the newest protocol version."""
    return Caller(simulator)
