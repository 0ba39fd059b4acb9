"""What of an account is not settled, in one question: a pass asks it when it begins and when it ends."""

from __future__ import annotations

from functools import cache
from typing import Any, NamedTuple

from sqlalchemy import BigInteger, Select, Table, bindparam, exists, literal_column, select
from sqlalchemy.ext.asyncio import AsyncConnection

from adept.store.tables import devices, holds, malformed_devices, passes

_ACCOUNT = bindparam("account", type_=BigInteger)


class Unsettled(NamedTuple):
    """Whether there is any such row of the account."""

    hold: bool  # an open one
    malformed: bool
    doubt: bool
    queued_pass: bool
    running_pass: bool


async def unsettled_of(tx: AsyncConnection, account_id: int) -> Unsettled:
    """What of the account is not settled now."""
    row = (await tx.execute(_question(), {"account": account_id})).one()
    return Unsettled(*map(bool, row))


@cache
def _question() -> Select[Any]:
    # that there is a serial number makes SQLite take the index of doubts, and not walk all devices of the account
    doubts = exists().where(devices.c.account_id == _ACCOUNT, devices.c.in_doubt, devices.c.serial_number > "")
    unread = exists().where(malformed_devices.c.account_id == _ACCOUNT)
    there = [_in_state(holds, "open"), unread, doubts, _in_state(passes, "queued"), _in_state(passes, "running")]
    return select(*[found.label(name) for name, found in zip(Unsettled._fields, there, strict=True)])


def _in_state(table: Table, state: str) -> Any:
    """Written as the partial indexes have it: SQLite sees nothing behind a parameter."""
    return exists().where(table.c.account_id == _ACCOUNT, table.c.state == literal_column(f"'{state}'"))
