"""Recording exchanges (being written)."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TypeAlias

from adept.client.exchange import Exchange

Record: TypeAlias = Callable[[Exchange], None]


def recorder(record: Record | str | Path | None) -> Record | None:
    """The hook for what a client was given as `record`."""
    return record if callable(record) else None
