"""A worker: does what is due, beside any number of others on any number of machines. For PostgreSQL.

Two things go on side by side. Once a second whoever gets the turn hands the engine what is due, in order of lateness,
and takes jobs away from dead workers. And each worker does the jobs that the engine gives it, `width` at a time. What
takes longer than a minute, the first fetch of very many devices, gives its slot back and goes on: its lease says who is
at it, and runs out should this process die.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime

from adept.errors import AdeptError, Outdated
from adept.jobs.ending import end_tasks
from adept.jobs.engine import Engine
from adept.jobs.kinds import JobKinds, find_due
from adept.jobs.schedule import AHEAD, LONG_S, DueJob, to_defer
from adept.store import engine_jobs
from adept.store.database import Store, Transaction
from adept.store.schema import check_still_fits

log = logging.getLogger("adept.jobs")

TURN_EVERY_S = 1.0
TURN_TIMEOUT_S = 20.0
TIDY_EVERY_S = 3600.0
BACK_OFF_LIMIT_S = 30.0

Now = Callable[[], datetime]


class Worker:
    """Does jobs of the kinds, `width` at a time, until it is stopped. Its parts are those of `Runner`."""

    def __init__(self, store: Store, kinds: JobKinds, *, now: Now, width: int, long_s: float = LONG_S) -> None:
        self._store = store
        self._kinds = kinds
        self._now = now
        self._width = width
        self._long_s = long_s
        self._engine = Engine(store, kinds, self._do)
        self._visits: set[asyncio.Task[None]] = set()  # what this process is at
        self._long: set[asyncio.Task[None]] = set()  # those of them that gave their slot back
        self._woken = asyncio.Event()
        self._is_stopping = False
        self._working: asyncio.Task[None] | None = None
        self._ending: asyncio.Task[None] | None = None
        self._tidied_s: float | None = None  # on the loop's clock

    async def run(self) -> None:
        """Run until `stop` is called or the task is cancelled. Raises Outdated where this adept no longer fits the
        database; what else goes wrong on the way is logged, never raised.
        """
        try:
            async with self._engine.opened():
                self._working = asyncio.create_task(self._keep_working(), name="worker")
                try:
                    await self._take_turns()
                finally:
                    await self.stop()
        finally:
            await self.stop()

    def wake(self) -> None:
        """Look now what is due, not at the next turn: something was added, changed or asked for. From the loop only."""
        self._woken.set()

    async def stop(self, *, within_s: float = 10.0) -> None:
        """Take no job any more, finish the pages that are being stored, drop the requests in flight; then `run` ends.

        What was not done stays due, and its lease is given back: another worker finds it at its next turn. Returns at
        the latest after `within_s`, as `Runner.stop`.
        """
        self._is_stopping = True
        self.wake()
        if self._ending is None:
            self._ending = asyncio.create_task(self._end(within_s), name="end jobs")
        await asyncio.shield(self._ending)

    @property
    def visiting(self) -> int:
        """How many jobs are being done by this process now."""
        return len(self._visits)

    async def _take_turns(self) -> None:
        failures = 0
        while not self._is_stopping:
            self._woken.clear()
            failures = 0 if await self._take_turn() else failures + 1
            with suppress(TimeoutError):
                async with asyncio.timeout(_pause_s(failures)):
                    await self._woken.wait()

    async def _take_turn(self) -> bool:
        """Hand out what is due, unless another process is just at that; False where the database fails."""
        try:
            async with asyncio.timeout(TURN_TIMEOUT_S):
                async with self._store.writing() as tx:
                    await check_still_fits(tx, self._store.place)
                    if await engine_jobs.take_turn(tx):
                        await self._hand_out(tx)
                await self._tidy()
        except Outdated:
            raise
        except (AdeptError, TimeoutError) as error:
            said = str(error) or f"no answer within {TURN_TIMEOUT_S:g} s"
            log.error("worker waits for the database", extra={"error": said})
            return False
        except Exception:
            log.exception("handing out what is due failed by a fault of adept's own")
            return False
        return True

    async def _hand_out(self, tx: Transaction) -> None:
        reaped = await self._engine.reap()
        if reaped:
            log.warning("jobs of dead workers given to others", extra={"jobs": reaped})
        at_hand = await self._engine.at_hand(tx)
        width = self._width * max(1, await engine_jobs.count_workers(tx))
        due = await find_due(self._kinds, tx, self._now(), limit=len(at_hand) + AHEAD * width)
        await self._engine.defer(tx, to_defer(due, at_hand, width=width))

    async def _tidy(self) -> None:
        now_s = asyncio.get_running_loop().time()
        if self._tidied_s is None or now_s - self._tidied_s >= TIDY_EVERY_S:
            await self._engine.tidy()
            self._tidied_s = now_s

    async def _keep_working(self) -> None:
        """Keep a worker of the engine's running: it ends where the database is away."""
        failures = 0
        while not self._is_stopping:
            began_s = asyncio.get_running_loop().time()
            try:
                await self._engine.work(self._width)
            except AdeptError as error:
                log.error("worker waits for the database", extra={"error_code": error.code, "error": str(error)})
            except Exception:
                log.exception("the worker failed by a fault of adept's own")
            lasted_s = asyncio.get_running_loop().time() - began_s
            failures = 1 if lasted_s > BACK_OFF_LIMIT_S else failures + 1
            await asyncio.sleep(_pause_s(failures))

    async def _do(self, job: DueJob) -> None:
        """Do a job that the engine gave us; return when it is done, or has gone on for so long that it makes room."""
        if self._is_stopping:
            return
        visit = asyncio.create_task(self._visit(job), name=f"{job.kind} {job.name}")
        self._visits.add(visit)
        visit.add_done_callback(self._visits.discard)
        try:
            await asyncio.wait({visit}, timeout=self._long_s)
            if not visit.done() and len(self._long) < self._width:
                log.info("a long job makes room for others", extra={"job": job.kind, "about": job.name})
                self._long.add(visit)
                visit.add_done_callback(self._long.discard)
                return
            await asyncio.wait({visit})
        except asyncio.CancelledError:
            if not self._is_stopping:  # then `_end` tells it, once: told twice it drops the page that it is storing
                visit.cancel()
            await asyncio.wait({visit})
            raise

    async def _visit(self, job: DueJob) -> None:
        try:
            await self._kinds[job.kind].do(job)
        except AdeptError as error:
            told = {"job": job.kind, "about": job.name, "error_code": error.code, "error": str(error)}
            log.error("a job failed", extra=told)
        except Exception:
            log.exception("a job failed by a fault of adept's own", extra={"job": job.kind, "about": job.name})

    async def _end(self, within_s: float) -> None:
        working = set() if self._working is None else {self._working}
        for task in working:
            task.cancel()
        await end_tasks(set(self._visits), within_s=0.8 * within_s)
        if working:
            await asyncio.wait(working, timeout=0.2 * within_s)


def _pause_s(failures: int) -> float:
    """A second; while the database fails longer and longer."""
    return float(min(TURN_EVERY_S * 2 ** min(failures, 10), BACK_OFF_LIMIT_S))
