"""What a doctor looks at: accounts with their leases and tokens, jobs whose worker is gone, sizes."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Select, Table, false, func, inspect, select, text
from sqlalchemy.ext.asyncio import AsyncConnection

from adept.errors import AdeptError
from adept.store import failures
from adept.store.dialects import clock, is_sqlite
from adept.store.engines import Begin, open_engine
from adept.store.places import Place
from adept.store.rows import read_row
from adept.store.schema import VERSION_TABLE
from adept.store.tables import accounts, metadata, passes, server_tokens

_HEARTBEAT_LIMIT_S = 60  # a worker that has been silent for longer is gone


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountFacts:
    """One account. `is_lease_over`: a walker's lease ran out, and nobody took the account since."""

    id: int
    name: str
    base_url: str
    health: str
    paused: bool
    failures: int
    phase: str
    cursor_at: datetime | None
    interval_s: int
    next_sync_at: datetime
    last_pass_at: datetime | None
    is_leased: bool
    is_lease_over: bool
    has_token: bool
    token_expires_at: datetime | None
    has_candidate: bool


async def account_facts(tx: AsyncConnection, *, now: datetime) -> list[AccountFacts]:
    """Every account, by name."""
    of_account = select(server_tokens.c.expires_at).where(server_tokens.c.account_id == accounts.c.id)
    active, candidate = (of_account.where(server_tokens.c.state == state) for state in ("active", "candidate"))
    named = [accounts.c[name] for name in AccountFacts.__dataclass_fields__ if name in accounts.c]
    statement: Select[Any] = select(
        *named,
        func.coalesce(accounts.c.lease_until >= clock(now, tx), false()).label("is_leased"),
        func.coalesce(accounts.c.lease_until < clock(now, tx), false()).label("is_lease_over"),
        active.exists().label("has_token"),
        active.order_by(server_tokens.c.id.desc()).limit(1).scalar_subquery().label("token_expires_at"),
        candidate.exists().label("has_candidate"),
    ).order_by(accounts.c.name)
    return [read_row(AccountFacts, row) for row in await tx.execute(statement)]


async def stalled_jobs(tx: AsyncConnection) -> int | None:
    """How many jobs are marked as being done by a worker that is silent; None where there is no job engine."""
    if is_sqlite(tx) or not await tx.run_sync(lambda connection: inspect(connection).has_table("procrastinate_jobs")):
        return None
    silent = text(
        "SELECT count(*) FROM procrastinate_jobs AS jobs"
        " LEFT JOIN procrastinate_workers AS workers ON workers.id = jobs.worker_id"
        " WHERE jobs.status = 'doing' AND (workers.id IS NULL"
        " OR workers.last_heartbeat < clock_timestamp() - make_interval(secs => :limit))"
    )
    return int((await tx.execute(silent, {"limit": _HEARTBEAT_LIMIT_S})).scalar_one())


async def size_bytes(tx: AsyncConnection) -> int:
    """How much room the database takes."""
    size = (
        "SELECT page_count * page_size FROM pragma_page_count, pragma_page_size"
        if is_sqlite(tx)
        else "SELECT pg_database_size(current_database())"
    )
    return int((await tx.execute(text(size))).scalar_one())


async def server_version(tx: AsyncConnection) -> str:
    """The engine's version."""
    version = "SELECT sqlite_version()" if is_sqlite(tx) else "SHOW server_version"
    return str((await tx.execute(text(version))).scalar_one())


async def row_counts(tx: AsyncConnection) -> dict[str, int]:
    """How many rows each table has."""
    return {table.name: await _count(tx, table) for table in metadata.sorted_tables}


async def _count(tx: AsyncConnection, table: Table) -> int:
    return (await tx.execute(select(func.count()).select_from(table))).scalar_one()


async def newest_passes(tx: AsyncConnection, *, limit: int) -> list[dict[str, object]]:
    """The newest passes as rows, without what people or Apple wrote."""
    free = ("notes", "error", "requested_by")
    columns = [column for column in passes.columns if column.name not in free]
    rows = await tx.execute(select(*columns).order_by(passes.c.id.desc()).limit(limit))
    return [dict(row._mapping) for row in rows]  # noqa: SLF001  # SQLAlchemy's public name


async def revision_of(place: Place, *, busy_timeout_s: float) -> str | AdeptError | None:
    """The database's revision, ours or not, None for an empty one; or the error that says why it can't be reached."""
    try:
        with failures.told_of(place.label):
            async with (
                open_engine(place, busy_timeout_s=busy_timeout_s, pooled=False) as engine,
                engine.connect() as connection,
            ):
                await connection.execution_options(begin=Begin.READ)
                return await connection.run_sync(_revision)
    except AdeptError as error:
        return error


def _revision(connection: Connection) -> str | None:
    if not inspect(connection).has_table(VERSION_TABLE):
        return None
    found: str | None = connection.execute(text(f"SELECT version_num FROM {VERSION_TABLE}")).scalar_one_or_none()  # noqa: S608
    return found
