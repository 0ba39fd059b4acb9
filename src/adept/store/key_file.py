"""The key file of a SQLite store: sealing keys, one a line, the newest first; for its owner's eyes alone.

It is made for a database that is still empty, and never again. A rotation puts a new key before the old ones.
"""

from __future__ import annotations

import os
from pathlib import Path

from adept.errors import ConfigError
from adept.store import files
from adept.store.places import Place
from adept.store.sealing import new_key, read_keys

KEY_FILE = "secret.key"


def key_file_of(place: Place, data_dir: Path | None) -> Path | None:
    """Where the key file is: in the data directory, else beside the database; None on PostgreSQL."""
    return None if place.file is None else (data_dir or place.file.parent) / KEY_FILE


def make_key_file(key_file: Path) -> None:
    """Make it, with a new key, unless it is there."""
    with files.refused_as_config_error():
        files.make_directory(key_file.parent)
        files.write_new(key_file, f"{new_key()}\n".encode())


def read_key_file(place: Place, key_file: Path) -> list[bytes]:
    """The keys in it; ConfigError where it is missing or holds none."""
    return read_keys(_lines(place, key_file), source=str(key_file))


def put_new_key(place: Place, key_file: Path) -> None:
    """Put a new key before the one that is there; nothing where there are several: a rotation is not over yet.

    In a transaction that writes, so that two rotations don't put a key each.
    """
    lines = _lines(place, key_file)
    if len(lines) == 1:
        _replace(key_file, [new_key(), *lines])


def drop_old_keys(place: Place, key_file: Path) -> int:
    """Keep the first key alone; how many went."""
    lines = _lines(place, key_file)
    _replace(key_file, lines[:1])
    return len(lines) - 1


def _lines(place: Place, key_file: Path) -> list[str]:
    try:
        return key_file.read_text("ascii").split()
    except FileNotFoundError:
        raise ConfigError(
            f"the key file {key_file} is missing, and what is sealed in {place.label} can't be opened without it",
            way_out="put it back from where it is kept, or give its content as ADEPT_SECRET_KEYS",
        ) from None
    except UnicodeDecodeError:
        raise ConfigError(f"{key_file} is not a key file", way_out="put the right one back") from None
    except OSError as error:
        raise ConfigError(f"the key file {key_file} can't be read: {error.strerror}") from error


def _replace(key_file: Path, lines: list[str]) -> None:
    """Whole or not at all, and on the disk when this returns: a key that seals must not be lost."""
    written = key_file.with_name(f".{key_file.name}.new")
    with files.refused_as_config_error():
        written.unlink(missing_ok=True)
        files.write_new(written, "".join(f"{line}\n" for line in lines).encode())
        os.replace(written, key_file)
        files.sync_directory(key_file.parent)
