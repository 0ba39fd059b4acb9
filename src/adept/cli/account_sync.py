"""`adept accounts sync`: walking an account, or following whoever walks it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

import msgspec
from cyclopts import Parameter

from adept.cli.account_records import hold_record
from adept.cli.event_loop import run_async
from adept.cli.output import FOR_PEOPLE, Output, counted, print_document, warn
from adept.cli.passes import pass_record
from adept.cli.progress import counting
from adept.cli.storage import AccountName, connect, holder, opened, utc_now
from adept.errors import AdeptError, Busy, Malformed, Misuse, NeedsPerson, Refused, Unreachable

if TYPE_CHECKING:
    from adept.store.database import Store
    from adept.store.holds import StoredHold
    from adept.store.passes import StoredPass


def sync(
    name: AccountName,
    /,
    *,
    full: Annotated[bool, Parameter(help="Fetch everything again, after what changed.")] = False,
    no_wait: Annotated[bool, Parameter(help="Exit 9 where another process is walking the account.")] = False,
    output: Output = FOR_PEOPLE,
) -> None:
    """Walk an account until Apple has no more: everything the first time, afterwards what changed.

    Where another process is at it already, that pass is followed to its end.
    """
    ended = run_async(_sync(name, full=full, no_wait=no_wait))
    if output.json:
        print_document(pass_record(ended.row, ended.account))
    else:
        _tell(ended.row, ended.account)
    ended.raise_if_not_well()


@dataclass(frozen=True)
class Ended:
    """A pass that has ended. `hold` is the one that it left, `error` what it ended with where this process ran it."""

    account: str
    row: StoredPass
    hold: StoredHold | None
    error: AdeptError | None = None

    def raise_if_not_well(self) -> None:
        """Raise what ended the pass early, or NeedsPerson where it left a decision."""
        if self.error is not None:
            raise self.error
        if self.row.state in ("failed", "throttled"):
            raise _error_of(self.row, self.account)
        if self.row.state == "lost":
            raise Busy(f"syncing account {self.account}: another process took it over", way_out="see adept passes")
        if self.hold is not None:
            count = hold_record(self.hold)["devices"]
            raise NeedsPerson(
                f"{count:,} devices of account {self.account} are gone at Apple, too many to delete unasked",
                way_out=f"see adept accounts holds {self.account}, and --confirm or --discard {self.hold.id}",
            )


async def _sync(name: str, *, full: bool, no_wait: bool) -> Ended:
    from adept.jobs.account_pass import run_pass
    from adept.sync.outcome import PassKind

    async with opened() as store:
        try:
            with counting(f"Syncing {name}", unit="devices") as reached:
                outcome = await run_pass(
                    store,
                    name,
                    kind=PassKind.FULL if full else PassKind.SYNC,
                    connect=connect,
                    now=utc_now,
                    holder=holder(),
                    on_progress=lambda progress: reached(progress.devices),
                )
        except Busy:
            if no_wait:
                raise
            warn(f"another process is walking account {name}: following it")
            return await _follow(store, name)
        return await _ended(store, outcome.pass_id, error=outcome.error)


async def _follow(store: Store, name: str) -> Ended:
    from adept.jobs.account_pass import follow

    with counting(f"Following {name}", unit="devices") as reached:
        row = await follow(store, name, on_pass=lambda row: reached(row.devices))
    if row is None:
        raise Busy(f"another process is at account {name}, and there is no pass to follow", way_out="try again")
    return await _ended(store, row.id)


async def _ended(store: Store, pass_id: int, *, error: AdeptError | None = None) -> Ended:
    from adept.store.accounts import account_by_id
    from adept.store.holds import open_hold
    from adept.store.passes import pass_by_id

    async with store.reading() as tx:
        row = await pass_by_id(tx, pass_id)
        account = await account_by_id(tx, row.account_id) if row is not None else None
        if row is None or account is None:
            raise Misuse("the account was removed while it was being walked")
        hold = await open_hold(tx, account.id)
    return Ended(account.name, row, hold if hold is not None and hold.pass_id == row.id else None, error)


def _error_of(row: StoredPass, account: str) -> AdeptError:
    """The error that another process's pass ended with, as far as its row tells."""
    message = f"the pass of account {account} {row.state}: {row.error or 'no reason was recorded'}"
    if row.error_code == Unreachable.code:
        return Unreachable(message, endpoint="")
    if row.error_code == Malformed.code:
        return Malformed(message, endpoint="", field="$", found="")
    return Refused(message, code=row.error_code or "REFUSED", status=0, endpoint="")


def _tell(row: StoredPass, account: str) -> None:
    found = f"{row.added:,} added, {row.modified:,} modified, {row.deleted:,} deleted"
    seen = f"{counted(row.devices, 'record')} on {counted(row.pages, 'page')}"
    print(f"Account {account}: {row.kind} pass {row.id} {row.state}, {seen}: {found}.")
    if row.malformed:
        print(f"{row.malformed:,} devices could not be read; they are kept as they came.")
    for note in msgspec.json.decode(row.notes, type=list[str]):
        print(f"Note: {note}")
