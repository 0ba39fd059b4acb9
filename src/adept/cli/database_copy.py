"""`adept db copy`: all rows of the database into another one, of either engine."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from adept.cli.event_loop import run_async
from adept.cli.output import FOR_PEOPLE, Output, counted, print_document, warn
from adept.cli.progress import telling
from adept.errors import Misuse

if TYPE_CHECKING:
    from adept.settings import Settings
    from adept.store.copying import Copied
    from adept.store.places import Place


def copy(
    *,
    to: Annotated[
        str | None, Parameter(help="The database to fill; without a password, which others could read.")
    ] = None,
    to_file: Annotated[Path | None, Parameter(help="A file with its URL.")] = None,
    output: Output = FOR_PEOPLE,
) -> None:
    """Copy all rows of the database into an empty one, on PostgreSQL or SQLite, and compare the two.

    Stop the services first: the database is not changed, and nobody may write in it meanwhile. The other database is
    named by --to, --to-file, ADEPT_COPY_TO_URL or ADEPT_COPY_TO_URL_FILE. Interrupted, run it again: it goes on.
    """
    copied, target = run_async(_copy(to, to_file))
    rows = sum(table.rows for table in copied.tables.values())
    if copied.restarted:
        warn("the source had changed since the interrupted copy: everything was copied anew")
    if output.json:
        tables = {name: {"rows": found.rows, "checksum": found.checksum} for name, found in copied.tables.items()}
        print_document({"database": target.label, "rows": rows, "resumed": copied.resumed, "tables": tables})
        return
    print(f"Copied {counted(rows, 'row')} of {counted(len(copied.tables), 'table')} to {target.label}.")
    print("Counts and checksums of every table agree, and the sealing key is the same: it is needed there, too.")


async def _copy(to: str | None, to_file: Path | None) -> tuple[Copied, Place]:
    from adept.settings import load_settings
    from adept.store.copying import copy_database
    from adept.store.places import read_place

    settings = load_settings({"copy_to_url_file": to_file} if to_file is not None else None)
    source, target = read_place(settings.where_to_store()), read_place(_wanted(settings, to))
    with telling(unit="rows") as tell:
        copied = await copy_database(source, target, keys=settings.sealing_keys, data_dir=settings.data_dir, tell=tell)
    return copied, target


def _wanted(settings: Settings, to: str | None) -> str:
    from adept.store.places import read_place

    url = to or settings.where_to_copy()
    if url is None:
        raise Misuse("no database to copy to is named", way_out="name it by --to, --to-file or ADEPT_COPY_TO_URL_FILE")
    if to is not None and read_place(to).url.password is not None:
        raise Misuse(
            "--to holds a password, which anybody on this machine can read",
            way_out="put the URL into a file and name that by --to-file, or leave the password to ~/.pgpass",
        )
    return url
