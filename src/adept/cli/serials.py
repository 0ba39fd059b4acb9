"""Serial numbers as people hand them over: as arguments, in a file, on standard input."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from adept.errors import Misuse
from adept.protocol.device import fold_serial


@Parameter(name="*")
@dataclass(frozen=True, kw_only=True)
class SerialsFile:
    """Where further serial numbers stand."""

    serials_file: Annotated[
        Path | None,
        Parameter(help="A file of serial numbers, one a line; - is standard input.", allow_leading_hyphen=True),
    ] = None


NO_FILE = SerialsFile()

SerialNumber = Annotated[str, Parameter(help="A serial number, in upper or lower case.")]
SerialNumbers = Annotated[str, Parameter(help="Any number of serial numbers, in upper or lower case.")]


def gather(arguments: Sequence[str], source: SerialsFile) -> list[str]:
    """All serial numbers named, folded to one spelling, without blanks and duplicates, in the order given.

    Raises Misuse where none is left, or the file can't be read.
    """
    serials = fold([*arguments, *_read(source.serials_file)])
    if not serials:
        raise Misuse("no serial number was given", way_out="name some, or a file of them with --serials-file")
    return serials


def fold(words: Iterable[str]) -> list[str]:
    """One spelling each, no blanks, no duplicates, in order; a word may hold several, split by commas or blanks."""
    split = (fold_serial(serial) for word in words for serial in word.replace(",", " ").split())
    return list(dict.fromkeys(split))


def _read(path: Path | None) -> list[str]:
    if path is None:
        return []
    if str(path) == "-":
        return sys.stdin.read().splitlines()
    try:
        return path.read_text("utf-8-sig").splitlines()
    except OSError as error:
        raise Misuse(f"can't read the serial numbers in {path}: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise Misuse(f"can't read the serial numbers in {path}: it is not a text file") from error
