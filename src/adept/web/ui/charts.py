"""Charts as numbers that a template writes as SVG. Pure: what is where is decided here, nothing else."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from adept.records.overview import Day

WIDTH, HEIGHT = 560, 150
TOP, BOTTOM, LEFT = 8, 22, 52
_NICE = (1, 2, 5)


@dataclass(frozen=True, slots=True)
class Bar:
    """One bar, from its foot up: the changed part, then the deleted."""

    day: Day
    x: float
    width: float
    found_y: float
    found_height: float
    gone_y: float
    gone_height: float


@dataclass(frozen=True, slots=True)
class Line:
    """A line across the chart, and the value it stands for."""

    y: float
    value: int


@dataclass(frozen=True, slots=True)
class BarChart:
    """Bars side by side over a scale. Lengths are in the units of the SVG's viewBox."""

    width: int
    height: int
    left: int
    foot: float
    bars: tuple[Bar, ...]
    lines: tuple[Line, ...]


def day_bars(days: Sequence[Day]) -> BarChart:
    """What was found new each day: added and changed below, deleted on top."""
    top = nice_above(max((day.changes for day in days), default=0))
    foot = HEIGHT - BOTTOM
    unit = (foot - TOP) / top
    step = (WIDTH - LEFT) / max(len(days), 1)
    bars = []
    for number, day in enumerate(days):
        found = (day.added + day.modified) * unit
        gone = day.deleted * unit
        x = LEFT + number * step + step * 0.15
        bars.append(
            Bar(day, round(x, 1), round(step * 0.7, 1), *map(_round, (foot - found, found, foot - found - gone, gone)))
        )
    lines = tuple(Line(_round(foot - value * unit), value) for value in sorted({0, top // 2, top}))
    return BarChart(WIDTH, HEIGHT, LEFT, foot, tuple(bars), lines)


def nice_above(value: int) -> int:
    """The smallest of 2, 4, 10, 20, 40, 100 … that is no less: a scale's end that halves well."""
    size = 1
    while True:
        for nice in _NICE:
            if 2 * nice * size >= value:
                return 2 * nice * size
        size *= 10


def _round(length: float) -> float:
    return round(length, 1)
