"""What a setting's value may be: each function takes what was said and returns the value, or raises ValueError.

The error's sentence goes on after the setting's name ("must be …") and never shows what was said.
"""

from __future__ import annotations

import base64
import binascii
import ipaddress
from collections.abc import Callable, Iterable
from enum import StrEnum
from urllib.parse import urlsplit

from pydantic import SecretStr

_DATABASES = ("sqlite:///", "postgresql://", "postgres://", "postgresql+psycopg://")
_YES = {"1", "true", "yes", "on"}
_NO = {"0", "false", "no", "off"}


class LogLevel(StrEnum):
    """From which weight on a line is logged."""

    DEBUG = "debug"
    INFO = "info"
    WARNING = "warning"
    ERROR = "error"


class LogFormat(StrEnum):
    """A JSON object a line for programs, or text for people."""

    JSON = "json"
    TEXT = "text"


def check_service_url(url: str) -> str:
    """The base URL of a service that gets our credentials: https, or plain http on this machine."""
    parts = urlsplit(url)
    if not parts.hostname or parts.scheme not in ("http", "https"):
        raise ValueError("must be a URL such as https://mdmenrollment.apple.com")
    if parts.scheme == "http" and not is_loopback(parts.hostname):
        raise ValueError("must begin with https://; http:// is allowed only for this machine (localhost, 127.0.0.1)")
    return url


def check_database_url(url: SecretStr) -> SecretStr:
    """The URL of a database of ours."""
    if not url.get_secret_value().startswith(_DATABASES):
        raise ValueError("must be sqlite:///PATH or postgresql://USER:PASSWORD@HOST/DATABASE")
    return url


def check_sealing_keys(keys: SecretStr) -> SecretStr:
    """Keys as `split_keys` takes them apart."""
    split_keys(keys.get_secret_value())
    return keys


def split_keys(text: str) -> tuple[str, ...]:
    """Take sealing keys apart: by commas, blanks or lines. Raises ValueError, without showing any of them."""
    keys = tuple(text.replace(",", " ").split())
    if not keys:
        raise ValueError("must hold at least one key")
    for place, key in enumerate(keys, start=1):
        if not _is_key(key):
            raise ValueError(f"must hold keys of 32 bytes in URL-safe base64 (44 characters); key {place} is not one")
    return keys


def number(lowest: int, highest: int) -> Callable[[object], int]:
    """A whole number within bounds."""

    def read(said: object) -> int:
        try:
            value = int(str(said)) if not isinstance(said, bool) else lowest - 1
        except ValueError:
            value = lowest - 1
        if not lowest <= value <= highest:
            raise ValueError(f"must be a whole number from {lowest} to {highest}")
        return value

    return read


def yes_or_no(said: object) -> bool:
    """A yes or a no."""
    word = str(said).strip().lower()
    if word not in _YES | _NO:
        raise ValueError("must be 1, true, yes or on, or 0, false, no or off")
    return word in _YES


def lower_case(said: object) -> str:
    """A word whose case says nothing."""
    return str(said).strip().lower()


def host_names(said: object) -> tuple[str, ...]:
    """Names and addresses as they stand in a Host header, without the port, in lower case."""
    found = tuple(name.lower() for name in _listed(said))
    for name in found:
        if not urlsplit(f"//{name}").hostname or "/" in name or "@" in name or "*" in name or _has_port(name):
            raise ValueError("must be host names separated by commas, without scheme, port or *")
    return found


def networks(said: object) -> tuple[str, ...]:
    """Addresses and networks."""
    found = _listed(said)
    for text in found:
        try:
            ipaddress.ip_network(text)
        except ValueError:
            raise ValueError(
                "must be addresses or networks separated by commas, such as 10.0.0.7 or 10.0.0.0/24"
            ) from None
    return found


def is_loopback(host: str) -> bool:
    """Whether a host is this machine and nobody else can connect to it."""
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return host.lower() == "localhost"


def _listed(said: object) -> tuple[str, ...]:
    parts: Iterable[object] = (
        said.split(",") if isinstance(said, str) else said if isinstance(said, (list, tuple)) else [said]
    )
    return tuple(text for part in parts if (text := str(part).strip()))


def _has_port(name: str) -> bool:
    return ":" in name.rpartition("]")[2] and (name.startswith("[") or name.count(":") == 1)


def _is_key(text: str) -> bool:
    try:
        return len(base64.b64decode(text.encode(), altchars=b"-_", validate=True)) == 32
    except (ValueError, binascii.Error):
        return False
