"""Pacing: a gate before each HTTP request to Apple, for whoever has limits to keep.

Called with the endpoint ("POST /devices/sync"), it gives a context that is entered before the request is sent, waiting
as long as it must, and left when the answer was read. What it raises on the way in is the call's error.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager, nullcontext
from typing import TypeAlias

Pace: TypeAlias = Callable[[str], AbstractAsyncContextManager[None]]


def at_once(_endpoint: str) -> AbstractAsyncContextManager[None]:
    """No limits: the pace of a client that is given none."""
    return nullcontext()
