"""A probe: is the account's token good, are the terms signed? Asks Apple for GET /account and nothing else."""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import datetime

from adept.accounts.shared_session import share_session
from adept.accounts.standing import after_failure, after_good_probe
from adept.accounts.tokens import Connect, active_token, promote_candidate
from adept.errors import AdeptError, Malformed, Refused, Unreachable
from adept.jobs.account_pass import record_no_token
from adept.jobs.requests import no_token
from adept.store.accounts import StoredAccount
from adept.store.database import Store
from adept.sync.lease import Lease

log = logging.getLogger("adept.jobs")

Now = Callable[[], datetime]


async def probe(
    store: Store, lease: Lease, account: StoredAccount, *, connect: Connect, now: Now, random: Callable[[], float]
) -> AdeptError | None:
    """Try the candidate token, if there is one, then the active one, and record how the account is.

    Returns what is wrong, None where all is well; where that was in doubt before, a pass is due now. Raises LeaseLost,
    also where a candidate took the account to another server.
    """
    waits_for = await promote_candidate(store, account.id, connect=connect, now=now)
    token = await active_token(store, account.id)
    error: AdeptError | None
    if token is None:
        error = waits_for or no_token(account.name)
        await record_no_token(store, lease, waits_for, now=now, chance=random())
    else:
        try:
            async with connect(token.secret, account.base_url) as client:
                found = await share_session(client, store, token.id).account()
        except (Refused, Malformed, Unreachable) as refusal:
            error = refusal
            async with store.writing() as tx:
                current = await lease.account(tx)
                await after_failure(
                    tx,
                    current,
                    error,
                    token_id=token.id,
                    waits_for=waits_for,
                    of_probe=True,
                    now=now(),
                    chance=random(),
                )
        else:
            error = None
            async with store.writing() as tx:
                current = await lease.account(tx)
                await after_good_probe(tx, current, found, now=now(), chance=random())
    log.info("account probed", extra={"account": account.name, "error_code": error.code if error else None})
    return error
