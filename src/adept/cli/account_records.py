"""An account as commands give it out: its state and health, never a secret. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

import msgspec

from adept.cli.passes import pass_record

if TYPE_CHECKING:
    from adept.store.accounts import StoredAccount
    from adept.store.holds import StoredHold
    from adept.store.keypairs import StoredKeypair
    from adept.store.passes import StoredPass
    from adept.store.tokens import StoredToken

_COLUMNS = (
    "name",
    "base_url",
    "server_name",
    "server_uuid",
    "health",
    "health_since",
    "health_reason",
    "paused",
    "last_pass_at",
    "last_fetch_at",
    "next_sync_at",
    "failures",
    "created_at",
)


@dataclass(frozen=True)
class Found:
    """What is stored of an account and beside it."""

    account: StoredAccount
    devices: int  # live ones
    tokens: list[StoredToken]
    keypairs: list[StoredKeypair]
    hold: StoredHold | None
    last_pass: StoredPass | None


def account_record(account: StoredAccount, *, devices: int, token_expires_at: datetime | None) -> dict[str, Any]:
    """An account as one item of a list."""
    values = {column: getattr(account, column) for column in _COLUMNS}
    return values | {"devices": devices, "token_expires_at": token_expires_at}


def whole_record(found: Found) -> dict[str, Any]:
    """An account as one JSON object, with what Apple said of it at the last accepted token."""
    from adept.accounts.health import WAY_OUT, Health

    account = found.account
    identity = msgspec.json.decode(account.identity, type=dict[str, Any]) if account.identity else {}
    return account_record(account, devices=found.devices, token_expires_at=active_until(found.tokens)) | {
        "way_out": WAY_OUT[Health(account.health)],
        "org_name": identity.get("org_name"),
        "keypairs": [{"state": pair.state, "created_at": pair.created_at} for pair in found.keypairs],
        "tokens": [
            {"state": token.state, "expires_at": token.expires_at, "reason": token.reason} for token in found.tokens
        ],
        "hold": hold_record(found.hold) if found.hold else None,
        "last_pass": pass_record(found.last_pass, account.name) if found.last_pass else None,
    }


def hold_record(hold: StoredHold, *, with_serials: bool = False) -> dict[str, Any]:
    """A hold as one JSON object."""
    serials = msgspec.json.decode(hold.serial_numbers, type=list[str])
    record = {
        "id": hold.id,
        "state": hold.state,
        "created_at": hold.created_at,
        "devices": len(serials),
        "live_devices": hold.live_devices,
        "decided_at": hold.decided_at,
        "deleted": hold.deleted,
    }
    return record | {"serial_numbers": serials} if with_serials else record


def active_until(tokens: list[StoredToken]) -> datetime | None:
    """When the working token ends; None where there is none."""
    return next((token.expires_at for token in tokens if token.state == "active"), None)
