"""`adept devices`: what is stored of the devices of all accounts."""

from __future__ import annotations

import sys
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from pathlib import Path
from typing import IO, TYPE_CHECKING, Annotated, Literal

import msgspec
from cyclopts import App, Parameter

from adept.cli import files
from adept.cli.csv_cells import csv_line
from adept.cli.device_filters import EVERYTHING, Filters, device_filter
from adept.cli.device_records import CSV_COLUMNS, cells, plain, record
from adept.cli.event_loop import run_async
from adept.cli.output import FOR_PEOPLE, ErrorsAsJson, ItemsPrinter, Output, print_document, print_fields
from adept.cli.progress import counting
from adept.cli.serials import SerialNumber
from adept.cli.storage import opened
from adept.cli.table import TablePrinter
from adept.errors import Misuse

if TYPE_CHECKING:
    from adept.store.inventory import StoredDevice

app = App(
    name="devices",
    help="Look at the devices of all accounts.",
    help_epilogue="Example: adept devices list --family Mac --status empty",
)

LIVE_COLUMNS = ("ACCOUNT", "SERIAL", "FAMILY", "OS", "MODEL", "DESCRIPTION", "COLOR", "PROFILE", "FIRST SEEN")
DELETED_COLUMNS = ("ACCOUNT", "SERIAL", "FAMILY", "OS", "MODEL", "DESCRIPTION", "DELETED", "REASON")
_BATCH = 500


@app.command(name="list", help_epilogue="Example: adept devices list --account hq --search 'MacBook Air' --limit 20")
def list_(*, filters: Filters = EVERYTHING, output: Output = FOR_PEOPLE) -> None:
    """List devices, by account and serial number."""
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
    found = record(run_async(_one(serial, account)))
    if output.json:
        print_document(found)
    else:
        print_fields({key: plain(value) for key, value in found.items()})


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
    line = _csv_line if format == "csv" else _json_line
    head = csv_line(CSV_COLUMNS) if format == "csv" else b""
    if file is None or str(file) == "-":
        run_async(_export(sys.stdout.buffer, head, line, filters))
        return
    with files.replacing(file) as out:
        run_async(_export(out, head, line, filters))


async def _list_as_json(filters: Filters) -> None:
    printer = ItemsPrinter()
    async with aclosing(_batches(filters)) as batches:
        async for batch in batches:
            printer.add(map(record, batch))
    printer.end()


async def _list_as_table(filters: Filters) -> None:
    printer = TablePrinter(DELETED_COLUMNS if filters.deleted else LIVE_COLUMNS)
    async with aclosing(_batches(filters)) as batches:
        async for batch in batches:
            printer.add(_row(device, deleted=filters.deleted) for device in batch)
    printer.end(empty="There are no such devices.")


def _row(device: StoredDevice, *, deleted: bool) -> tuple[object, ...]:
    what = (
        device.account_name,
        device.serial_number,
        device.device_family,
        device.os,
        device.model,
        device.description,
    )
    if deleted:
        return (*what, device.deleted_at, device.deleted_reason)
    return (*what, device.color, device.profile_status, device.first_seen_at)


async def _export(out: IO[bytes], head: bytes, line: Callable[[StoredDevice], bytes], filters: Filters) -> None:
    out.write(head)
    count = 0
    with counting("Exporting", unit="devices") as reached:
        async with aclosing(_batches(filters)) as batches:
            async for batch in batches:
                out.writelines(map(line, batch))
                reached(count := count + len(batch))
    out.flush()


def _csv_line(device: StoredDevice) -> bytes:
    return csv_line(cells(device))


def _json_line(device: StoredDevice) -> bytes:
    return msgspec.json.encode(record(device)) + b"\n"


async def _batches(filters: Filters) -> AsyncGenerator[list[StoredDevice]]:
    """The devices in lists that fit into memory, however many there are."""
    from adept.store.inventory import stream_devices

    left = filters.limit
    async with opened() as store, store.reading() as tx:
        batch: list[StoredDevice] = []
        async with aclosing(stream_devices(tx, await device_filter(tx, filters))) as stream:
            async for device in stream:
                if left is not None and (left := left - 1) < 0:
                    break
                batch.append(device)
                if len(batch) == _BATCH:
                    yield batch
                    batch = []
        yield batch


async def _one(serial: str, account: str | None) -> StoredDevice:
    """The device of that serial number: the one that is there, else the one that went last."""
    from adept.protocol.device import fold_serial
    from adept.store.accounts import account_named
    from adept.store.inventory import DeviceFilter, device_rows

    async with opened() as store, store.reading() as tx:
        account_id = (await account_named(tx, account)).id if account is not None else None
        wanted = DeviceFilter(account_id=account_id, serial_number=fold_serial(serial), deleted=None)
        found = await device_rows(tx, wanted, limit=1000)
    if not found:
        raise Misuse(
            f"no device {fold_serial(serial)} is stored", way_out="sync its account, or see adept devices list"
        )
    live = [device for device in found if device.deleted_at is None]
    if len(live) > 1:
        names = ", ".join(device.account_name for device in live)
        raise Misuse(f"device {fold_serial(serial)} is in several accounts: {names}", way_out="name one with --account")
    return live[0] if live else max(found, key=lambda device: device.changed_at)
