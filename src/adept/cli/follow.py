"""`adept devices follow`: the feed of changes as it grows, for programs that keep up with it."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import msgspec
from cyclopts import Parameter

from adept.cli.desk import at_desk
from adept.cli.event_loop import run_async
from adept.cli.follow_state import StateFile
from adept.cli.output import ErrorsAsJson, warn
from adept.errors import StoreError, Unreachable

if TYPE_CHECKING:
    from adept.cli.desk import Desk
    from adept.records.changes import ChangeDocument

STATE_NAME = "follow.json"
LOOK_EVERY_S = 1.0
LONGEST_WAIT_S = 60.0


def follow(
    *,
    state: Annotated[
        Path | None, Parameter(help="The file that keeps the place; default: follow.json in the data directory.")
    ] = None,
    cursor: Annotated[str | None, Parameter(help="Begin after this change, whatever the file says.")] = None,
    once: Annotated[bool, Parameter(help="End where nothing more is there.")] = False,
    json: ErrorsAsJson = False,  # noqa: ARG001  # the feed has a form of its own
) -> None:
    """Print the changes of all devices as they are found, a JSON object a line, until Ctrl-C. Skips none.

    Begins with the first change there is, and goes on the next time where it ended: the place is kept after the
    changes were printed, so that a crash repeats some (up to 1000) rather than losing any. A service or database that
    goes away is waited for.
    """
    run_async(_follow(state, cursor, once=once))


async def _follow(state: Path | None, cursor: str | None, *, once: bool) -> None:
    from adept.settings import load_settings

    file = StateFile(state or load_settings().data_dir / STATE_NAME)
    async with at_desk() as desk:
        place = cursor if cursor is not None else file.read(source=desk.source)
        changes, further = await desk.feed(place)  # what can't be reached from the start is told, not waited for
        while True:
            if changes:
                _print(changes)
            if further != place:
                file.write(place := further, source=desk.source)
            if once and not changes:
                return
            if not changes:
                await asyncio.sleep(LOOK_EVERY_S)
            changes, further = await (desk.feed(place) if once else _next(desk, place))


async def _next(desk: Desk, cursor: str | None) -> tuple[list[ChangeDocument], str]:
    """The next changes; waits, longer and longer, for a feed that can't be reached."""
    wait_s = LOOK_EVERY_S
    while True:
        try:
            found = await desk.feed(cursor)
        except (Unreachable, StoreError) as error:
            warn(f"{error.message}; trying again in {wait_s:.0f} s")
        else:
            return found
        await asyncio.sleep(wait_s)
        wait_s = min(2 * wait_s, LONGEST_WAIT_S)


def _print(changes: list[ChangeDocument]) -> None:
    """Print, and see that whoever reads has it: only then the place may move on."""
    sys.stdout.buffer.write(b"".join(msgspec.json.encode(change) + b"\n" for change in changes))
    sys.stdout.buffer.flush()
