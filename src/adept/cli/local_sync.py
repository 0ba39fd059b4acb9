"""Walking an account of the database at hand, or following whoever walks it."""

from __future__ import annotations

from collections.abc import Callable

from adept.accounts.pace import ApplePace
from adept.cli.output import warn
from adept.cli.pass_ends import Ended
from adept.cli.storage import connect, holder, person
from adept.errors import AdeptError, Busy, NotFound
from adept.jobs.account_pass import follow, run_pass
from adept.records.accounts import account_details
from adept.records.passes import one_pass
from adept.settings import load_settings
from adept.store.database import Store
from adept.sync.outcome import PassKind


async def walk_here(store: Store, name: str, *, full: bool, no_wait: bool, on_devices: Callable[[int], None]) -> Ended:
    """Walk the account in this process. Where another one does, follow it to its end, or raise Busy if `no_wait`.

    `on_devices` is told how many devices were read so far.
    """
    try:
        async with ApplePace(store, load_settings().apple_limits(), holder(), store.now) as pace:
            outcome = await run_pass(
                store,
                name,
                kind=PassKind.FULL if full else PassKind.SYNC,
                connect=lambda token, base_url: connect(token, base_url, pace=pace.of(token, base_url)),
                now=store.now,
                holder=holder(),
                by=person(),
                on_progress=lambda progress: on_devices(progress.devices),
            )
    except Busy:
        if no_wait:
            raise
        warn(f"another process is walking account {name}: following it")
        return await _follow(store, name, on_devices)
    return await _ended(store, outcome.pass_id, error=outcome.error)


async def _follow(store: Store, name: str, on_devices: Callable[[int], None]) -> Ended:
    row = await follow(store, name, on_pass=lambda row: on_devices(row.devices))
    if row is None:
        raise Busy(f"another process is at account {name}, and there is no pass to follow", way_out="try again")
    return await _ended(store, row.id)


async def _ended(store: Store, pass_id: int, *, error: AdeptError | None = None) -> Ended:
    try:
        record = await one_pass(store, pass_id)
        hold = (await account_details(store, record.account)).hold
    except NotFound as gone:
        raise NotFound("the account was removed while it was being walked") from gone
    return Ended(record, hold if hold is not None and hold.pass_id == record.id else None, error)
