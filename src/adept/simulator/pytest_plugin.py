"""A pytest fixture with a simulated Apple, for this project and for others: `dep_simulator`.

    def test_all_devices_are_there(dep_simulator):
        dep_simulator.simulator.buy(3)
        with Client(dep_simulator.token, base_url=dep_simulator.url) as client:
            assert len(list(client.all_devices())) == 3

The fixture has `.url`, `.control_url`, `.token` and `.simulator`, listens on free loopback ports and is new for each
test. This module is loaded by every pytest run in the environment, so it imports nothing heavy before it is used.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from adept.simulator.running import Running


@pytest.fixture
def dep_simulator() -> Iterator[Running]:
    """An empty, quiet simulator on real sockets; stopped when the test ends."""
    from adept.simulator.running import serve
    from adept.simulator.simulator import Simulator

    with serve(Simulator()) as running:
        yield running
