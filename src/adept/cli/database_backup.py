"""`adept db backup` and `adept db restore` for SQLite; for PostgreSQL they tell the lines for its own tools."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from adept.cli.event_loop import run_async
from adept.cli.output import FOR_PEOPLE, Output, print_document
from adept.cli.progress import telling
from adept.cli.storage import person, utc_now
from adept.errors import Misuse

if TYPE_CHECKING:
    from adept.settings import Settings
    from adept.store.places import Place

BackupFile = Annotated[Path, Parameter(help="The backup's file.")]


def backup(
    file: BackupFile,
    /,
    *,
    force: Annotated[bool, Parameter(help="Overwrite the file if it is there.")] = False,
    output: Output = FOR_PEOPLE,
) -> None:
    """Back up the database to a file, consistent, while services go on (SQLite).

    The sealing key is never in it: keep that apart. On PostgreSQL it tells the line for pg_dump.
    """
    from adept.store.backup import back_up, postgresql_dump
    from adept.store.key_file import KEY_FILE

    settings, place = _place()
    if place.file is None:
        raise Misuse("adept db backup is for SQLite", way_out=f"run: {postgresql_dump(place, file)}")
    with telling(unit="pages") as tell:
        made = back_up(place, file, force=force, key_file=settings.data_dir / KEY_FILE, tell=tell)
    if output.json:
        print_document({"file": str(file), "schema": made.schema, "size_bytes": made.size_bytes})
        return
    print(f"Backed up {place.label} to {file}: {made.size_bytes:,} bytes, schema {made.schema}.")
    print("The sealing key is not in it: keep a copy of that elsewhere. Without it no token can be read.")


def restore(
    file: BackupFile,
    /,
    *,
    force: Annotated[bool, Parameter(help="Replace the database that is there.")] = False,
    output: Output = FOR_PEOPLE,
) -> None:
    """Restore the database from a backup (SQLite). Stop the services first.

    An older one is brought to this version's schema; the sealing key must be the one it was made with. On PostgreSQL
    it tells the line for pg_restore.
    """
    from adept.store.backup import postgresql_restore
    from adept.store.restoring import Keys
    from adept.store.restoring import restore as put_back
    from adept.store.schema import HEAD

    settings, place = _place()
    if place.file is None:
        raise Misuse("adept db restore is for SQLite", way_out=f"run: {postgresql_restore(place, file)}")
    keys = Keys(settings.sealing_keys, settings.data_dir)
    with telling(unit="pages") as tell:
        found = run_async(put_back(file, place, keys=keys, force=force, by=person(), now=utc_now, tell=tell))
    if output.json:
        print_document({"database": place.label, "schema": HEAD, "schema_of_backup": found.schema})
        return
    migrated = "" if found.schema == HEAD else f", brought from schema {found.schema} to {HEAD}"
    print(f"Restored {place.label} from {file}{migrated}.")
    print("Everybody has to log in again; API keys that were revoked since the backup are valid again.")


def _place() -> tuple[Settings, Place]:
    from adept.settings import load_settings
    from adept.store.places import read_place

    settings = load_settings()
    return settings, read_place(settings.where_to_store())
