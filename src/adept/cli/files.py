"""Files that commands read and write: what holds a secret is written for its owner's eyes, and never over another."""

from __future__ import annotations

import getpass
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import IO

from adept.errors import Misuse, TokenFileError

_SIZE_LIMIT = 1_000_000  # bytes; tokens, keys and certificates are a few thousand


def read_file(path: Path, what: str) -> bytes:
    """Read a token, key or certificate file; `-` is standard input. Raises TokenFileError that names `what` it was."""
    try:
        data = sys.stdin.buffer.read(_SIZE_LIMIT + 1) if str(path) == "-" else _read(path)
    except OSError as error:
        raise TokenFileError(f"can't read the {what} {path}: {error.strerror}") from error
    if len(data) > _SIZE_LIMIT:
        raise TokenFileError(f"{path} is too large to be a {what}: more than {_SIZE_LIMIT} bytes")
    return data


def read_password(path: Path | None) -> bytes | None:
    """The first line of a password file, without its end; None where no file is named."""
    if path is None:
        return None
    lines = read_file(path, "password file").splitlines()
    if not lines or not lines[0]:
        raise TokenFileError(f"the password file {path} is empty")
    return lines[0]


def ask_password(path: Path) -> bytes | None:
    """Ask for the password of a file; None where nobody sits at a terminal, or nothing is entered."""
    if not sys.stdin.isatty():
        return None
    return getpass.getpass(f"Password of {path.name}: ").encode() or None


def refuse_existing(*paths: Path, force: bool) -> None:
    """Raise Misuse where one of the files is there already, unless `force`."""
    for path in paths:
        if path.exists() and not force:
            raise Misuse(f"{path} exists already", way_out="name another file, or overwrite it with --force")


def write_secret(path: Path, data: bytes, *, force: bool) -> None:
    """Write a file that only its owner may read; an existing one is replaced whole with `force`, else left (Misuse)."""
    _write(path, data, mode=0o600, force=force)


def write_public(path: Path, data: bytes, *, force: bool) -> None:
    """Write a file that anyone may read; an existing one is replaced whole with `force`, else left (Misuse)."""
    _write(path, data, mode=0o644, force=force)


@contextmanager
def replacing(path: Path) -> Iterator[IO[bytes]]:
    """A file that takes the place of `path` when it is complete; on an error `path` stays as it was."""
    try:
        file = NamedTemporaryFile(dir=path.absolute().parent, prefix=f".{path.name}.", delete=False)  # noqa: SIM115
    except OSError as error:
        raise Misuse(f"can't write {path}: {error.strerror}") from error
    try:
        with file:
            yield file
        _set_mode(Path(file.name), _ordinary_mode())
        os.replace(file.name, path)
    except BaseException:
        with suppress(OSError):
            os.unlink(file.name)
        raise


def _read(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(_SIZE_LIMIT + 1)


def _write(path: Path, data: bytes, *, mode: int, force: bool) -> None:
    """Made with its mode from the first byte on, so that nobody can open a key before it is closed to them."""
    target = path.with_name(f".{path.name}.{os.getpid()}") if force and path.exists() else path
    try:
        descriptor = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0), mode)
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
        if target != path:
            os.replace(target, path)
    except FileExistsError:
        raise Misuse(f"{path} exists already", way_out="name another file, or overwrite it with --force") from None
    except OSError as error:
        raise Misuse(f"can't write {path}: {error.strerror}") from error


def _set_mode(path: Path, mode: int) -> None:
    if os.name == "posix":
        path.chmod(mode)


def _ordinary_mode() -> int:
    """What a newly made file would get."""
    if os.name != "posix":
        return 0o666
    mask = os.umask(0)
    os.umask(mask)
    return 0o666 & ~mask
