"""The chart of an account's passes: how long each took, and how it ended. Pure; a template writes it as SVG."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from adept.records.passes import PassRecord
from adept.web.ui.charts import nice_above

WIDTH, HEIGHT = 560, 120
TOP, BOTTOM, LEFT = 8, 18, 52
LEAST = 2.0  # a bar that short is still seen
SLOTS = 30


@dataclass(frozen=True, slots=True)
class PassBar:
    """One pass, from the foot up."""

    found: PassRecord
    seconds: float
    x: float
    y: float
    width: float
    height: float


@dataclass(frozen=True, slots=True)
class PassChart:
    """The passes from left to right, the newest last, over a scale that ends at `top_s`."""

    bars: tuple[PassBar, ...]
    top_s: int
    width: int = WIDTH
    height: int = HEIGHT
    left: int = LEFT
    top: int = TOP
    foot: int = HEIGHT - BOTTOM


def pass_chart(passes: Sequence[PassRecord], *, now: datetime) -> PassChart:
    """The chart of passes that come the newest first; those that have not begun are left out."""
    begun = [found for found in passes if found.state != "queued"][:SLOTS]
    seconds = [max(0.0, ((found.ended_at or now) - found.started_at).total_seconds()) for found in begun]
    top_s = nice_above(int(max(seconds, default=0.0)) + 1)
    foot = HEIGHT - BOTTOM
    step = (WIDTH - LEFT) / SLOTS
    bars = []
    for number, (found, took_s) in enumerate(zip(begun, seconds, strict=True)):
        height = max(LEAST, took_s / top_s * (foot - TOP))
        x = WIDTH - (number + 1) * step + step * 0.15
        bars.append(
            PassBar(found, took_s, round(x, 1), round(foot - height, 1), round(step * 0.7, 1), round(height, 1))
        )
    return PassChart(tuple(reversed(bars)), top_s)
