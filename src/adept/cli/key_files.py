"""Private keys as people keep them: in files, under a password or not."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from adept.cli import files

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey

PasswordFile = Annotated[
    Path | None,
    Parameter(help="A file whose first line is the password; - is standard input.", allow_leading_hyphen=True),
]


def read_private_key(path: Path, password_file: Path | None) -> RSAPrivateKey:
    """Read a key file; its password is asked for at the terminal where it needs one and no file is named."""
    from adept.protocol.keypair import load_private_key

    data = files.read_file(path, "private key")
    needs_password = password_file is not None or b"ENCRYPTED" in data
    return load_private_key(data, password_of(path, password_file) if needs_password else None)


def password_of(path: Path, password_file: Path | None) -> bytes | None:
    """The password of `path`: from the file, or from whoever sits at the terminal, or none."""
    if password_file is not None:
        return files.read_password(password_file)
    return files.ask_password(path)
