"""Tables for people: columns that line up, on a terminal and through a pipe, whatever the number of rows.

Widths are taken from the first rows and only grow, so that a million rows need no memory and nothing is cut off.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from unicodedata import combining, east_asian_width

from adept.cli.output import readable

_BATCH = 200  # rows whose widths are looked at together


class TablePrinter:
    """Prints rows as they come; the header goes before the first."""

    def __init__(self, columns: Sequence[str]) -> None:
        self.printed = 0
        self._columns = columns
        self._widths = [_width(column) for column in columns]

    def add(self, rows: Iterable[Sequence[object]]) -> None:
        """Print further rows; widths fit those that are given together, up to some hundred."""
        remaining = iter(rows)
        while batch := [[readable(cell) for cell in row] for row in islice(remaining, _BATCH)]:
            for line in self._lines(batch):
                print(line)
            self.printed += len(batch)

    def end(self, *, empty: str) -> None:
        """Print the sentence `empty` where there were no rows."""
        if not self.printed:
            print(empty)

    def _lines(self, batch: list[list[str]]) -> Iterator[str]:
        columns = zip(self._widths, zip(*batch, strict=True), strict=True)
        self._widths = [max(width, *map(_width, cells)) for width, cells in columns]
        if not self.printed:
            header = _line(self._columns, self._widths)
            yield f"\x1b[1m{header}\x1b[0m" if sys.stdout.isatty() else header
        for row in batch:
            yield _line(row, self._widths)


def print_table(columns: Sequence[str], rows: Iterable[Sequence[object]], *, empty: str) -> int:
    """Print a whole table; `empty` is the sentence to print where there are no rows. Returns how many there were."""
    printer = TablePrinter(columns)
    printer.add(rows)
    printer.end(empty=empty)
    return printer.printed


def _line(cells: Sequence[str], widths: Sequence[int]) -> str:
    padded = (cell + " " * (width - _width(cell)) for cell, width in zip(cells, widths, strict=True))
    return "  ".join(padded).rstrip()


def _width(text: str) -> int:
    """How many columns of a terminal the text takes: wide characters take two, combining ones none."""
    if text.isascii():
        return len(text)
    return sum(0 if combining(c) else 2 if east_asian_width(c) in "WF" else 1 for c in text)
