"""What the environment, the settings file and the flags of `adept serve` say. The only module that reads them.

Each setting is declared once, as a field of `Settings`: `port` is ADEPT_PORT in the environment, `port` in the TOML
file that ADEPT_CONFIG names, and `--port` of `adept serve` where its declaration says `SERVE`. Flags win over the
environment, the environment over the file. Settings are checked when they are loaded: a bad one is a ConfigError that
names it and what is allowed.
"""

from __future__ import annotations

import os
import tomllib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

from pydantic import AfterValidator, BeforeValidator, Field, SecretStr, ValidationError
from pydantic_settings import BaseSettings, InitSettingsSource, NoDecode, PydanticBaseSettingsSource, SettingsConfigDict

from adept.errors import ConfigError
from adept.setting_values import (
    LogFormat,
    LogLevel,
    check_database_url,
    check_sealing_keys,
    check_service_url,
    host_names,
    lower_case,
    networks,
    number,
    split_keys,
    yes_or_no,
)

if TYPE_CHECKING:
    from adept.accounts.pace import AppleLimits

T = TypeVar("T")
U = TypeVar("U")

PREFIX = "ADEPT_"
DATABASE_FILE = "adept.sqlite3"
# Mark what a command also takes as a flag; no secrets: anyone can read a command line.
SERVE = "serve"
WORKER = "worker"


