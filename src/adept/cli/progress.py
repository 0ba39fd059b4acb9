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


Told = Callable[[str, int, int], None]  # what is done, how many so far, and of how many


@contextmanager
def telling(*, unit: str) -> Iterator[Told]:
    """As `counting`, for work in several parts whose length is found out on the way."""
    if not sys.stderr.isatty():
        yield lambda *_: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TaskProgressColumn())
    with Progress(*columns, TextColumn(unit), TimeElapsedColumn(), console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("", total=None)
        yield lambda what, done, total: bar.update(task, description=what, completed=done, total=total)
