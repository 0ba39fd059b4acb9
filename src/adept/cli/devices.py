"""`adept devices`: what is stored of the devices of all accounts."""

from __future__ import annotations

import sys
from contextlib import aclosing
from datetime import datetime
from pathlib import Path
from typing import IO, TYPE_CHECKING, Annotated, Literal

from cyclopts import App, Parameter

from adept.cli import files
from adept.cli.desk import at_desk
from adept.cli.device_filters import EVERYTHING, Filters, device_query
from adept.cli.event_loop import run_async
from adept.cli.follow import follow
from adept.cli.output import FOR_PEOPLE, ErrorsAsJson, ItemsPrinter, Output, print_document, print_fields
from adept.cli.progress import counting
from adept.cli.serials import SerialNumber
from adept.cli.table import TablePrinter

if TYPE_CHECKING:
    from adept.records.device_export import ExportForm
    from adept.records.devices import DeviceDocument

app = App(
    name="devices",
    help="Look at the devices of all accounts.",
    help_epilogue="Example: adept devices list --family Mac --status empty",
)
app.command(follow, help_epilogue="Example: adept devices follow | while read -r change; do …; done")

LIVE_COLUMNS = ("ACCOUNT", "SERIAL", "FAMILY", "OS", "MODEL", "DESCRIPTION", "COLOR", "PROFILE", "FIRST SEEN")
DELETED_COLUMNS = ("ACCOUNT", "SERIAL", "FAMILY", "OS", "MODEL", "DESCRIPTION", "DELETED", "REASON")
_WHAT = ("account", "serial_number", "device_family", "os", "model", "description")
LIVE_KEYS = (*_WHAT, "color", "profile_status", "first_seen_at")
DELETED_KEYS = (*_WHAT, "deleted_at", "deleted_reason")
TIMES = ("first_seen_at", "deleted_at", "changed_at")


@app.command(name="list", help_epilogue="Example: adept devices list --account hq --search 'MacBook Air' --limit 20")
def list_(*, filters: Filters = EVERYTHING, output: Output = FOR_PEOPLE) -> None:
    """List devices, by serial number."""
    run_async(_list_as_json(filters) if output.json else _list_as_table(filters))


@app.command(help_epilogue="Example: adept devices show C02XK1ZZJHD5")
def show(
    serial: SerialNumber,
    /,
    *,
    account: Annotated[str | None, Parameter(help="In this account; needed where several have it.")] = None,
    output: Output = FOR_PEOPLE,
) -> None:
    """Show all that is known of one device: what Apple says, and since when. Shows it also when it is gone."""
    found = run_async(_one(serial, account))
    if output.json:
        print_document(found)
    else:
        print_fields({key: _shown(found, key) for key in found})


@app.command(help_epilogue="Example: adept devices export --format csv -o devices.csv")
def export(
    *,
    format: Annotated[  # noqa: A002  # the option's name
        Literal["csv", "ndjson"],
        Parameter(help="csv has the keys that this version of adept knows, ndjson has all; default: csv."),
    ] = "csv",
    file: Annotated[Path | None, Parameter(name=("--output", "-o"), help="Write to this file.")] = None,
    filters: Filters = EVERYTHING,
    json: ErrorsAsJson = False,  # noqa: ARG001  # an export has a form of its own
) -> None:
    """Export devices: Apple's keys, and ours: account, first_seen_at, deleted_at, deleted_reason.

    A cell of a CSV file that a spreadsheet would run as a formula gets an apostrophe in front. A file that is there
    already is replaced only when the export is complete.
    """
    if file is None or str(file) == "-":
        run_async(_export(sys.stdout.buffer, format, filters))
        return
    with files.replacing(file) as out:
        run_async(_export(out, format, filters))


async def _list_as_json(filters: Filters) -> None:
    printer = ItemsPrinter()
    async with at_desk() as desk, aclosing(desk.devices(device_query(filters), limit=filters.limit)) as batches:
        async for batch in batches:
            printer.add(batch)
    printer.end()


async def _list_as_table(filters: Filters) -> None:
    printer = TablePrinter(DELETED_COLUMNS if filters.deleted else LIVE_COLUMNS)
    keys = DELETED_KEYS if filters.deleted else LIVE_KEYS
    async with at_desk() as desk, aclosing(desk.devices(device_query(filters), limit=filters.limit)) as batches:
        async for batch in batches:
            printer.add([_shown(device, key) for key in keys] for device in batch)
    printer.end(empty="There are no such devices.")


def _shown(device: DeviceDocument, key: str) -> object:
    """A value as Python has it; our times as times, wherever the device comes from."""
    from adept.records.devices import plain

    found = plain(device.get(key))
    return datetime.fromisoformat(found) if key in TIMES and isinstance(found, str) else found


async def _export(out: IO[bytes], form: ExportForm, filters: Filters) -> None:
    count = 0
    async with (
        at_desk() as desk,
        aclosing(desk.export(device_query(filters), form=form, limit=filters.limit)) as chunks,
    ):
        with counting("Exporting", unit="devices") as reached:
            async for chunk, devices in chunks:
                out.write(chunk)
                reached(count := count + devices)
    out.flush()


async def _one(serial: str, account: str | None) -> DeviceDocument:
    async with at_desk() as desk:
        return await desk.device(serial, account)