class Settings(BaseSettings):
    """The settings of the command line, of the service, and of what they start; an empty variable counts as absent."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX,
        env_ignore_empty=True,
        extra="forbid",
        frozen=True,
        hide_input_in_errors=True,
        validate_default=False,
    )

    config: Annotated[Path | None, SERVE, WORKER] = Field(default=None, description="A TOML file with settings.")
    token: Path | None = Field(default=None, description="A server token's JSON file, for `adept apple`.")
    url: Annotated[Annotated[str, AfterValidator(check_service_url)] | None, SERVE, WORKER] = Field(
        default=None, description="Apple's base URL for accounts made without one. Default: Apple's."
    )
    server: Annotated[str, AfterValidator(check_service_url)] | None = Field(
        default=None,
        description="The URL of a running service, which commands then ask. Default: they use the database.",
    )
    api_key: SecretStr | None = Field(default=None, description="The API key that commands show to that service.")
    api_key_file: Path | None = Field(default=None, description="A file with that key.")
    data_dir: Annotated[Path, SERVE, WORKER] = Field(
        default_factory=lambda: _default_data_dir(), description="The data directory. Default: the platform's."
    )
    database_url: Annotated[SecretStr, AfterValidator(check_database_url)] | None = Field(
        default=None, description="The database. Default: a SQLite file in the data directory."
    )
    database_url_file: Annotated[Path | None, SERVE, WORKER] = Field(
        default=None, description="A file with the database's URL."
    )
    copy_to_url: Annotated[SecretStr, AfterValidator(check_database_url)] | None = Field(
        default=None, description="The database that `adept db copy` fills."
    )
    copy_to_url_file: Path | None = Field(default=None, description="A file with that database's URL.")
    secret_keys: Annotated[SecretStr, AfterValidator(check_sealing_keys)] | None = Field(
        default=None, description="Keys that seal secrets; the first one writes."
    )
    secret_keys_file: Annotated[Path | None, SERVE, WORKER] = Field(
        default=None, description="A file with such keys, one a line."
    )

    host: Annotated[str, SERVE] = Field(
        default="127.0.0.1", min_length=1, description="The address to listen on. Default: 127.0.0.1."
    )
    port: Annotated[int, BeforeValidator(number(0, 65535)), SERVE] = Field(
        default=8440, description="The port to listen on; 0 takes any free one. Default: 8440."
    )
    allowed_hosts: Annotated[tuple[str, ...], NoDecode, BeforeValidator(host_names), SERVE] = Field(
        default=(),
        description="Host names under which the service is asked, by commas; this machine's own are always allowed.",
    )
    trusted_proxies: Annotated[tuple[str, ...], NoDecode, BeforeValidator(networks), SERVE] = Field(
        default=(), description="Addresses or networks of proxies whose X-Forwarded-For and -Proto count, by commas."
    )
    tls_certificate: Annotated[Path | None, SERVE] = Field(
        default=None, description="A PEM file: the certificate and chain."
    )
    tls_key: Annotated[Path | None, SERVE] = Field(default=None, description="A PEM file: the certificate's key.")
    allow_private_addresses: Annotated[bool, BeforeValidator(yes_or_no), SERVE, WORKER] = Field(
        default=False, description="Let accounts have base URLs on this machine and in private networks."
    )
    metrics_port: Annotated[int | None, BeforeValidator(number(0, 65535)), SERVE, WORKER] = Field(
        default=None, description="A port of 127.0.0.1 for /metrics without a key. Default: none."
    )
    log_level: Annotated[LogLevel, BeforeValidator(lower_case), SERVE, WORKER] = Field(
        default=LogLevel.INFO, description="From where on it is logged: debug, info, warning or error. Default: info."
    )
    log_format: Annotated[LogFormat, BeforeValidator(lower_case), SERVE, WORKER] = Field(
        default=LogFormat.JSON, description="How it is logged: json or text. Default: json."
    )
    concurrency: Annotated[int, BeforeValidator(number(2, 64)), SERVE, WORKER] = Field(
        default=8, description="How many accounts this process walks at once. Default: 8."
    )
    apple_requests: Annotated[int, BeforeValidator(number(4, 1000)), SERVE, WORKER] = Field(
        default=64, description="How many requests to Apple all processes together have under way. Default: 64."
    )
    apple_requests_per_s: Annotated[int, BeforeValidator(number(1, 1000)), SERVE, WORKER] = Field(
        default=100, description="How many requests a second all processes together send to Apple. Default: 100."
    )
    account_requests: Annotated[int, BeforeValidator(number(1, 64)), SERVE, WORKER] = Field(
        default=4, description="How many requests for one account are under way at once. Default: 4."
    )
    account_requests_per_s: Annotated[int, BeforeValidator(number(1, 1000)), SERVE, WORKER] = Field(
        default=20, description="How many requests a second are sent for one account. Default: 20."
    )
    keep_changes_days: Annotated[int, BeforeValidator(number(0, 36500)), SERVE, WORKER] = Field(
        default=90, description="How many days changes are kept; 0: for ever. Default: 90."
    )
    keep_passes_days: Annotated[int, BeforeValidator(number(0, 36500)), SERVE, WORKER] = Field(
        default=90, description="How many days passes are kept; 0: for ever. Default: 90."
    )
    keep_audit_days: Annotated[int, BeforeValidator(number(0, 36500)), SERVE, WORKER] = Field(
        default=365, description="How many days the audit log is kept; 0: for ever. Default: 365."
    )

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Flags, then the environment, then the file that either of them names."""
        file = init_settings().get("config") or env_settings().get("config")
        written = _read_file(Path(file)) if file else {}
        return init_settings, env_settings, InitSettingsSource(settings_cls, init_kwargs=written)

    def where_to_store(self) -> str:
        """The database's URL: as given, or the SQLite file of the data directory."""
        given = _one_of("database_url", self.database_url, self.database_url_file)
        if given is None:
            return f"sqlite:///{(self.data_dir / DATABASE_FILE).absolute().as_posix()}"
        return _checked("database_url_file", check_database_url, SecretStr(given)).get_secret_value()

    def database_file(self) -> Path | None:
        """The database's file where it is one (SQLite)."""
        _, is_file, path = self.where_to_store().partition("sqlite:///")
        return Path(path) if is_file else None

    def where_to_copy(self) -> str | None:
        """The URL of the database that `adept db copy` fills; None where none was given. Reads the file named."""
        given = _one_of("copy_to_url", self.copy_to_url, self.copy_to_url_file)
        if given is None:
            return None
        return _checked("copy_to_url_file", check_database_url, SecretStr(given)).get_secret_value()

    def sealing_keys(self) -> tuple[str, ...] | None:
        """The keys that seal secrets, the writing one first; None where none was given. Reads the file named."""
        given = _one_of("secret_keys", self.secret_keys, self.secret_keys_file)
        return None if given is None else _checked("secret_keys_file", split_keys, given)

    def kept_days(self) -> dict[str, int]:
        """How many days rows are kept, by kind; 0: for ever."""
        return {"changes": self.keep_changes_days, "passes": self.keep_passes_days, "audit": self.keep_audit_days}

    def apple_limits(self) -> AppleLimits:
        """How fast Apple may be asked: by all processes together, and for each account."""
        from adept.accounts.pace import AppleLimits
        from adept.store.apple_shares import Share

        return AppleLimits(
            in_all=Share(self.apple_requests, self.apple_requests_per_s),
            per_account=Share(self.account_requests, self.account_requests_per_s),
        )

    def key_for_server(self) -> str | None:
        """The API key that commands show to a running service; None where none was given. Reads the file named."""
        return _one_of("api_key", self.api_key, self.api_key_file)


