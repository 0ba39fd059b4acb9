"""The embedded runner: looks after every account whose time has come, in the process of the service.

The accounts' rows are the queue and their leases keep other processes away: any number of runners may share a
database, and a command that syncs beside them is nothing special.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from functools import partial

from adept.accounts.tokens import Connect
from adept.errors import AdeptError, StoreError
from adept.jobs.retention import Keep, remove_when_due
from adept.jobs.schedule import Slot, to_begin
from adept.jobs.visit import Visitor
from adept.store.database import Store
from adept.store.due import DueAccount, due_accounts
from adept.sync.lease import LEASE_S
from adept.sync.outcome import PassOutcome

log = logging.getLogger("adept.jobs")

LOOK_EVERY_S = 1.0
LOOK_TIMEOUT_S = 5.0  # also how long the end of the runner may wait for a look
LOOK_LIMIT = 1000  # accounts that one look finds at most, of either kind
STORE_BACK_OFF_LIMIT_S = 30.0
REMOVE_EVERY_S = 600.0  # how often it is asked whether old rows are to go; the database says that once an hour

Now = Callable[[], datetime]


@dataclass(slots=True)
class _Visit:
    slot: Slot
    task: asyncio.Task[None]


class Runner:
    """Looks after accounts as they become due, `width` at a time, until it is stopped.

    `holder` names this process in the rows of accounts and must be no other's; `random` gives numbers from 0 to 1;
    `observe` is told of every pass that ended, however it did; what is kept no longer than `keep` says is removed.
    """

    def __init__(
        self,
        store: Store,
        *,
        connect: Connect,
        now: Now,
        holder: str,
        width: int,
        random: Callable[[], float],
        observe: Callable[[PassOutcome], None] | None = None,
        keep: Keep | None = None,
        lease_s: float = LEASE_S,
    ) -> None:
        self._store = store
        self._now = now
        self._width = width
        self._observe = observe
        self._keep = keep
        self._removal: asyncio.Task[None] | None = None
        self._next_removal_s = 0.0  # on the loop's clock
        self._visitor = Visitor(store, connect, now, holder, random, lease_s)
        self._due: list[DueAccount] = []  # what the last look found and is not begun yet
        self._visits: dict[int, _Visit] = {}
        self._woken = asyncio.Event()
        self._is_stopping = False
        self._ending: asyncio.Task[None] | None = None
        self._store_failures = 0  # in a row

    async def run(self) -> None:
        """Run until `stop` is called or the task is cancelled. What goes wrong on the way is logged, never raised."""
        try:
            while not self._is_stopping:
                self._woken.clear()
                await self._look()
                self._begin_visits()
                self._begin_removal()
                with suppress(TimeoutError):
                    async with asyncio.timeout(self._pause_s):
                        await self._woken.wait()
        finally:
            await self.stop()

    def wake(self) -> None:
        """Look now what is due, not at the next turn: something was added, changed or asked for. From the loop only."""
        self._woken.set()

    async def stop(self, *, within_s: float = 10.0) -> None:
        """Begin nothing more, finish the pages that are being stored, drop the requests in flight; then `run` ends.

        Returns when that is done, at the latest after `within_s`: what is still at it then is left behind. A page that
        can't be stored for most of that time is dropped; nothing of it is, and the next pass asks for it again.
        """
        self._is_stopping = True
        self.wake()
        if self._ending is None:
            self._ending = asyncio.create_task(self._end_visits(within_s), name="end visits")
        await asyncio.shield(self._ending)

    @property
    def visiting(self) -> int:
        """How many accounts are being looked after now."""
        return len(self._visits)

    @property
    def _pause_s(self) -> float:
        """A second; while the database fails longer and longer."""
        return float(min(LOOK_EVERY_S * 2 ** min(self._store_failures, 10), STORE_BACK_OFF_LIMIT_S))

    async def _look(self) -> None:
        try:
            async with asyncio.timeout(LOOK_TIMEOUT_S), self._store.reading() as tx:
                found = await due_accounts(tx, self._now(), limit=LOOK_LIMIT)
        except AdeptError as error:
            self._wait_for_store(error)
        except TimeoutError:
            self._wait_for_store(StoreError(f"no answer within {LOOK_TIMEOUT_S:g} s"))
        except Exception:
            log.exception("looking for what is due failed by a fault of adept's own")
        else:
            self._due = [due for due in found if due.id not in self._visits]

    def _begin_visits(self) -> None:
        if self._is_stopping:
            return
        now_s = asyncio.get_running_loop().time()
        slots = [visit.slot for visit in self._visits.values()]
        for due in to_begin(self._due, slots, width=self._width, now_s=now_s):
            self._due.remove(due)
            task = asyncio.create_task(self._visit(due), name=f"visit {due.name}")
            self._visits[due.id] = _Visit(Slot(due.is_failing, now_s), task)
            task.add_done_callback(partial(self._visit_ended, due))

    def _visit_ended(self, due: DueAccount, _: asyncio.Task[None]) -> None:
        del self._visits[due.id]
        self._begin_visits()

    async def _visit(self, due: DueAccount) -> None:
        try:
            visited = await self._visitor.visit(due)
            self._store_failures = 0
            if visited is not None and visited.outcome is not None and self._observe is not None:
                self._observe(visited.outcome)
        except AdeptError as error:
            self._wait_for_store(error)
        except Exception:
            log.exception("visiting an account failed by a fault of adept's own", extra={"account": due.name})

    def _begin_removal(self) -> None:
        """Remove what is kept no longer, beside the visits and now and then."""
        now_s = asyncio.get_running_loop().time()
        if self._keep is None or self._is_stopping or now_s < self._next_removal_s:
            return
        self._next_removal_s = now_s + REMOVE_EVERY_S
        self._removal = asyncio.create_task(self._remove(self._keep), name="remove old rows")

    async def _remove(self, keep: Keep) -> None:
        try:
            await remove_when_due(self._store, keep, now=self._now)
        except AdeptError as error:
            log.warning("old rows not removed", extra={"error_code": error.code, "error": str(error)})
        except Exception:
            log.exception("removing old rows failed by a fault of adept's own")

    def _wait_for_store(self, error: AdeptError) -> None:
        """The database fails: what was found due would fare no better, so look again after a while."""
        self._due = []
        self._store_failures += 1
        told = {"error_code": error.code, "error": str(error), "again_in_s": self._pause_s}
        log.error("runner waits for the database", extra=told)

    async def _end_visits(self, within_s: float) -> None:
        """Cancel what is under way, which stores its page to the end; cancel again what takes too long for that."""
        tasks = {visit.task for visit in self._visits.values()} | ({self._removal} if self._removal else set())
        for share in (0.7, 0.25):
            for task in tasks:
                task.cancel()
            if tasks:
                _, tasks = await asyncio.wait(tasks, timeout=share * within_s)
        if tasks:
            log.warning("visits left behind", extra={"accounts": len(tasks)})
