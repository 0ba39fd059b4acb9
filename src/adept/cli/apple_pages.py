"""`adept apple fetch` and `adept apple sync`: Apple's two listings, page by page or joined."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from functools import partial
from tempfile import SpooledTemporaryFile
from typing import TYPE_CHECKING, Annotated, TypeAlias

from cyclopts import Parameter

from adept.cli.apple_bodies import devices_of, last_members
from adept.cli.apple_connection import DEFAULTS, AppleOptions, send, talking
from adept.cli.apple_devices import COLUMNS, SYNC_COLUMNS, device_row, sync_row
from adept.cli.output import counted, print_body, warn
from adept.cli.progress import Reached, counting
from adept.cli.table import print_table
from adept.errors import Refused

if TYPE_CHECKING:
    from adept.client.call import Call
    from adept.client.client import Client
    from adept.protocol.device import Device
    from adept.protocol.pages import DevicePage

Ask: TypeAlias = "Callable[[str | None], Call[DevicePage]]"
Page: TypeAlias = "tuple[bytes, DevicePage]"
Row: TypeAlias = "Callable[[Device], tuple[object, ...]]"

_IN_MEMORY_BYTES = 16 * 1024 * 1024

Limit = Annotated[int | None, Parameter(help="Devices a page, 1 to 1000; default: 1000.")]
OnePage = Annotated[bool, Parameter(help="Print one page, as Apple sent it.")]


def fetch(
    *,
    cursor: Annotated[
        str | None, Parameter(help="Where to go on; default: from the beginning.", allow_leading_hyphen=True)
    ] = None,
    limit: Limit = None,
    one_page: OnePage = False,
    apple: AppleOptions = DEFAULTS,
) -> None:
    """Print every device of the server. With --json the pages are joined into one document."""
    from adept.client import endpoints

    ask = partial(endpoints.fetch_devices, limit=_page_size(limit))
    _list(ask, cursor, apple, one_page=one_page, columns=COLUMNS, row=device_row)


def sync(
    *,
    cursor: Annotated[
        str, Parameter(help="The cursor of the last fetch or sync, at most 7 days old.", allow_leading_hyphen=True)
    ],
    limit: Limit = None,
    one_page: OnePage = False,
    apple: AppleOptions = DEFAULTS,
) -> None:
    """Print what changed since a cursor, oldest first. With --json the pages are joined into one document."""
    from adept.client import endpoints

    ask = partial(endpoints.sync_devices, limit=_page_size(limit))
    _list(ask, cursor, apple, one_page=one_page, columns=SYNC_COLUMNS, row=sync_row)


def pages(client: Client, ask: Ask, cursor: str | None) -> Iterator[Page]:
    """Page after page until Apple has no more; raises Malformed where Apple would lead us on for ever."""
    from adept.client.walk import Walk

    walk = Walk(ask, cursor)
    while (call := walk.next_call()) is not None:
        try:
            body, page = send(client, call)
        except Refused as error:
            if walk.pages == 0:
                raise
            walk.refused(error)
            return
        yield body, page
        walk.take(page)


def _list(
    ask: Ask,
    cursor: str | None,
    options: AppleOptions,
    *,
    one_page: bool,
    columns: tuple[str, ...],
    row: Row,
) -> None:
    with ExitStack() as stack:
        client = stack.enter_context(talking(options))
        if one_page and options.json:
            print_body(send(client, ask(cursor))[0])
            return
        found = iter([send(client, ask(cursor))]) if one_page else pages(client, ask, cursor)
        if options.json:
            _print_joined(found, stack.enter_context(counting("Fetching", unit="devices")))
        else:
            _print_rows(found, columns, row)


def _print_joined(found: Iterator[Page], reached: Reached) -> None:
    """Nothing is printed before the last page has come: half a document would be of no use to a program."""
    with SpooledTemporaryFile(_IN_MEMORY_BYTES) as document:
        document.write(b'{"devices":[')
        body = b"{}"
        separator = b"\n"
        count = 0
        for body, _ in found:
            for device in devices_of(body):
                document.write(separator + bytes(device))
                separator = b",\n"
                count += 1
            reached(count)
        document.write(b"]" + last_members(body) + b"}\n")
        document.seek(0)
        sys.stdout.flush()
        shutil.copyfileobj(document, sys.stdout.buffer)
        sys.stdout.buffer.flush()


def _print_rows(found: Iterator[Page], columns: tuple[str, ...], row: Row) -> None:
    cursor: str | None = None

    def rows() -> Iterator[tuple[object, ...]]:
        nonlocal cursor
        for _, page in found:
            cursor = page.cursor
            yield from map(row, page.devices)
            for entry in page.malformed:
                warn(f"device {entry.serial_number or 'without a serial number'} can't be read: {entry.reason}")

    count = print_table(columns, rows(), empty="Apple has no devices to show.")
    print(f"\n{counted(count, 'device')}. The next cursor is {cursor}")


def _page_size(limit: int | None) -> int:
    from adept.protocol.pages import MAXIMUM_LIMIT

    return MAXIMUM_LIMIT if limit is None else limit