def load_settings(flags: Mapping[str, object] | None = None) -> Settings:
    """Read flags, environment and file. Raises ConfigError that names the first bad setting and what is allowed there.

    `flags` are settings as a command line gives them, by their names here.
    """
    flags = flags or {}
    try:
        return Settings(**flags)  # type: ignore[arg-type]  # what they hold is checked here
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False, include_context=False)[0]
        name = str(first["loc"][0]) if first["loc"] else ""
        raise ConfigError(f"{_where_said(name, flags)} {_allowed(first)}") from error


def flag_of(name: str) -> str:
    """How `adept serve` calls a setting."""
    return f"--{name.replace('_', '-')}"


def variable_of(name: str) -> str:
    """How the environment calls a setting."""
    return f"{PREFIX}{name.upper()}"


def wants_debug(environment: Mapping[str, str] = os.environ) -> bool:
    """Whether tracebacks of our own bugs are to be shown (`ADEPT_DEBUG`)."""
    return environment.get(f"{PREFIX}DEBUG", "").strip().lower() in ("1", "true", "yes", "on")


def _read_file(path: Path) -> dict[str, object]:
    """The settings in a TOML file; ConfigError where it can't be read or says what there is not."""
    try:
        written = tomllib.loads(path.read_text("utf-8"))
    except OSError as error:
        raise ConfigError(f"can't read the settings file {path}: {error.strerror}") from error
    except ValueError as error:  # not TOML, or not UTF-8
        raise ConfigError(f"the settings file {path} is not TOML: {error}") from error
    known = set(Settings.model_fields) - {"config"}
    if unknown := sorted(set(written) - known):
        raise ConfigError(
            f"the settings file {path} has {unknown[0]!r}, which is no setting",
            way_out=f"use {', '.join(sorted(known))}",
        )
    return written


def _one_of(name: str, given: SecretStr | None, file: Path | None) -> str | None:
    """A secret, from its setting or from the file that the other one names; None where neither is set."""
    if given is not None and file is not None:
        raise ConfigError(
            f"{variable_of(name)} and {variable_of(f'{name}_file')} are both set", way_out="set one of them"
        )
    if file is None:
        return None if given is None else given.get_secret_value()
    try:
        return file.read_text("utf-8").strip()
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not text"
        raise ConfigError(
            f"{variable_of(f'{name}_file')}: can't read {file}: {reason}", way_out="name a readable file"
        ) from error


def _checked(name: str, check: Callable[[T], U], value: T) -> U:
    """What a check makes of a value that stands in a file; ConfigError names the setting."""
    try:
        return check(value)
    except ValueError as error:
        raise ConfigError(f"{variable_of(name)} {error}") from error


def _where_said(name: str, flags: Mapping[str, object]) -> str:
    """A setting as whoever said it knows it: flag, variable, or key in the file."""
    if name in flags:
        return flag_of(name)
    if any(os.environ[variable] for variable in os.environ if variable.upper() == variable_of(name)):
        return variable_of(name)
    return f"{name!r} in the settings file" if name else "the settings"


def _allowed(error: Any) -> str:
    told = str(error["msg"]).removeprefix("Value error, ")
    return told.replace("Input should be", "must be", 1).replace("String should have", "must have", 1)


def _default_data_dir() -> Path:
    from platformdirs import user_data_path

    return user_data_path("adept", appauthor=False)
