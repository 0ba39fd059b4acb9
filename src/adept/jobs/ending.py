"""The end of tasks that are told to stop: they store what they are storing, within bounds."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterable
from typing import Any

log = logging.getLogger("adept.jobs")


async def end_tasks(tasks: Iterable[asyncio.Task[Any]], *, within_s: float) -> None:
    """Cancel tasks, which finish the page they are storing; cancel again those that take too long for that.

    What is still at it after `within_s` is left behind.
    """
    left = set(tasks)
    for share in (0.7, 0.25):
        for task in left:
            task.cancel()
        if left:
            _, left = await asyncio.wait(left, timeout=share * within_s)
    if left:
        log.warning("jobs left behind", extra={"jobs": len(left)})
