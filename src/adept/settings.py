"""What the environment says. The only module that reads it.

Settings are checked when they are loaded: a bad one is a ConfigError that names its variable and what is allowed.
"""

from __future__ import annotations

import base64
import binascii
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, SecretStr, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from adept.errors import ConfigError

PREFIX = "ADEPT_"
DATABASE_FILE = "adept.sqlite3"
_DATABASES = ("sqlite:///", "postgresql://", "postgres://", "postgresql+psycopg://")
_LOOPBACK = {"localhost", "127.0.0.1", "::1"}


def _apple_url(url: str) -> str:
    parts = urlsplit(url)
    if not parts.hostname or parts.scheme not in ("http", "https"):
        raise ValueError("must be a URL such as https://mdmenrollment.apple.com")
    if parts.scheme == "http" and parts.hostname not in _LOOPBACK:
        raise ValueError("must begin with https://; http:// is allowed only for this machine (localhost, 127.0.0.1)")
    return url


def _database_url(url: SecretStr) -> SecretStr:
    if not url.get_secret_value().startswith(_DATABASES):
        raise ValueError("must be sqlite:///PATH or postgresql://USER:PASSWORD@HOST/DATABASE")
    return url


def _sealing_keys(keys: SecretStr) -> SecretStr:
    split_keys(keys.get_secret_value())
    return keys


class Settings(BaseSettings):
    """The settings of the command line and of what it starts; an empty variable counts as absent."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX, env_ignore_empty=True, extra="ignore", frozen=True, hide_input_in_errors=True
    )

    token: Path | None = None  # a server token's JSON
    url: Annotated[str, AfterValidator(_apple_url)] | None = None  # None: Apple's
    data_dir: Path = Field(default_factory=lambda: _default_data_dir())
    database_url: Annotated[SecretStr, AfterValidator(_database_url)] | None = (
        None  # None: SQLite in the data directory
    )
    secret_keys: Annotated[SecretStr, AfterValidator(_sealing_keys)] | None = None
    secret_keys_file: Path | None = None

    def where_to_store(self) -> str:
        """The database's URL: as given, or the SQLite file of the data directory."""
        if self.database_url is not None:
            return self.database_url.get_secret_value()
        return f"sqlite:///{(self.data_dir / DATABASE_FILE).absolute().as_posix()}"

    def database_file(self) -> Path | None:
        """The database's file where it is one (SQLite)."""
        _, is_file, path = self.where_to_store().partition("sqlite:///")
        return Path(path) if is_file else None

    def sealing_keys(self) -> tuple[str, ...] | None:
        """The keys that seal secrets, the writing one first; None where none was given. Reads the file named."""
        if self.secret_keys is not None and self.secret_keys_file is not None:
            raise ConfigError("ADEPT_SECRET_KEYS and ADEPT_SECRET_KEYS_FILE are both set", way_out="set one of them")
        if self.secret_keys is not None:
            return split_keys(self.secret_keys.get_secret_value())
        if self.secret_keys_file is None:
            return None
        try:
            return split_keys(self.secret_keys_file.read_text("utf-8"))
        except OSError as error:
            reason = f"ADEPT_SECRET_KEYS_FILE: can't read {self.secret_keys_file}: {error.strerror}"
            raise ConfigError(reason, way_out="name a readable file with one key a line") from error
        except ValueError as error:
            raise ConfigError(f"ADEPT_SECRET_KEYS_FILE ({self.secret_keys_file}): {error}") from error


def load_settings() -> Settings:
    """Read the environment. Raises ConfigError that names the first bad variable and what is allowed there."""
    try:
        return Settings()
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False, include_context=False)[0]
        raise ConfigError(f"{_variable(first['loc'])} {_allowed(first)}") from error


def split_keys(text: str) -> tuple[str, ...]:
    """Take sealing keys apart: by commas, blanks or lines. Raises ValueError, without showing any of them."""
    keys = tuple(text.replace(",", " ").split())
    if not keys:
        raise ValueError("must hold at least one key")
    for number, key in enumerate(keys, start=1):
        if not _is_key(key):
            raise ValueError(f"must hold keys of 32 bytes in URL-safe base64 (44 characters); key {number} is not one")
    return keys


def wants_debug(environment: Mapping[str, str] = os.environ) -> bool:
    """Whether tracebacks of our own bugs are to be shown (`ADEPT_DEBUG`)."""
    return environment.get(f"{PREFIX}DEBUG", "").strip().lower() in ("1", "true", "yes", "on")


def _is_key(text: str) -> bool:
    try:
        return len(base64.b64decode(text.encode(), altchars=b"-_", validate=True)) == 32
    except (ValueError, binascii.Error):
        return False


def _default_data_dir() -> Path:
    from platformdirs import user_data_path

    return user_data_path("adept", appauthor=False)


def _variable(location: tuple[int | str, ...]) -> str:
    return f"{PREFIX}{location[0]}".upper() if location else "the environment"


def _allowed(error: Any) -> str:
    return str(error["msg"]).removeprefix("Value error, ")
