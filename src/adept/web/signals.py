"""What the operating system tells the process, as the event loop hears it."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager


@contextmanager
def told_to_stop(*further: str) -> Iterator[asyncio.Event]:
    """An event that is set by Ctrl-C, by SIGTERM, and by Ctrl-Break on Windows. The next such signal kills at once.

    `further` names signals that mean the same to whoever asks.
    """
    stop = asyncio.Event()
    numbers = _known("SIGINT", "SIGTERM", "SIGBREAK", *further)

    def hear() -> None:
        for number in numbers:
            signal.signal(number, signal.SIG_DFL)
        stop.set()

    with _heard(numbers, hear):
        yield stop


@contextmanager
def told_to_reload(reload: Callable[[], None]) -> Iterator[None]:
    """Call `reload` at each SIGHUP, where there is one."""
    with _heard(_known("SIGHUP"), reload):
        yield


@contextmanager
def _heard(numbers: list[int], call: Callable[[], None]) -> Iterator[None]:
    """Have the loop call at each of the signals. By way of `signal`, since the loop's own way is not on Windows."""
    loop = asyncio.get_running_loop()
    before = {number: signal.signal(number, lambda *_: loop.call_soon_threadsafe(call)) for number in numbers}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _known(*names: str) -> list[int]:
    return [getattr(signal, name) for name in names if hasattr(signal, name)]
