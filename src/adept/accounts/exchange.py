"""The exchange with Apple's portal: our certificate goes there, an encrypted server token comes back."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

import anyio.to_thread
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from adept.accounts.switch import NewToken, TokenOutcome
from adept.accounts.tokens import Connect, offer_token
from adept.errors import NeedsPerson, TokenFileError
from adept.protocol.keypair import Keypair, generate_keypair, load_private_key
from adept.protocol.p7m_open import open_with_one_of
from adept.protocol.server_token import ServerToken
from adept.store import keypairs
from adept.store.accounts import StoredAccount, account_named, locked_account
from adept.store.audit import Actor, add_audit
from adept.store.database import Store, Transaction
from adept.store.keypairs import StoredKeypair

_ORDER = ("staged", "active", "retired")

Now = Callable[[], datetime]


async def certificate(store: Store, name: str, *, by: Actor, now: Now, common_name: str | None = None) -> bytes:
    """The account's certificate for Apple's portal, PEM: the staged one, made if there is none.

    The same until a token for it was accepted; downloading it twice breaks nothing. `common_name` is for clients that
    know a certificate by its name: where the staged one has another it is retired, which still opens the tokens made
    for it. NotFound for an unknown account.
    """
    async with store.reading() as tx:
        account = await account_named(tx, name)
        staged = await keypairs.keypairs_of(tx, account.id, state="staged")
    if not _serves(staged, common_name):
        called = common_name or f"adept {account.name}"[:64]
        made = await anyio.to_thread.run_sync(lambda: generate_keypair(called, now=now()))
        async with store.writing(durable=True) as tx:
            account = await locked_account(tx, name)
            staged = await keypairs.keypairs_of(tx, account.id, state="staged")  # somebody may have been faster
            if not _serves(staged, common_name):
                staged = [await _stage(tx, store, account, made, called, staged, now=now())]
                told = {"common_name": called}
                await add_audit(tx, by, "account.certificate_made", account.name, now=now(), after=told)
    assert staged[0].certificate_pem is not None, "a staged keypair has a certificate"
    return staged[0].certificate_pem.encode()


def _serves(staged: list[StoredKeypair], common_name: str | None) -> bool:
    return bool(staged) and common_name in (None, staged[0].common_name)


async def _stage(
    tx: Transaction,
    store: Store,
    account: StoredAccount,
    made: Keypair,
    common_name: str,
    before: list[StoredKeypair],
    *,
    now: datetime,
) -> StoredKeypair:
    """Make a keypair the staged one, in the place of the one `before`."""
    for older in before:
        await keypairs.set_keypair_state(tx, older.id, "retired", now)
    return await keypairs.add_keypair(
        tx,
        account,
        made.private_key_pem,
        made.certificate_pem.decode(),
        state="staged",
        common_name=common_name,
        sealer=store.sealer,
        now=now,
    )


async def upload_token(
    store: Store,
    name: str,
    data: bytes,
    *,
    connect: Connect,
    by: Actor,
    now: Now,
    key: bytes | None = None,
    replace_server: bool = False,
) -> TokenOutcome:
    """Take the `.p7m` of Apple's portal: decrypt it, ask Apple whose it is, and switch to it.

    It may be made for any keypair of the account, staged, active or retired, or for `key` (PEM or DER), which is kept
    from then on. Raises TokenFileError for a file that isn't a token for one of them, that has expired or is another
    server's (unless `replace_server`); Refused where Apple won't have it; NeedsPerson before a certificate was made.
    On any error nothing was changed. A token that can't be asked about yet waits as candidate: see the outcome.
    """
    async with store.reading() as tx:
        account = await account_named(tx, name)
        held = sorted(await keypairs.keypairs_of(tx, account.id), key=lambda keypair: _ORDER.index(keypair.state))
    if key is not None:
        token, _ = await _open(data, [key], account)
        new = NewToken(token, *_stored_or_brought(store, held, key), replace_server=replace_server)
    else:
        if not held:
            raise NeedsPerson(
                f"account {account.name!r} has no certificate that a token could be made for",
                way_out=f"get it with adept accounts certificate {account.name}, or give the key with --key",
            )
        token, number = await _open(data, [keypairs.private_key(keypair, store.sealer) for keypair in held], account)
        new = NewToken(token, held[number].id, replace_server=replace_server)
    return await offer_token(store, account, new, connect=connect, by=by, now=now)


async def _open(data: bytes, keys: list[bytes], account: StoredAccount) -> tuple[ServerToken, int]:
    try:
        return await anyio.to_thread.run_sync(open_with_one_of, data, keys)
    except TokenFileError as error:
        raise TokenFileError(
            f"uploading a token to account {account.name!r}: {error.message}", way_out=error.way_out
        ) from error


def _stored_or_brought(store: Store, held: list[StoredKeypair], key: bytes) -> tuple[int | None, bytes | None]:
    """The id of the keypair that has this key, or the key as PEM where none has it yet."""
    wanted = load_private_key(key)
    for keypair in held:
        ours = load_private_key(keypairs.private_key(keypair, store.sealer))
        if ours.private_numbers() == wanted.private_numbers():
            return keypair.id, None
    return None, wanted.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
