"""Where a follower of the feed stands: a small file, replaced whole, so that it is never half of one."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import msgspec

from adept.cli import files
from adept.errors import ConfigError, Misuse


class Standing(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The feed that is followed, and the cursor of the last change that was printed."""

    source: str
    cursor: str | None


@dataclass(frozen=True)
class StateFile:
    """The file of one follower."""

    path: Path

    def read(self, *, source: str) -> str | None:
        """The cursor to go on with; None where there is no file yet.

        Raises Misuse for the file of another feed, whose cursors mean nothing here, and ConfigError for a file that
        is none of ours: going on from anywhere would skip changes or repeat all of them.
        """
        try:
            standing = msgspec.json.decode(self.path.read_bytes(), type=Standing)
        except FileNotFoundError:
            return None
        except OSError as error:
            raise ConfigError(f"can't read {self.path}: {error.strerror}") from error
        except msgspec.MsgspecError as error:
            raise ConfigError(
                f"{self.path} does not say where a follower stands", way_out="name another file with --state"
            ) from error
        if standing.source != source:
            raise Misuse(
                f"{self.path} belongs to a follower of the {standing.source}, not of the {source}",
                way_out="name another file with --state",
            )
        return standing.cursor

    def write(self, cursor: str | None, *, source: str) -> None:
        """Take the cursor down. Raises Misuse where that can't be."""
        try:
            self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            raise Misuse(f"can't make {self.path.parent}: {error.strerror}") from error
        with files.replacing(self.path) as out:
            out.write(msgspec.json.encode(Standing(source, cursor)) + b"\n")
