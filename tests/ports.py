"""Ports for programs that have to be told theirs."""

import socket
from contextlib import ExitStack


def free_ports(count: int) -> list[int]:
    """Ports of the loopback that nobody listens on, each another one: drawn one by one, two may be the same."""
    with ExitStack() as held:
        probes = [held.enter_context(socket.socket()) for _ in range(count)]
        for probe in probes:
            probe.bind(("127.0.0.1", 0))
        return [probe.getsockname()[1] for probe in probes]
