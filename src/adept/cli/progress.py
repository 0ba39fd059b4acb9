"""Progress on standard error: only where somebody watches, and never mixed with what is printed."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

Reached = Callable[[int], None]  # told how many are done so far


@contextmanager
def counting(what: str, *, unit: str, total: int | None = None) -> Iterator[Reached]:
    """Show how far the block has come; silent where standard error is no terminal."""
    if not sys.stderr.isatty():
        yield lambda _: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn

    measure = (
        [MofNCompleteColumn(), TaskProgressColumn()] if total is not None else [TextColumn("{task.completed:,.0f}")]
    )
    columns = (TextColumn("{task.description}"), BarColumn(), *measure, TextColumn(unit), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(what, total=total)
        yield lambda done: bar.update(task, completed=done)
