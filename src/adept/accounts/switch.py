"""The one transaction in which an account takes a token: key, token, identity and health together.

Until it commits the old pair works; afterwards the new one does. Nothing here asks Apple: see `tokens`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from adept.accounts.health import Diagnosis, when_failed, when_well
from adept.accounts.identity import Sameness, compare, describe, identity_columns, organisation
from adept.accounts.rhythm import next_probe_at, no_jitter
from adept.errors import AdeptError, NotFound, TokenFileError
from adept.protocol.account import Account
from adept.protocol.server_token import ServerToken
from adept.store import holds, keypairs, leases, seen
from adept.store import tokens as token_rows
from adept.store.accounts import StoredAccount, account_by_id, lock_account, update_account
from adept.store.audit import Actor, add_audit
from adept.store.database import Store, Transaction
from adept.store.removal import tombstone_all


@dataclass(frozen=True, slots=True)
class NewToken:
    """A token as it came in. Both keys are None where it came as plain JSON."""

    token: ServerToken
    keypair_id: int | None = None  # the stored keypair it was made for
    brought_key: bytes | None = None  # or a private key, PEM, that is to be stored with it
    replace_server: bool = False  # the person allowed that it belongs to another server


@dataclass(frozen=True, slots=True)
class TokenOutcome:
    """What became of a token.

    `token` is the token itself; `identity` what Apple said of it, None while it waits as candidate, and then
    `waits_for` says for what. `remarks` are sentences for a person; `deleted_devices` counts the tombstones that a
    replaced server left.
    """

    account_name: str
    token: ServerToken = field(repr=False)
    identity: Account | None
    waits_for: AdeptError | None = None
    remarks: tuple[str, ...] = ()
    deleted_devices: int = 0

    @property
    def expires_at(self) -> datetime:
        """When the token ends."""
        return self.token.access_token_expiry

    @property
    def is_active(self) -> bool:
        """Whether Apple has accepted it; else it waits as candidate."""
        return self.identity is not None


class OtherServer(TokenFileError):
    """The token is another MDM server's than the account's, and nobody allowed that. The old token still works."""


async def keep_as_candidate(
    tx: Transaction,
    store: Store,
    account_id: int,
    new: NewToken,
    waits_for: AdeptError,
    *,
    by: Actor,
    now: datetime,
) -> TokenOutcome:
    """Keep a token sealed that Apple could not be asked about, to be tried again soon; it retires an older one."""
    account = await _still_there(tx, account_id)
    for older in await token_rows.tokens_of(tx, account.id, "candidate"):
        await token_rows.set_token_state(tx, older.id, "retired", now, reason="a newer token was uploaded")
    await _add_token(tx, store, account, new, state="candidate", reason=waits_for.message, now=now)
    columns: dict[str, object] = {"next_probe_at": next_probe_at(candidate_waits=True, now=now, chance=no_jitter())}
    if not await token_rows.tokens_of(tx, account.id, "active"):
        failed = when_failed(waits_for, organisation=organisation(account))
        columns |= {**health_columns(account, failed, now=now), "failures": 0}
    await update_account(tx, account.id, **columns)
    kept = {"expires_at": new.token.access_token_expiry, "waits_for": waits_for.message}
    await add_audit(tx, by, "account.token_kept", account.name, now=now, after=kept)
    return TokenOutcome(account.name, new.token, None, waits_for=waits_for)


async def take(
    tx: Transaction,
    store: Store,
    account_id: int,
    new: NewToken,
    found: Account,
    *,
    by: Actor,
    now: datetime,
    candidate_id: int | None = None,
) -> TokenOutcome:
    """Make the token the account's active one; `candidate_id` is its row where it has one already."""
    account = await _still_there(tx, account_id)
    active = await token_rows.tokens_of(tx, account_id, "active")
    sameness = compare(
        account,
        found,
        stored_key_hash=active[0].consumer_key_hash if active else None,
        found_key_hash=new.token.fingerprint,
    )
    if sameness is Sameness.OTHER and not new.replace_server:
        raise OtherServer(
            f"the token is for the server {describe(found)}, but account {account.name!r} is "
            f"{_described(account)}; the old token still works",
            way_out="upload it to the account it belongs to, or take the new server with --replace-server",
        )
    for older in [*active, *await token_rows.tokens_of(tx, account_id, "candidate")]:
        if older.id != candidate_id:
            await token_rows.set_token_state(tx, older.id, "retired", now, reason="another token took its place")
    if candidate_id is not None:
        await token_rows.set_token_state(tx, candidate_id, "active", now)
        keypair_id = new.keypair_id
    else:
        keypair_id = await _add_token(tx, store, account, new, state="active", reason=None, now=now)
    await _use_keypair(tx, account_id, keypair_id, now=now)
    deleted = await _leave_server(tx, account, now=now) if sameness is Sameness.OTHER else 0
    well = when_well(
        expires_at=new.token.access_token_expiry,
        held=await holds.open_hold(tx, account_id) is not None,
        paused=account.paused,
        now=now,
    )
    columns = health_columns(account, well, now=now) | identity_columns(found)
    await update_account(tx, account_id, **columns, identity_at=now, next_sync_at=now, failures=0)
    await add_audit(
        tx,
        by,
        "account.token_taken" if candidate_id is None else "account.token_promoted",
        account.name,
        now=now,
        before=_told(account.server_name, active[0].expires_at) if active else None,
        after=_told(found.server_name, new.token.access_token_expiry) | {"deleted_devices": deleted},
    )
    return TokenOutcome(
        account.name,
        new.token,
        found,
        remarks=_remarks(sameness, account, found, deleted),
        deleted_devices=deleted,
    )


