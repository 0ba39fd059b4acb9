"""Accounts: one row an MDM server of the portal. The row is also the queue of what is due, and carries the lease."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import delete, func, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from adept.errors import Conflict, Misuse, NotFound
from adept.store.device_values import forget_values
from adept.store.dialects import insert_into
from adept.store.rows import read_row, read_row_or_none
from adept.store.tables import accounts, devices, keypairs, storable

_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredAccount:
    """A row of `accounts`; what the columns mean stands in `tables.py`."""

    id: int
    name: str
    base_url: str
    created_at: datetime
    server_uuid: str | None
    server_name: str | None
    org_id_hash: str | None
    identity: str | None
    identity_at: datetime | None
    phase: str
    cursor: str | None
    cursor_at: datetime | None
    fetch_id: int | None
    full_requested: bool
    strikes: int
    last_fetch_at: datetime | None
    last_pass_at: datetime | None
    live_devices: int
    paused: bool
    interval_s: int
    page_size: int | None
    next_sync_at: datetime
    next_probe_at: datetime | None
    failures: int
    lease_epoch: int
    lease_until: datetime | None
    lease_holder: str | None
    health: str
    health_since: datetime
    health_reason: str | None
    version: int


def read_name(text: str) -> str:
    """An account's name as it is stored, in lower case; Misuse for one that can't be a name."""
    name = text.strip().lower()
    if not _NAME.fullmatch(name):
        raise Misuse(
            f"{text!r} can't be an account's name",
            way_out="use up to 64 of a-z, 0-9, dot, underscore and hyphen, beginning with a letter or digit",
            field="name",
        )
    return name


def name_taken(name: str) -> Conflict:
    """What is told to who wants an account's name that another one has."""
    return Conflict(f"there is already an account {read_name(name)!r}", way_out="choose another name", field="name")


async def add_account(tx: AsyncConnection, name: str, base_url: str, now: datetime) -> StoredAccount:
    """Add an account, due at once, without a token; Conflict where the name is taken, Misuse where it can't be one."""
    statement = (
        insert_into(accounts, tx)
        .values(name=read_name(name), base_url=base_url, created_at=now, next_sync_at=now, health_since=now)
        .on_conflict_do_nothing(index_elements=["name"])
        .returning(accounts)
    )
    row = (await tx.execute(statement)).one_or_none()
    if row is None:
        raise name_taken(name)
    return read_row(StoredAccount, row)


async def find_account(tx: AsyncConnection, name: str) -> StoredAccount | None:
    """The account of that name, in any case; None where there is none."""
    row = (await tx.execute(select(accounts).where(accounts.c.name == storable(name).strip().lower()))).one_or_none()
    return read_row_or_none(StoredAccount, row)


async def account_named(tx: AsyncConnection, name: str) -> StoredAccount:
    """The account of that name, in any case; NotFound where there is none, naming those there are."""
    account = await find_account(tx, name)
    if account is None:
        raise NotFound(f"there is no account {name!r}", way_out=await _known_names(tx))
    return account


async def _known_names(tx: AsyncConnection, *, limit: int = 10) -> str:
    """A sentence that names the accounts, or the first of them."""
    names = (await tx.execute(select(accounts.c.name).order_by(accounts.c.name).limit(limit + 1))).scalars().all()
    if not names:
        return "add one with: adept accounts add NAME"
    return f"known are {', '.join(names[:limit])}{' and more' if len(names) > limit else ''}"


async def account_by_id(tx: AsyncConnection, account_id: int) -> StoredAccount | None:
    """The account with that id; None where it was removed."""
    row = (await tx.execute(select(accounts).where(accounts.c.id == account_id))).one_or_none()
    return read_row_or_none(StoredAccount, row)


async def lock_account(tx: AsyncConnection, account_id: int) -> None:
    """Hold the account's row until the transaction ends, before anything else is: walkers take it first as well."""
    await tx.execute(select(accounts.c.id).where(accounts.c.id == account_id).with_for_update())


async def locked_account(tx: AsyncConnection, name: str) -> StoredAccount:
    """As `account_named`, and the row is held until the transaction ends: nobody changes it after it was read."""
    account = await account_named(tx, name)
    await lock_account(tx, account.id)
    return await account_by_id(tx, account.id) or await account_named(tx, name)


async def all_accounts(tx: AsyncConnection) -> list[StoredAccount]:
    """Every account, by name."""
    rows = await tx.execute(select(accounts).order_by(accounts.c.name))
    return [read_row(StoredAccount, row) for row in rows]


async def update_account(tx: AsyncConnection, account_id: int, **columns: Any) -> None:
    """Set the named columns; NotFound where the account is gone."""
    changed = await tx.execute(update(accounts).where(accounts.c.id == account_id).values(**columns))
    if changed.rowcount == 0:
        raise NotFound(f"the account with the id {account_id} was removed meanwhile")


async def add_failure(tx: AsyncConnection, account_id: int) -> int:
    """Count one more failed pass in a row, and return how many that makes."""
    statement = (
        update(accounts)
        .where(accounts.c.id == account_id)
        .values(failures=accounts.c.failures + 1)
        .returning(accounts.c.failures)
    )
    return int((await tx.execute(statement)).scalar_one())


async def count_live(tx: AsyncConnection, account_id: int, more: int) -> None:
    """Count so many more live devices, or fewer: in the transaction in which they came or went."""
    counted = update(accounts).where(accounts.c.id == account_id)
    await tx.execute(counted.values(live_devices=accounts.c.live_devices + more))


async def count_accounts(tx: AsyncConnection) -> int:
    """How many accounts there are."""
    return int((await tx.execute(select(func.count()).select_from(accounts))).scalar_one())


async def delete_account(tx: AsyncConnection, account_id: int, now: datetime) -> None:
    """Delete the row and what hangs on it; keypairs are retired and stay, changes and outbox keep the name.

    The followers of changes are told by `removal.remove_account`, not here.
    """
    retired = update(keypairs).where(keypairs.c.account_id == account_id)
    await tx.execute(retired.where(keypairs.c.state != "retired").values(state="retired", retired_at=now))
    await forget_values(tx, devices.c.account_id == account_id)
    await tx.execute(delete(accounts).where(accounts.c.id == account_id))
