"""The embedded runner: does what is due, in the process of the service. For SQLite; on PostgreSQL it is `worker`.

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

from adept.errors import AdeptError, Outdated, StoreError
from adept.jobs.ending import end_tasks
from adept.jobs.kinds import JobKinds, find_due
from adept.jobs.schedule import DueJob, Slot, to_begin
from adept.store.database import Store
from adept.store.schema import check_still_fits

log = logging.getLogger("adept.jobs")

LOOK_EVERY_S = 1.0
LOOK_TIMEOUT_S = 5.0  # also how long the end of the runner may wait for a look
LOOK_LIMIT = 1000  # jobs of a kind that one look finds at most, failing or not
STORE_BACK_OFF_LIMIT_S = 30.0

Now = Callable[[], datetime]


@dataclass(slots=True)
class _Visit:
    slot: Slot
    task: asyncio.Task[None]


class Runner:
    """Does what is due of the kinds, `width` jobs at a time, until it is stopped."""

    def __init__(self, store: Store, kinds: JobKinds, *, now: Now, width: int) -> None:
        self._store = store
        self._kinds = kinds
        self._now = now
        self._width = width
        self._due: list[DueJob] = []  # what the last look found and is not begun yet
        self._visits: dict[str, _Visit] = {}
        self._woken = asyncio.Event()
        self._is_stopping = False
        self._ending: asyncio.Task[None] | None = None
        self._store_failures = 0  # in a row

    async def run(self) -> None:
        """Run until `stop` is called or the task is cancelled. Raises Outdated where this adept no longer fits the
        database; what else goes wrong on the way is logged, never raised.
        """
        try:
            while not self._is_stopping:
                self._woken.clear()
                await self._look()
                self._begin_visits()
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
            tasks = {visit.task for visit in self._visits.values()}
            self._ending = asyncio.create_task(end_tasks(tasks, within_s=within_s), name="end visits")
        await asyncio.shield(self._ending)

    @property
    def visiting(self) -> int:
        """How many jobs are being done now."""
        return len(self._visits)

    @property
    def _pause_s(self) -> float:
        """A second; while the database fails longer and longer."""
        return float(min(LOOK_EVERY_S * 2 ** min(self._store_failures, 10), STORE_BACK_OFF_LIMIT_S))

    async def _look(self) -> None:
        try:
            async with asyncio.timeout(LOOK_TIMEOUT_S), self._store.reading() as tx:
                await check_still_fits(tx, self._store.place)
                found = await find_due(self._kinds, tx, self._now(), limit=LOOK_LIMIT)
        except Outdated:
            raise
        except AdeptError as error:
            self._wait_for_store(error)
        except TimeoutError:
            self._wait_for_store(StoreError(f"no answer within {LOOK_TIMEOUT_S:g} s"))
        except Exception:
            log.exception("looking for what is due failed by a fault of adept's own")
        else:
            self._due = [due for due in found if due.key not in self._visits]

    def _begin_visits(self) -> None:
        if self._is_stopping:
            return
        now_s = asyncio.get_running_loop().time()
        slots = [visit.slot for visit in self._visits.values()]
        for due in to_begin(self._due, slots, width=self._width, now_s=now_s):
            self._due.remove(due)
            task = asyncio.create_task(self._visit(due), name=f"{due.kind} {due.name}")
            self._visits[due.key] = _Visit(Slot(due.is_failing, now_s), task)
            task.add_done_callback(partial(self._visit_ended, due))

    def _visit_ended(self, due: DueJob, _: asyncio.Task[None]) -> None:
        del self._visits[due.key]
        self._begin_visits()

    async def _visit(self, due: DueJob) -> None:
        try:
            await self._kinds[due.kind].do(due)
            self._store_failures = 0
        except AdeptError as error:
            self._wait_for_store(error)
        except Exception:
            log.exception("a job failed by a fault of adept's own", extra={"job": due.kind, "about": due.name})

    def _wait_for_store(self, error: AdeptError) -> None:
        """The database fails: what was found due would fare no better, so look again after a while."""
        self._due = []
        self._store_failures += 1
        told = {"error_code": error.code, "error": str(error), "again_in_s": self._pause_s}
        log.error("runner waits for the database", extra=told)
