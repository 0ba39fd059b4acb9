"""The demonstration, step by step: a portal, a token, a first fetch, a day of changes, a sync, and the proof.

Every step is what a person would do; the lines that begin with `$` are the commands one would type for it.
"""

from __future__ import annotations

from contextlib import aclosing
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING

from adept.cli.changes import details
from adept.cli.demo_check import differences
from adept.cli.demo_portal import Portal
from adept.cli.output import counted
from adept.cli.progress import counting
from adept.cli.storage import connect, holder, person, utc_now
from adept.cli.table import print_table
from adept.errors import AdeptError
from adept.simulator.world import FIRST_SERVER

if TYPE_CHECKING:
    from adept.records.devices import DeviceDocument
    from adept.store.changes import StoredChange
    from adept.store.database import Store
    from adept.sync.outcome import PassOutcome

ACCOUNT = "demo"
OTHER_SERVER = "Warehouse"
FIRST_ROWS = 8
BOUGHT, MOVED, RELEASED, SWITCHED_ON = 5, 4, 3, 2
FEWEST_DEVICES = MOVED + RELEASED + SWITCHED_ON


@dataclass(frozen=True)
class Story:
    """What the demonstration plays with: a store, a simulated Apple, and the person at its portal."""

    store: Store
    url: str
    portal: Portal
    devices: int

    async def play(self) -> None:
        """Tell the whole story. Raises AdeptError where it does not come out as it should."""
        await self.exchange()
        await self.first_fetch()
        await self.show_first_rows()
        await self.day_of_changes()
        await self.catch_up()
        await self.prove()

    async def exchange(self) -> None:
        """Portal and adept get to know each other: certificate there, encrypted token here."""
        from adept.accounts import exchange, registry

        _chapter("1. A server token from Apple's portal")
        await registry.add(self.store, ACCOUNT, base_url=self.url, connect=connect, by=person(), now=utc_now)
        _typed(f"adept accounts add {ACCOUNT} --url {self.url}")
        certificate = await exchange.certificate(self.store, ACCOUNT, by=person(), now=utc_now)
        _typed(f"adept accounts certificate {ACCOUNT} -o {ACCOUNT}.pem")
        self.portal.upload_key(FIRST_SERVER, certificate)
        token = self.portal.get_token(FIRST_SERVER)
        self.portal.add_server(OTHER_SERVER, certificate.decode())
        print(f'  In the portal: uploaded it for the MDM server "{FIRST_SERVER}", which has {self.devices:,} devices,')
        print(f"  and downloaded its token: an encrypted file (.p7m) of {len(token):,} bytes.")
        outcome = await exchange.upload_token(self.store, ACCOUNT, token, connect=connect, by=person(), now=utc_now)
        _typed(f"adept accounts upload-token {ACCOUNT} token.p7m")
        assert outcome.identity is not None
        print(f'  Opened with our private key; Apple confirms: server "{outcome.identity.server_name}"')
        print(f'  of "{outcome.identity.org_name}". The token ends on {outcome.expires_at:%Y-%m-%d}.')

    async def first_fetch(self) -> None:
        """Everything, page by page."""
        _chapter("2. The first fetch")
        _typed(f"adept accounts sync {ACCOUNT}")
        _expect(await self._sync("Fetching"), added=self.devices)

    async def show_first_rows(self) -> None:
        """What it looks like."""
        from adept.cli.local_desk import LocalDesk
        from adept.records.device_query import EVERYTHING

        _typed(f"adept devices list --limit {FIRST_ROWS}")
        columns = ("", "SERIAL", "FAMILY", "OS", "MODEL", "COLOR", "PROFILE")
        async with aclosing(LocalDesk(self.store).devices(EVERYTHING, limit=FIRST_ROWS)) as batches:
            async for batch in batches:
                print_table(columns, map(_row, batch), empty="")

    async def day_of_changes(self) -> None:
        """What people do to devices: a profile is assigned, some are switched on, bought, moved, released."""
        _chapter("3. Meanwhile, at Apple")
        serials = iter(self.portal.devices(FIRST_SERVER))
        switched_on, moved, released = (list(islice(serials, count)) for count in (SWITCHED_ON, MOVED, RELEASED))
        uuid = await self._assign_profile(switched_on)
        self.portal.switch_on(switched_on)
        print(f"  {SWITCHED_ON} devices got the enrollment profile {uuid[:8]}… and were switched on;")
        self.portal.buy(BOUGHT, FIRST_SERVER)
        print(f"  {BOUGHT} devices were bought;")
        self.portal.move(moved, OTHER_SERVER)
        print(f'  {MOVED} devices were moved to the server "{OTHER_SERVER}";')
        self.portal.release(released)
        print(f"  {RELEASED} devices were released from the organisation.")

    async def catch_up(self) -> None:
        """A sync asks for what changed since the cursor of the last page."""
        from adept.store.changes import changes_after, last_change

        _chapter("4. A sync catches up")
        async with self.store.reading() as tx:
            before = await last_change(tx)
        _typed(f"adept accounts sync {ACCOUNT}")
        outcome = await self._sync("Syncing")
        _expect(outcome, added=BOUGHT, modified=SWITCHED_ON, deleted=MOVED + RELEASED)
        async with self.store.reading() as tx:
            found = await changes_after(tx, before, limit=1000)
        _typed(f"adept changes --account {ACCOUNT} --cursor {before}")
        print_table(("", "SERIAL", "WHAT", "DETAILS"), map(_change, found), empty="Nothing changed.")

    async def prove(self) -> None:
        """The store against the simulator's truth, device by device and key by key."""
        from adept.records.device_lists import device_batches

        _chapter("5. The proof")
        truth = self.portal.devices(FIRST_SERVER)
        async with aclosing(device_batches(self.store)) as batches:
            stored = {row.serial_number: row.document async for batch in batches for row in batch}
        wrong = differences(stored, truth)
        if wrong:
            raise AdeptError(f"the store differs from Apple: {'; '.join(wrong[:3])} ({len(wrong)} differences)")
        print(f"  All {len(truth):,} devices are stored exactly as Apple has them now.")

    async def _sync(self, what: str) -> PassOutcome:
        from adept.jobs.account_pass import run_pass

        with counting(what, unit="devices") as reached:
            outcome = await run_pass(
                self.store,
                ACCOUNT,
                connect=connect,
                now=utc_now,
                holder=holder(),
                on_progress=lambda progress: reached(progress.devices),
            )
        if outcome.error is not None:
            raise outcome.error
        totals = outcome.totals
        found = f"{totals.added:,} added, {totals.modified:,} modified, {totals.deleted:,} deleted"
        print(f"  Apple sent {counted(totals.devices, 'record')} on {counted(totals.pages, 'page')}: {found}.")
        return outcome

    async def _assign_profile(self, serials: list[str]) -> str:
        from adept.accounts.tokens import active_token
        from adept.protocol.profile import Profile
        from adept.store.accounts import account_named

        async with self.store.reading() as tx:
            account = await account_named(tx, ACCOUNT)
        token = await active_token(self.store, account.id)
        assert token is not None
        profile = Profile(profile_name="adept demo", url="https://mdm.example.org/enroll", is_mdm_removable=True)
        async with connect(token.secret, self.url) as client:
            defined = await client.define_profile(profile)
            await client.assign_profile(defined.profile_uuid, serials)
        return defined.profile_uuid


def _expect(outcome: PassOutcome, *, added: int, modified: int = 0, deleted: int = 0) -> None:
    totals = outcome.totals
    if (totals.added, totals.modified, totals.deleted) != (added, modified, deleted):
        raise AdeptError(f"expected {added} added, {modified} modified and {deleted} deleted devices, found {totals}")


def _row(device: DeviceDocument) -> tuple[object, ...]:
    from adept.records.devices import plain

    keys = ("serial_number", "device_family", "os", "model", "color", "profile_status")
    return ("", *(plain(device.get(key)) for key in keys))


def _change(change: StoredChange) -> tuple[object, ...]:
    from adept.records.changes import change_record

    return ("", change.serial_number, change.kind, details(change_record(change)))


def _chapter(title: str) -> None:
    print(f"\n{title}", flush=True)


def _typed(command: str) -> None:
    print(f"  $ {command}", flush=True)
