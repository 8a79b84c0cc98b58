"""What is being executed: started, cancelled, and let go of, whatever it does about it."""

import asyncio
import logging
from collections.abc import Sequence
from time import monotonic

from gatherq.store.jobs import Release
from gatherq_worker.attempt import Attempt
from gatherq_worker.execution.guarded_task import guarded
from gatherq_worker.execution.loop import past

from .claims import Held
from .conclusion.finalizer import Finalizer
from .conclusion.recorder import Recorder
from .executor import Executor
from .observer import JobObserver

logger = logging.getLogger("gatherq.worker")

#: How long a cancelled handler may take to end before its job is released, in seconds.
_UNWIND = 1.0


class Running:
    """The tasks of one worker, by job id."""

    def __init__(
        self, runner: Executor, settler: Finalizer, recorder: Recorder, held: Held
    ) -> None:
        self._runner, self._settler = runner, settler
        self._recorder, self._held = recorder, held
        self._loop = asyncio.get_running_loop()
        self.by_id: dict[str, tuple[Attempt, asyncio.Task[None]]] = {}
        #: Since when, by the monotonic clock.
        self._abandoned: dict[asyncio.Task[None], float] = {}
        #: How many executions were ever started.
        self.started = 0

    def __len__(self) -> int:
        return len(self.by_id)

    def __contains__(self, job_id: str) -> bool:
        return job_id in self.by_id

    @property
    def tasks(self) -> dict[str, asyncio.Task[None]]:
        """The tasks by job id."""
        return {job_id: task for job_id, (_, task) in self.by_id.items()}

    @property
    def starved(self) -> bool:
        """Whether this process cannot begin jobs that another in its place could."""
        return self._runner.starved

    @property
    def abandoned(self) -> int:
        """How many executions do not end although their time is over.

        Many that clean up at once may all be a little late, and end all the same.
        """
        long = monotonic() - _UNWIND
        late = sum(since <= long for since in self._abandoned.values())
        return late + self._runner.abandoned

    def start(self, attempt: Attempt) -> None:
        """Execute an attempt in a task of its own."""
        self.started += 1
        before, its = self.by_id.get(attempt.job_id, (None, None))
        if before and its:  # of another life of the job: nobody asks for it any more
            self._drop(before, its)
        task = guarded(self._runner.run(attempt), attempt)
        self.by_id[attempt.job_id] = (attempt, task)
        task.add_done_callback(lambda task: self._ended(attempt, task))

    def cancel(self, attempt: Attempt, by: str) -> bool:
        """Cancel a running attempt, whose outcome says `by` whom; False if it does not run here."""
        current, task = self.by_id.get(attempt.job_id, (None, None))
        if current is not attempt or task is None:
            return False
        if attempt.cancelled_by or attempt.settled or past(attempt):
            return False
        attempt.cancelled_by = by
        attempt.overdue = monotonic() + attempt.grace
        task.cancel()
        return True

    def cancel_job(self, job_id: str, by: str) -> None:
        """Cancel what runs under this id, if anything does."""
        attempt, _ = self.by_id.get(job_id, (None, None))
        if attempt is not None:
            self.cancel(attempt, by)

    def expire(self, attempts: Sequence[Attempt]) -> None:
        """Time out what did not end within its grace, and give up its slot."""
        for attempt in attempts:
            current, task = self.by_id.get(attempt.job_id, (None, None))
            attempt.free()  # whatever it does: others wait for its places
            record = self._settler.time_out(attempt) if current is attempt else None
            if record is None or task is None:
                continue
            logger.info("job %s (%s) does not end; abandoned", attempt.job_id, attempt.name)
            self._recorder.put(record)
            del self.by_id[attempt.job_id]
            self._abandoned[task] = monotonic()
            task.add_done_callback(self._abandoned.pop)
            task.cancel()
            self._held.room.set()

    def lost(self, attempts: Sequence[Attempt]) -> None:
        """Drop what another worker has taken over."""
        for attempt in attempts:
            self._held.drop(attempt)
            current, task = self.by_id.get(attempt.job_id, (None, None))
            if current is attempt and task and not attempt.handed_over:
                logger.warning("job %s: its lease is lost; the attempt is dropped", attempt.job_id)
                self._drop(attempt, task)

    def _drop(self, attempt: Attempt, task: asyncio.Task[None]) -> None:
        attempt.dropped = True
        asked = attempt.cancelled_by or past(attempt)
        if attempt.isolated or not asked:  # else it is cleaning up, and is asked once
            task.cancel()
        self._loop.call_later(attempt.grace, attempt.free)  # whatever it does about that

    async def drain(self, grace: float, *, release: bool, watch: JobObserver) -> None:
        """Wait for `grace` seconds, then give back what runs, or cancel it."""
        if self.by_id:
            await asyncio.wait(self.tasks.values(), timeout=grace)
        watch.waited(len(self))
        for attempt, task in list(self.by_id.values()):
            if not release:
                self.cancel(attempt, "worker")
                continue
            self._drop(attempt, task)
            self._recorder.give_back(Release(attempt))
            watch.released(attempt)
        if self.by_id:
            await asyncio.wait(self.tasks.values(), timeout=_UNWIND)

    def _ended(self, attempt: Attempt, task: asyncio.Task[None]) -> None:
        current, _ = self.by_id.get(attempt.job_id, (None, None))
        if current is attempt:
            del self.by_id[attempt.job_id]
        if attempt.given_back:
            self._held.drop(attempt)  # else its lease would be renewed
        self._held.room.set()
        if task.cancelled():
            self._settler.cut_short(attempt)
        elif (error := task.exception()) is not None:
            logger.error("job %s: the worker itself failed", attempt.job_id, exc_info=error)
            self._settler.cut_short(attempt, error)
