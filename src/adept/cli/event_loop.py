"""How a command runs what is asynchronous below it."""

from __future__ import annotations

import asyncio
import signal
import sys
import threading
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

from adept.cli.failures import Terminated

T = TypeVar("T")


def run_async(work: Coroutine[Any, Any, T]) -> T:
    """Run to the end. Ctrl-C cancels the work, lets it put things in order, and is then raised as KeyboardInterrupt.

    So does SIGTERM, which is raised as Terminated; a second one ends the process at once.
    """
    with asyncio.Runner(loop_factory=_loop_factory()) as runner:
        return runner.run(_until_terminated(work))


async def _until_terminated(work: Coroutine[Any, Any, T]) -> T:
    if threading.current_thread() is not threading.main_thread():
        return await work
    task, loop = asyncio.current_task(), asyncio.get_running_loop()
    assert task is not None
    is_terminated = False

    def terminate() -> None:
        nonlocal is_terminated
        is_terminated = True
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        task.cancel()

    before = signal.signal(signal.SIGTERM, lambda *_: loop.call_soon_threadsafe(terminate))
    try:
        return await work
    except asyncio.CancelledError:
        if is_terminated:
            raise Terminated from None
        raise
    finally:
        signal.signal(signal.SIGTERM, before)


def _loop_factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    """On Windows psycopg can't work with the default loop (documented by psycopg)."""
    return asyncio.SelectorEventLoop if sys.platform == "win32" else None
