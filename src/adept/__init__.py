"""Apple's Device Enrollment Program (Automated Device Enrollment): protocol, clients, store, sync and simulator.

What is named here is the library's face; it is loaded when first used, so that importing adept costs nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from adept.client.async_client import AsyncClient
    from adept.client.client import Client
    from adept.errors import (
        AdeptError,
        Busy,
        ConfigError,
        Conflict,
        CursorExpired,
        Denied,
        Malformed,
        Misuse,
        NeedsPerson,
        NotFound,
        Outdated,
        Refused,
        StoreError,
        TokenFileError,
        TokenRejected,
        Unreachable,
    )
    from adept.protocol.device import Device
    from adept.protocol.keypair import generate_keypair
    from adept.protocol.p7m_open import open_server_token
    from adept.protocol.p7m_seal import seal_server_token
    from adept.protocol.pages import DevicePage
    from adept.protocol.profile import Profile
    from adept.protocol.server_token import ServerToken

__version__ = "0.1.0"

__all__ = [
    "AdeptError",
    "AsyncClient",
    "Busy",
    "Client",
    "ConfigError",
    "Conflict",
    "CursorExpired",
    "Denied",
    "Device",
    "DevicePage",
    "Malformed",
    "Misuse",
    "NeedsPerson",
    "NotFound",
    "Outdated",
    "Profile",
    "Refused",
    "ServerToken",
    "StoreError",
    "TokenFileError",
    "TokenRejected",
    "Unreachable",
    "__version__",
    "generate_keypair",
    "open_server_token",
    "seal_server_token",
]

_PLACES = {
    "AsyncClient": "adept.client.async_client",
    "Client": "adept.client.client",
    "Device": "adept.protocol.device",
    "DevicePage": "adept.protocol.pages",
    "Profile": "adept.protocol.profile",
    "ServerToken": "adept.protocol.server_token",
    "generate_keypair": "adept.protocol.keypair",
    "open_server_token": "adept.protocol.p7m_open",
    "seal_server_token": "adept.protocol.p7m_seal",
}


def __getattr__(name: str) -> Any:
    """Load a public name on its first use (PEP 562)."""
    if name not in __all__:
        raise AttributeError(f"module 'adept' has no attribute {name!r}")
    from importlib import import_module

    value = getattr(import_module(_PLACES.get(name, "adept.errors")), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    """The public names, loaded or not."""
    return sorted(__all__)
