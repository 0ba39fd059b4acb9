"""Accounts as they are shown: their state and health, what is to be done about it, and never a secret."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import msgspec
from pydantic import BaseModel, ConfigDict, Field

from adept.accounts.health import WAY_OUT, Health
from adept.accounts.identity import identity_of
from adept.protocol.account import Account, Limit
from adept.records.holds import HoldRecord, hold_record
from adept.records.passes import PassRecord, pass_record
from adept.store import holds, keypairs, passes, tokens
from adept.store.accounts import StoredAccount, account_named, all_accounts
from adept.store.database import Store, Transaction

FETCH, SYNC = "/server/devices", "/devices/sync"


class AccountRecord(BaseModel):
    """An account as one item of a list: one MDM server of Apple's portal."""

    model_config = ConfigDict(frozen=True)

    name: str
    base_url: str
    server_name: str | None = Field(description="The MDM server's name at Apple; people change it.")
    server_uuid: str | None
    org_name: str | None
    health: str = Field(description="How the account is, in one word.")
    health_since: datetime
    health_reason: str | None
    way_out: str = Field(description="What to do about it.")
    paused: bool
    interval_s: int = Field(description="Seconds between syncs.")
    page_size: int | None = Field(description="Devices to ask for at a time; null for as many as Apple gives.")
    last_pass_at: datetime | None = Field(description="When a pass last ended well.")
    last_fetch_at: datetime | None = Field(description="When everything was last fetched.")
    next_sync_at: datetime
    next_probe_at: datetime | None = Field(description="When Apple is next asked about the account alone.")
    failures: int = Field(description="Passes that failed in a row.")
    created_at: datetime
    version: int = Field(description="One more at each edit; its ETag.")
    devices: int = Field(description="Devices that are there; those that are gone don't count.")
    token_expires_at: datetime | None = Field(description="When the working server token ends.")


class TokenRecord(BaseModel):
    """A server token of the account's history. Its secrets are never shown."""

    model_config = ConfigDict(frozen=True)

    state: str = Field(description="candidate, active or retired.")
    expires_at: datetime | None
    created_at: datetime
    activated_at: datetime | None
    ended_at: datetime | None
    reason: str | None = Field(description="Why it waits, or why it ended.")


class KeypairRecord(BaseModel):
    """A keypair that server tokens are encrypted to."""

    model_config = ConfigDict(frozen=True)

    state: str = Field(description="staged, active or retired.")
    common_name: str | None
    created_at: datetime
    activated_at: datetime | None
    retired_at: datetime | None


class PageLimit(BaseModel):
    """How many devices Apple gives a page."""

    model_config = ConfigDict(frozen=True)

    default: int
    maximum: int


class Limits(BaseModel):
    """Apple's page sizes for the account; null where it names none."""

    model_config = ConfigDict(frozen=True)

    fetch: PageLimit | None
    sync: PageLimit | None


class AccountDetails(AccountRecord):
    """An account with all that is kept beside it, secrets excepted."""

    identity: dict[str, Any] | None = Field(description="Apple's whole answer about the account.")
    identity_at: datetime | None = Field(description="When Apple gave it.")
    limits: Limits
    tokens: list[TokenRecord] = Field(description="The newest first.")
    keypairs: list[KeypairRecord] = Field(description="The newest first.")
    hold: HoldRecord | None = Field(description="The deletions that wait for a person.")
    last_pass: PassRecord | None


async def account_list(store: Store) -> list[AccountRecord]:
    """Every account, by name."""
    async with store.reading() as tx:
        ends = await tokens.active_token_ends(tx)
        rows = await all_accounts(tx)
    return [AccountRecord(**_values(row, ends=ends.get(row.id))) for row in rows]


async def account_names(store: Store) -> list[str]:
    """The names of all accounts, in order."""
    async with store.reading() as tx:
        return [row.name for row in await all_accounts(tx)]


async def account_details(store: Store, name: str) -> AccountDetails:
    """One account, by its name in any case. NotFound for an unknown one."""
    async with store.reading() as tx:
        return await _details(tx, await account_named(tx, name))


async def _details(tx: Transaction, account: StoredAccount) -> AccountDetails:
    said = identity_of(account)
    history = await tokens.tokens_of(tx, account.id)
    ends = next((token.expires_at for token in history if token.state == "active"), None)
    hold = await holds.open_hold(tx, account.id)
    last = await passes.passes_of(tx, account.id, limit=1)
    return AccountDetails(
        **_values(account, ends=ends),
        identity=msgspec.json.decode(said.document) if said else None,
        identity_at=account.identity_at,
        limits=_limits(said),
        tokens=[TokenRecord(**_columns(TokenRecord, token)) for token in history],
        keypairs=[
            KeypairRecord(**_columns(KeypairRecord, pair)) for pair in await keypairs.keypairs_of(tx, account.id)
        ],
        hold=hold_record(hold) if hold else None,
        last_pass=pass_record(last[0], account.name) if last else None,
    )


def _values(account: StoredAccount, *, ends: datetime | None) -> dict[str, Any]:
    said = identity_of(account)
    beside = {
        "org_name": said.org_name if said else None,
        "way_out": WAY_OUT[Health(account.health)],
        "devices": account.live_devices,
        "token_expires_at": ends,
    }
    return _columns(AccountRecord, account, without=beside) | beside


def _columns(shape: type[BaseModel], row: object, *, without: Any = ()) -> dict[str, Any]:
    return {name: getattr(row, name) for name in shape.model_fields if name not in without}


def _limits(said: Account | None) -> Limits:
    return Limits(
        fetch=_limit(said.limit_for(FETCH) if said else None), sync=_limit(said.limit_for(SYNC) if said else None)
    )


def _limit(limit: Limit | None) -> PageLimit | None:
    return PageLimit(default=limit.default, maximum=limit.maximum) if limit else None