async def _still_there(tx: Transaction, account_id: int) -> StoredAccount:
    """The account, held until the transaction ends: of two tokens that come at once one is the later."""
    await lock_account(tx, account_id)
    account = await account_by_id(tx, account_id)
    if account is None:
        raise NotFound("the account was removed while its token was being tried")
    return account


def _told(server_name: str | None, expires_at: datetime | None) -> dict[str, object]:
    """What the audit log says of a token: nothing that is secret."""
    return {"server_name": server_name, "expires_at": expires_at}


async def _add_token(
    tx: Transaction,
    store: Store,
    account: StoredAccount,
    new: NewToken,
    *,
    state: str,
    reason: str | None,
    now: datetime,
) -> int | None:
    """Keep the token, and the key that was brought along; returns the id of its keypair, None where it has none."""
    keypair_id = new.keypair_id
    if new.brought_key is not None:
        brought = await keypairs.add_keypair(
            tx, account, new.brought_key, None, state="retired", sealer=store.sealer, now=now
        )
        keypair_id = brought.id
    await token_rows.add_token(
        tx,
        account.id,
        new.token.to_json(),
        state=state,
        keypair_id=keypair_id,
        expires_at=new.token.access_token_expiry,
        consumer_key_hash=new.token.fingerprint,
        sealer=store.sealer,
        now=now,
        replace_server=new.replace_server,
        reason=reason,
    )
    return keypair_id


async def _use_keypair(tx: Transaction, account_id: int, keypair_id: int | None, *, now: datetime) -> None:
    """The keypair the token came for becomes the active one, which also signs; a token without one changes none."""
    if keypair_id is None:
        return
    for keypair in await keypairs.keypairs_of(tx, account_id):
        if keypair.id == keypair_id and keypair.state != "active":
            await keypairs.set_keypair_state(tx, keypair.id, "active", now)
        elif keypair.id != keypair_id and keypair.state == "active":
            await keypairs.set_keypair_state(tx, keypair.id, "retired", now)


async def _leave_server(tx: Transaction, account: StoredAccount, *, now: datetime) -> int:
    """The account is another server's from now on: its devices get tombstones, its cursor is worth nothing."""
    await leases.bump(tx, account.id)
    await seen.forget_seen(tx, account.id)
    hold = await holds.open_hold(tx, account.id)
    if hold is not None:
        await holds.decide_hold(tx, hold.id, "replaced", now)
    await update_account(
        tx,
        account.id,
        phase="fetch",
        cursor=None,
        cursor_at=None,
        fetch_id=None,
        full_requested=False,
        strikes=0,
        last_fetch_at=None,
    )
    return await tombstone_all(tx, account, reason="server_replaced", now=now)


def health_columns(account: StoredAccount, diagnosis: Diagnosis, *, now: datetime) -> dict[str, object]:
    """The columns of the account's row that hold its health; `since` moves only when the word changes."""
    since = account.health_since if account.health == diagnosis.health else now
    return {"health": diagnosis.health.value, "health_since": since, "health_reason": diagnosis.reason}


def _described(account: StoredAccount) -> str:
    uuid = account.server_uuid
    return f'"{account.server_name or "unnamed"}" ({uuid[:8] + "…" if uuid else "no identifier"})'


def _remarks(sameness: Sameness, before: StoredAccount, found: Account, deleted: int) -> tuple[str, ...]:
    remarks = []
    if sameness is Sameness.SAME_OTHER_KEY:
        remarks.append("the consumer key changed though the server is the same: another person replaced the token")
    if sameness is Sameness.OTHER:
        remarks.append(
            f"the server was {_described(before)} and is now {describe(found)}: {deleted} devices of the old one "
            "were marked as deleted, and everything is fetched anew"
        )
    if before.server_name and found.server_name and before.server_name != found.server_name:
        remarks.append(f'the server was renamed from "{before.server_name}" to "{found.server_name}"')
    return tuple(remarks)
