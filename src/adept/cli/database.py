"""`adept db`: the database's schema; its backups and copies are in the modules beside."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cyclopts import App

from adept.cli.database_backup import backup, restore
from adept.cli.database_copy import copy
from adept.cli.event_loop import run_async
from adept.cli.output import FOR_PEOPLE, Output, counted, print_document
from adept.cli.storage import opened

if TYPE_CHECKING:
    from adept.jobs.retention import Removed

NO_LIMIT = 1_000_000_000  # batches: whoever types the command waits

app = App(name="db", help="Look after the database.", help_epilogue="Example: adept db upgrade")
app.command(backup, help_epilogue="Example: adept db backup adept-2026-11-28.sqlite3")
app.command(restore, help_epilogue="Example: adept db restore adept-2026-11-28.sqlite3 --force")
app.command(copy, help_epilogue="Example: adept db copy --to postgresql://adept@db.example.org/adept")


@app.command(help_epilogue="Example: adept db upgrade")
def upgrade(*, output: Output = FOR_PEOPLE) -> None:
    """Make the database, or bring it to the schema of this version of adept. Harmless where there is nothing to do.

    Make a backup first. Processes of the version before may go on meanwhile; older ones have to end.
    """
    schema, place = run_async(_upgrade())
    if output.json:
        print_document({"database": place, "schema": schema})
    else:
        print(f"{place[0].upper()}{place[1:]} is at schema {schema}.")


@app.command(help_epilogue="Example: adept db prune")
def prune(*, output: Output = FOR_PEOPLE) -> None:
    """Remove changes, passes and audit entries that are kept no longer (ADEPT_KEEP_CHANGES_DAYS and its like).

    A service that runs does so by itself, every hour. The devices stay, also those that are gone.
    """
    removed = run_async(_prune())
    if output.json:
        print_document(removed)
    else:
        counts = (counted(removed.changes, "change"), f"{removed.passes:,} passes", f"{removed.audit:,} audit entries")
        print(f"Removed {', '.join(counts)} and {counted(removed.messages, 'message')} of the outbox.")


async def _prune() -> Removed:
    from adept.jobs.retention import Keep, remove_expired
    from adept.settings import load_settings

    keep = Keep.days(**load_settings().kept_days())
    async with opened() as store:
        return await remove_expired(store, keep, now=store.now, batches=NO_LIMIT)


async def _upgrade() -> tuple[str, str]:
    from adept.settings import load_settings
    from adept.store.database import open_store
    from adept.store.schema import HEAD

    settings = load_settings()
    async with open_store(
        settings.where_to_store(), secret_keys=settings.sealing_keys, data_dir=settings.data_dir, migrate=True
    ) as store:
        return HEAD, store.place.label
