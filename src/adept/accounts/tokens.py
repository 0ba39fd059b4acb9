"""The server token of an account: trying it at Apple, and the one transaction that takes it.

A token is tried live before anything changes. If it is good, and the server is the account's, key and token switch in
one transaction; until then the old pair works. If Apple can't be asked about it yet (terms unsigned, too many
requests, no answer), it is kept sealed as *candidate* and tried again before the next pass: Apple killed the old token
when the new one was downloaded, so refusing it would strand the account.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime

from adept.accounts.shared_session import share_session
from adept.accounts.switch import NewToken, TokenOutcome, keep_as_candidate, take
from adept.client.async_client import AsyncClient
from adept.errors import AdeptError, Malformed, Refused, TokenFileError, TokenRejected, Unreachable
from adept.protocol.account import Account
from adept.protocol.server_token import ServerToken
from adept.store import tokens as token_rows
from adept.store.accounts import StoredAccount, account_by_id, lock_account
from adept.store.audit import ADEPT, Actor, add_audit
from adept.store.database import Store, Transaction
from adept.store.tokens import StoredToken

Connect = Callable[[ServerToken, str], AsyncClient]  # a client for a token at a base URL
Now = Callable[[], datetime]


@dataclass(frozen=True, slots=True)
class ActiveToken:
    """The token that works now, opened."""

    id: int
    secret: ServerToken
    expires_at: datetime | None


async def probe(
    token: ServerToken, base_url: str, connect: Connect, *, kept: tuple[Store, int] | None = None
) -> Account | AdeptError:
    """Ask Apple whose token it is: the account, or the error for which a good token may have to wait.

    `kept` is the store that has the token, and its id there: then its session is shared with others who use it. Raises
    TokenRejected, and Refused where Apple denies access: waiting would not help.
    """
    try:
        async with connect(token, base_url) as client:
            if kept is not None:
                share_session(client, *kept)
            return await client.account()
    except TokenRejected:
        raise
    except Refused as error:
        if error.code != "T_C_NOT_SIGNED" and error.status != 429:
            raise
        return error
    except (Unreachable, Malformed) as error:
        return error


async def ask_about(new: NewToken, base_url: str, *, connect: Connect, now: Now) -> Account | AdeptError:
    """Ask Apple about a token that came in, unless its time is over: then TokenFileError. Else as `probe`."""
    if new.token.is_expired(now()):
        raise TokenFileError(
            f"the server token ended on {new.token.access_token_expiry:%Y-%m-%d}",
            way_out="make a new one in Apple's portal",
        )
    return await probe(new.token, base_url, connect)


async def settle(
    tx: Transaction,
    store: Store,
    account: StoredAccount,
    new: NewToken,
    found: Account | AdeptError,
    *,
    by: Actor,
    now: datetime,
) -> TokenOutcome:
    """Take the token or keep it as candidate, as Apple's answer says. NotFound where the account went meanwhile."""
    if isinstance(found, AdeptError):
        return await keep_as_candidate(tx, store, account.id, new, found, by=by, now=now)
    return await take(tx, store, account.id, new, found, by=by, now=now)


async def offer_token(
    store: Store, account: StoredAccount, new: NewToken, *, connect: Connect, by: Actor, now: Now
) -> TokenOutcome:
    """Try a token at Apple, then take it or keep it as candidate. On any error nothing was changed.

    Raises TokenFileError for a token whose time is over or that is another server's, TokenRejected and Refused where
    Apple won't have it, NotFound where the account was removed meanwhile.
    """
    found = await ask_about(new, account.base_url, connect=connect, now=now)
    async with store.writing(durable=True) as tx:
        return await settle(tx, store, account, new, found, by=by, now=now())


async def promote_candidate(store: Store, account_id: int, *, connect: Connect, now: Now) -> AdeptError | None:
    """Try the account's candidate token, if it has one; returns what it still waits for, or why it was given up.

    A candidate that Apple rejects, that has expired, or that is another server's, is retired with the reason. Nobody
    asks for this: it is adept's own act.
    """
    async with store.reading() as tx:
        account = await account_by_id(tx, account_id)
        candidates = await token_rows.tokens_of(tx, account_id, "candidate")
    if account is None or not candidates:
        return None
    candidate = candidates[0]
    token = ServerToken.from_json(token_rows.open_token(candidate, store.sealer))
    new = NewToken(token, candidate.keypair_id, replace_server=candidate.replace_server)
    try:
        found = await probe(token, account.base_url, connect, kept=(store, candidate.id))
        if isinstance(found, AdeptError):
            return found
        async with store.writing(durable=True) as tx:
            if await _still_waits(tx, candidate):
                await take(tx, store, account_id, new, found, by=ADEPT, now=now(), candidate_id=candidate.id)
    except (TokenFileError, Refused) as error:
        async with store.writing(durable=True) as tx:
            if await _still_waits(tx, candidate):
                await token_rows.set_token_state(tx, candidate.id, "retired", now(), reason=error.message)
                why = {"reason": error.message}
                await add_audit(tx, ADEPT, "account.token_given_up", account.name, now=now(), after=why)
        return error
    return None


async def _still_waits(tx: Transaction, candidate: StoredToken) -> bool:
    """Whether nobody was faster with the candidate; nobody will be until the transaction ends."""
    await lock_account(tx, candidate.account_id)
    found = await token_rows.token_by_id(tx, candidate.id)
    return found is not None and found.state == "candidate"


async def active_token(store: Store, account_id: int) -> ActiveToken | None:
    """The account's working token, opened; None if it has none."""
    async with store.reading() as tx:
        return opened_active(store, await token_rows.tokens_of(tx, account_id, "active"))


def opened_active(store: Store, rows: Iterable[StoredToken]) -> ActiveToken | None:
    """The active one of an account's tokens, opened; None if there is none."""
    for row in rows:
        if row.state == "active":
            secret = ServerToken.from_json(token_rows.open_token(row, store.sealer))
            return ActiveToken(row.id, secret, row.expires_at)
    return None
