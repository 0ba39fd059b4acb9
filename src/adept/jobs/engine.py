"""procrastinate, as adept uses it: hands jobs to some worker on some machine, and notices when that one dies.

The one module that knows it. What is due is not its business: the rows of the store are the queue, and losing every job
in it loses nothing. So nothing is retried here, a job that a dead worker had is ended as failed, and what it was about
is found due again.

Workers ask for jobs twice a second rather than be notified: a pooler in transaction mode passes no notifications on.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Sequence
from contextlib import asynccontextmanager, suppress

from procrastinate import App, PsycopgConnector
from procrastinate.exceptions import ConnectorException, ProcrastinateException
from procrastinate.jobs import Job, Status
from procrastinate.manager import JobManager

from adept.errors import StoreError
from adept.jobs.schedule import AtHand, DueJob
from adept.store import engine_jobs
from adept.store.database import Store, Transaction
from adept.store.engine_jobs import STALLED_S
from adept.store.engine_pool import connection_pool

POLL_EVERY_S = 0.5
HEARTBEAT_EVERY_S = 5
KEPT_H = 24  # how long jobs that failed can be looked at
NEVER_S = 86_400
ENDED_BY_OTHERS = "P0001"  # what its function raises where a job is ended that others, who took us for dead, have ended

_DUE, _FAILING = "due", "failing"  # the names of its queues, for whoever looks; every worker takes from both

Do = Callable[[DueJob], Awaitable[None]]


class Engine:
    """The job engine on the store's database; `do` is called with each job that falls to this process."""

    def __init__(self, store: Store, kinds: Iterable[str], do: Do) -> None:
        self._store = store
        connector = PsycopgConnector()
        self._app = App(connector=connector)
        self._manager = self._app.job_manager
        self._unended = asyncio.Event()
        self._app.job_manager = _Ending(connector, self._unended)
        for kind in kinds:
            self._app.task(name=kind)(_task(kind, do))
        logging.getLogger("procrastinate").setLevel(logging.ERROR)
        for name in (
            "procrastinate.worker",
            "procrastinate.utils",
            "asyncio",
        ):  # the last: of tasks that it left behind
            logging.getLogger(name).addFilter(_is_news)

    @asynccontextmanager
    async def opened(self) -> AsyncIterator[None]:
        """With connections of its own while the block runs."""
        pool = connection_pool(self._store.place)
        await pool.open()
        try:
            async with self._app.open_async(pool):
                yield
        finally:
            await pool.close(timeout=1)

    async def defer(self, tx: Transaction, jobs: Sequence[DueJob]) -> None:
        """Put jobs into the queue, in this order, with the commit; what somebody waits for comes before the rest."""
        deferred = [
            Job(
                task_name=job.kind,
                queue=_FAILING if job.is_failing else _DUE,
                priority=int(job.is_asked_for),
                lock=job.key,
                queueing_lock=job.key,
                task_kwargs={"id": job.id, "name": job.name, "is_failing": job.is_failing},
            )
            for job in jobs
        ]
        if deferred:
            connection = await engine_jobs.driver_connection(tx)
            with _told(self._store):
                await self._manager.batch_defer_jobs_async(deferred, connection=connection)

    async def at_hand(self, tx: Transaction) -> list[AtHand]:
        """The jobs that wait in the queue or are being done."""
        found = await engine_jobs.jobs_at_hand(tx)
        return [AtHand(job.key, is_failing=job.queue == _FAILING, is_running=job.is_running) for job in found]

    async def reap(self) -> int:
        """End the jobs of dead workers as failed, so that nothing waits for them; how many.

        Not retried: one about the same row may wait already, and that one would wait for this one's lock for ever.
        """
        with _told(self._store):
            stalled = list(await self._manager.get_stalled_jobs(seconds_since_heartbeat=STALLED_S))
            for job in stalled:
                with suppress(ConnectorException):  # it ended meanwhile
                    await self._manager.finish_job(job, Status.FAILED, delete_job=False)
        return len(stalled)

    async def tidy(self) -> None:
        """Forget what ended long ago, and workers that are long dead."""
        with _told(self._store):
            manager = self._manager
            await manager.delete_old_jobs(KEPT_H, include_failed=True, include_cancelled=True, include_aborted=True)
            await manager.prune_stalled_workers(3600)

    async def work(self, width: int) -> None:
        """Do jobs, `width` at a time, until cancelled: then what is under way is cancelled as well.

        Ends with StoreError where the database was away, if only for the end of one job: that would stay a living
        worker's for ever, and what it was about would never be handed out again.
        """
        self._unended.clear()
        working = asyncio.create_task(self._work(width), name="engine")
        unended = asyncio.create_task(self._unended.wait(), name="unended job")
        try:
            await asyncio.wait({working, unended}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            unended.cancel()
            working.cancel()
            await asyncio.wait({working})
        if not working.cancelled():
            working.result()
        raise StoreError(
            f"{self._store.place.label} was away for the job engine", way_out="look whether the server runs"
        )

    async def _work(self, width: int) -> None:
        with _told(self._store):
            await self._app.run_worker_async(
                concurrency=width,
                install_signal_handlers=False,
                listen_notify=False,
                fetch_job_polling_interval=POLL_EVERY_S,
                abort_job_polling_interval=NEVER_S,
                update_heartbeat_interval=HEARTBEAT_EVERY_S,
                stalled_worker_timeout=3600,  # `reap` looks after their jobs
                shutdown_graceful_timeout=0,
                delete_jobs="successful",
            )


def _task(kind: str, do: Do) -> Callable[..., Awaitable[None]]:
    async def run(*, id: int, name: str, is_failing: bool) -> None:  # noqa: A002  # as it stands in the queue
        await do(DueJob(kind, id, name, is_failing))

    return run


def _is_news(record: logging.LogRecord) -> bool:
    """False for tracebacks of a database that is away, which `work` tells in a sentence."""
    return record.exc_info is None or not isinstance(record.exc_info[1], ConnectorException | StoreError)


class _Ending(JobManager):
    """Says when the end of a job could not be written; the worker that called goes on as if it had been."""

    def __init__(self, connector: PsycopgConnector, unended: asyncio.Event) -> None:
        super().__init__(connector)
        self._unended = unended

    async def finish_job(self, job: Job, status: Status, delete_job: bool) -> None:
        try:
            await super().finish_job(job, status, delete_job)
        except ConnectorException as error:
            if getattr(error.__cause__, "sqlstate", None) != ENDED_BY_OTHERS:
                self._unended.set()


class _told:  # noqa: N801  # reads as a function
    """Turn what procrastinate raises in the block into a StoreError."""

    def __init__(self, store: Store) -> None:
        self._label = store.place.label

    def __enter__(self) -> None:
        return None

    def __exit__(self, _kind: object, error: BaseException | None, _trace: object) -> None:
        if isinstance(error, ProcrastinateException):
            cause = " ".join(str(error.__cause__ or error).split())
            raise StoreError(
                f"{self._label}: the job engine failed: {cause}", way_out="look whether the server runs"
            ) from error
