"""Is it the same MDM server? Pure.

A token's name is no proof: people rename servers. Compared are, in this order, `server_uuid`, `org_id_hash`, and the
consumer key; the first that both sides have decides. Observed: the consumer key can change for the same server, when
another person replaces the token.
"""

from __future__ import annotations

from enum import StrEnum

from adept.protocol.account import Account, decode_account
from adept.store.accounts import StoredAccount


class Sameness(StrEnum):
    """How a token's server stands to the account's."""

    FIRST = "first"  # the account has no identity yet
    SAME = "same"
    SAME_OTHER_KEY = "same_other_key"  # the same server, but the consumer key changed: worth a remark
    OTHER = "other"


def compare(stored: StoredAccount, found: Account, *, stored_key_hash: str | None, found_key_hash: str) -> Sameness:
    """Compare the account's identity with what Apple says of a new token. The hashes are of consumer keys."""
    same_key = stored_key_hash is None or stored_key_hash == found_key_hash
    pairs = (
        (stored.server_uuid, found.server_uuid_normalised),
        (stored.org_id_hash, found.org_id_hash),
    )
    for ours, theirs in pairs:
        if ours and theirs:
            if ours != theirs:
                return Sameness.OTHER
            return Sameness.SAME if same_key else Sameness.SAME_OTHER_KEY
    if stored.identity_at is None:
        return Sameness.FIRST
    return Sameness.SAME if same_key else Sameness.OTHER


def describe(account: Account) -> str:
    """One line a person recognises a server by: its name, its organisation, and the start of its identifier."""
    uuid = account.server_uuid_normalised
    name = account.server_name or "unnamed"
    return (
        f'"{name}" of {account.org_name or "an unnamed organisation"} ({uuid[:8] + "…" if uuid else "no identifier"})'
    )


def identity_of(account: StoredAccount) -> Account | None:
    """What Apple last said of the account; None before its first token was accepted."""
    if account.identity is None:
        return None
    return decode_account(account.identity.encode(), endpoint="GET /account")


def organisation(account: StoredAccount) -> str | None:
    """The name of the organisation whose server the account is, as far as Apple told it."""
    said = identity_of(account)
    return said.org_name if said is not None else None


def identity_columns(account: Account) -> dict[str, object]:
    """The columns of the account's row that hold its identity; `identity_at` is the caller's."""
    return {
        "server_uuid": account.server_uuid_normalised,
        "server_name": account.server_name,
        "org_id_hash": account.org_id_hash,
        "identity": account.document.decode("utf-8", "replace"),
    }
