"""A simulated Apple's memory, in a file: what was done to it, so that it can be done again.

The truth follows from what a simulator was made of and from the acts on it, one after the other, each at its time: all
that is drawn is drawn from the seed in that order. So the file has a line of JSON for each act, written before it is
carried out, and a line before the first one, and after each reset, that tells where the acts begin:

    {"generation":1,"made_of":{"seed":7,…},"run":1,"founded_at":"2026-11-28T10:00:00Z"}
    {"at":"2026-11-28T10:01:12.345678Z","act":"buy","given":{"count":3}}

A line outlives the process, not the machine's power. One that was cut short is an act that nobody was answered.
"""

from __future__ import annotations

import os
from datetime import datetime
from io import FileIO
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from adept.errors import Busy, ConfigError

GENERATION = 1  # to be raised where the same acts come to something else; a test tells


class Head(msgspec.Struct, frozen=True, kw_only=True):
    """A beginning. Acts of before it are forgotten."""

    generation: int
    made_of: dict[str, Any]  # what shapes the truth
    run: int  # counts resets, from 1
    founded_at: datetime


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """One act. `given` is its arguments by name, as JSON has them."""

    at: datetime  # by the simulator's clock
    act: str
    given: dict[str, Any]


L = TypeVar("L", Head, Entry)
_BEGINNING = b'{"generation":'


class Journal:
    """The file, which belongs to one simulator at a time.

    `head` and `entries` are what stood in it last: None and none for a new one. Raises Busy where another one has it,
    ConfigError where it can't be read or written.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            self._file = FileIO(path, "a+", opener=lambda name, flags: os.open(name, flags, 0o600))
        except OSError as error:
            raise ConfigError(f"can't open the state file {path}: {error.strerror}") from error
        try:
            self._keep_others_out()
            self.head, self.entries = self._read()
        except BaseException:
            self._file.close()
            raise

    def close(self) -> None:
        """Let another simulator have the file."""
        self._file.close()

    def write(self, line: Head | Entry) -> None:
        """Add a line. Raises ConfigError, and leaves the file as it was, where that fails."""
        text = msgspec.json.encode(line, enc_hook=dict) + b"\n"  # a mapping of whatever kind is an object
        before = self._file.seek(0, os.SEEK_END)
        try:
            missing = len(text) - self._file.write(text)
        except OSError as error:
            raise self._not_written(error.strerror) from error
        if missing:
            self._file.truncate(before)
            raise self._not_written("no room for all of it")

    def _not_written(self, reason: str | None) -> ConfigError:
        return ConfigError(
            f"can't write to the state file {self.path}: {reason}",
            way_out="nothing was done; make room, then try again",
        )

    def _read(self) -> tuple[Head | None, list[Entry]]:
        self._file.seek(0)
        *lines, cut_short = self._file.readall().split(b"\n")
        head: Head | None = None
        entries: list[Entry] = []
        for number, line in enumerate(lines, 1):
            if number == 1 or line.startswith(_BEGINNING):
                head, entries = self._decoded(number, line, Head), []
            else:
                entries.append(self._decoded(number, line, Entry))
        if cut_short:
            if not lines and not cut_short.startswith(_BEGINNING):
                raise self._not_ours(1)
            self._file.truncate(self._file.tell() - len(cut_short))
        return head, entries

    def _decoded(self, number: int, line: bytes, kind: type[L]) -> L:
        try:
            return msgspec.json.decode(line, type=kind)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
            raise self._not_ours(number) from error

    def _not_ours(self, line: int) -> ConfigError:
        return ConfigError(
            f"{self.path} is no state file of a simulator: line {line} can't be read", way_out="name another file"
        )

    def _keep_others_out(self) -> None:
        if os.name != "posix":
            return  # where files are locked otherwise, it is left to the user
        import fcntl

        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise Busy(
                f"another simulator has the state file {self.path}", way_out="end it, or name another file"
            ) from error
