"""How an account stands after it was tried: health, failures in a row and when it is due again, written in one place.

Each function writes in the caller's transaction, in which the lease was checked; `chance` is for jitter, see `rhythm`.
"""

from __future__ import annotations

from datetime import datetime

from adept.accounts import rhythm
from adept.accounts.health import (
    Diagnosis,
    Health,
    is_about_the_token,
    is_breaker_open,
    stays_after_probe,
    when_failed,
    when_well,
)
from adept.accounts.identity import identity_columns, organisation
from adept.accounts.switch import health_columns
from adept.errors import AdeptError, Refused, TokenFileError, Unreachable
from adept.protocol.account import Account
from adept.store import passes
from adept.store import tokens as token_rows
from adept.store.accounts import StoredAccount, add_failure, update_account
from adept.store.database import Transaction
from adept.store.tokens import StoredToken
from adept.store.unsettled import unsettled_of


async def after_good_pass(tx: Transaction, account: StoredAccount, *, now: datetime, chance: float) -> None:
    """The account is well; it is due after its interval, or at once where somebody asked for a pass meanwhile."""
    tokens = await token_rows.tokens_of(tx, account.id)
    unsettled = await unsettled_of(tx, account.id)
    due = rhythm.next_sync_at(interval_s=account.interval_s, now=now, chance=chance)
    await update_account(
        tx,
        account.id,
        **health_columns(account, _when_well(account, tokens, held=unsettled.hold, now=now), now=now),
        **_next_probe(tokens, now=now, chance=chance),
        failures=0,
        next_sync_at=now if unsettled.queued_pass else due,
        last_pass_at=now,
    )


async def after_good_probe(
    tx: Transaction, account: StoredAccount, found: Account, *, now: datetime, chance: float
) -> bool:
    """Apple answered GET /account: keep what it said. True where that closes the breaker: a pass is due now."""
    tokens = await token_rows.tokens_of(tx, account.id)
    health = Health(account.health)
    closes = is_breaker_open(health, account.failures)
    columns: dict[str, object] = {**identity_columns(found), "identity_at": now}
    if not stays_after_probe(health, pass_follows=closes):
        held = (await unsettled_of(tx, account.id)).hold
        columns |= health_columns(account, _when_well(account, tokens, held=held, now=now), now=now)
    if closes:
        columns["next_sync_at"] = now
    elif account.failures:
        columns["failures"] = 0
    await update_account(tx, account.id, **columns, **_next_probe(tokens, now=now, chance=chance))
    return closes


async def after_failure(
    tx: Transaction,
    account: StoredAccount,
    error: AdeptError,
    *,
    token_id: int,
    waits_for: AdeptError | None = None,
    of_probe: bool = False,
    now: datetime,
    chance: float,
) -> None:
    """The pass, or the probe, ended with an error of Apple's or of the way there, while it used that token.

    What it says of a token that was replaced meanwhile is no word against the account, which is due at once. Where the
    token's successor is here and `waits_for` something, that is what has to be done about it.
    """
    if is_about_the_token(error):
        if not await _is_active(tx, account, token_id):
            await update_account(tx, account.id, next_sync_at=now)
            return
        if waits_for is not None and not isinstance(waits_for, TokenFileError):
            error = waits_for
    diagnosis = when_failed(error, organisation=organisation(account))
    await _put_off(
        tx, account, diagnosis, retry_after_s=_retry_after_s(error), of_probe=of_probe, now=now, chance=chance
    )


async def without_token(
    tx: Transaction, account: StoredAccount, waits_for: AdeptError | None, *, now: datetime, chance: float
) -> None:
    """The account has no working token: its candidate waits for this, or was given up for it; None: it had none."""
    if waits_for is None or isinstance(waits_for, TokenFileError):
        diagnosis = Diagnosis(Health.NO_TOKEN, waits_for.message if waits_for is not None else None)
    else:
        diagnosis = when_failed(waits_for, organisation=organisation(account))
    if waits_for is None:
        await update_account(tx, account.id, **health_columns(account, diagnosis, now=now))
        return
    await _put_off(tx, account, diagnosis, retry_after_s=_retry_after_s(waits_for), now=now, chance=chance)


async def after_own_fault(
    tx: Transaction, account: StoredAccount, error: AdeptError, *, now: datetime, chance: float
) -> None:
    """adept itself failed at the account: nothing new is known of its health, but it is not tried again at once."""
    diagnosis = Diagnosis(Health(account.health), str(error))
    await _put_off(tx, account, diagnosis, retry_after_s=None, now=now, chance=chance)


async def _put_off(
    tx: Transaction,
    account: StoredAccount,
    diagnosis: Diagnosis,
    *,
    retry_after_s: float | None,
    of_probe: bool = False,
    now: datetime,
    chance: float,
) -> None:
    failures = await add_failure(tx, account.id)
    at = rhythm.tried_again_at(diagnosis.health, failures=failures, retry_after_s=retry_after_s, now=now, chance=chance)
    columns = health_columns(account, Diagnosis(Health.PAUSED) if account.paused else diagnosis, now=now)
    is_open = is_breaker_open(diagnosis.health, failures)
    if is_open or of_probe:
        columns["next_probe_at"] = at
    if is_open or not of_probe:
        is_asked_for = retry_after_s is None and await passes.queued_pass(tx, account.id) is not None
        columns["next_sync_at"] = now if is_asked_for else at
    await update_account(tx, account.id, **columns)


def _when_well(account: StoredAccount, tokens: list[StoredToken], *, held: bool, now: datetime) -> Diagnosis:
    active = [token for token in tokens if token.state == "active"]
    return when_well(
        expires_at=active[0].expires_at if active else None,
        held=held,
        paused=account.paused,
        now=now,
    )


def _next_probe(tokens: list[StoredToken], *, now: datetime, chance: float) -> dict[str, object]:
    waits = any(token.state == "candidate" for token in tokens)
    return {"next_probe_at": rhythm.next_probe_at(candidate_waits=waits, now=now, chance=chance)}


async def _is_active(tx: Transaction, account: StoredAccount, token_id: int) -> bool:
    active = await token_rows.tokens_of(tx, account.id, "active")
    return bool(active) and active[0].id == token_id


def _retry_after_s(error: AdeptError | None) -> float | None:
    return error.retry_after_s if isinstance(error, Refused | Unreachable) else None
