"""Times as people read them. Pure; the page shows local time where script runs, and UTC everywhere."""

from __future__ import annotations

from datetime import UTC, datetime

_UNITS = ((86_400, "day"), (3600, "hour"), (60, "minute"))
_MONTH_S = 60 * 86_400


def utc(time: datetime) -> str:
    """A time in UTC, to the minute."""
    return f"{time.astimezone(UTC):%Y-%m-%d %H:%M} UTC"


def iso(time: datetime) -> str:
    """A time for the `datetime` attribute."""
    return time.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def ago(time: datetime, now: datetime) -> str:
    """How far away a time is, in one unit; further than two months off it is a date."""
    away_s = (now - time).total_seconds()
    if abs(away_s) < 60:
        return "just now" if away_s >= 0 else "in a moment"
    if abs(away_s) > _MONTH_S:
        return f"{time.astimezone(UTC):%Y-%m-%d}"
    size, unit = next((size, unit) for size, unit in _UNITS if abs(away_s) >= size)
    count = int(abs(away_s) // size)
    words = f"{count} {unit}" if count == 1 else f"{count} {unit}s"
    return f"{words} ago" if away_s > 0 else f"in {words}"


def lasted(seconds: float) -> str:
    """A duration: to a tenth of a second below a minute, then minutes and seconds, then hours and minutes."""
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes} min {rest} s" if rest else f"{minutes} min"
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if minutes else f"{hours} h"


def days_left(until: datetime, now: datetime) -> int:
    """Whole days until a time; negative once it has passed."""
    return (until - now).days
