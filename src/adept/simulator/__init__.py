"""Apple's service and portal, simulated: for development, demonstrations and tests.

It shares protocol values with the client, never behaviour: paths, methods and required headers are restated here.
`Simulator` is the truth and the hand on it, `serve` puts it on real sockets.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from adept.simulator.running import Running, serve
    from adept.simulator.simulator import Simulator

__all__ = ["Running", "Simulator", "serve"]


def __getattr__(name: str) -> Any:
    """Import on first use: the pytest plugin lives in this package and must load in no time."""
    if name == "Simulator":
        from adept.simulator.simulator import Simulator

        return Simulator
    if name in ("serve", "Running"):
        from adept.simulator import running

        return getattr(running, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
