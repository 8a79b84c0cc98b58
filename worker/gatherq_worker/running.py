"""What is being executed: started, cancelled, and let go of, whatever it does about it."""

import asyncio
import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from time import monotonic

from .attempt import Attempt
from .execute import past
from .guarded import guarded
from .held import Held
from .record import Recorder
from .run import Runner
from .settle import Settler
from .store import Release
from .watch import Watch

logger = logging.getLogger("gatherq.worker")

#: How long a cancelled handler may take to end before its job is released, in seconds.
_UNWIND = 1.0


class Running:
    """The tasks of one worker, by job id."""

    def __init__(self, runner: Runner, settler: Settler, recorder: Recorder, held: Held) -> None:
        self._runner, self._settler = runner, settler
        self._recorder, self._held = recorder, held
        self._loop = asyncio.get_running_loop()
        self.by_id: dict[str, tuple[Attempt, asyncio.Task[None]]] = {}
        self._abandoned: set[asyncio.Task[None]] = set()
        #: Cancellations that came while a claim was under way: of what it may bring.
        self._missed: list[tuple[str, str]] | None = None
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
    def abandoned(self) -> int:
        """How many executions do not end although their time is over."""
        return len(self._abandoned) + self._runner.abandoned

    def start(self, attempt: Attempt) -> None:
        """Execute an attempt in a task of its own."""
        self.started += 1
        task = guarded(self._runner.run(attempt), attempt)
        self.by_id[attempt.job_id] = (attempt, task)
        task.add_done_callback(lambda task: self._ended(attempt, task))

    @contextmanager
    def claiming(self) -> Iterator[None]:
        """Keep the cancellations that overtake a claim's reply, for what it brings."""
        self._missed = []
        try:
            yield
        finally:
            missed, self._missed = self._missed, None
            for what, by in missed:
                self.cancel(what, by)
                self.cancel_batch(what, by)

    def cancel(self, job_id: str, by: str) -> bool:
        """Cancel a running job, whose outcome says `by` whom; False if it does not run here."""
        attempt, task = self.by_id.get(job_id, (None, None))
        if attempt is None or task is None:
            if self._missed is not None:
                self._missed.append((job_id, by))
            return False
        if attempt.cancelled_by or attempt.handed_over or past(attempt):
            return False
        attempt.cancelled_by = by
        attempt.overdue = monotonic() + attempt.grace
        task.cancel()
        return True

    def cancel_batch(self, batch: str, by: str) -> None:
        """Cancel all that runs of a batch."""
        for attempt, _ in list(self.by_id.values()):
            if attempt.batch == batch:
                self.cancel(attempt.job_id, by)
        if self._missed is not None:
            self._missed.append((batch, by))

    def expire(self, attempts: Sequence[Attempt]) -> None:
        """Time out what did not end within its grace, and give up its slot."""
        for attempt in attempts:
            current, task = self.by_id.get(attempt.job_id, (None, None))
            record = self._settler.time_out(attempt) if current is attempt else None
            if record is None or task is None:
                continue
            logger.warning("job %s (%s) does not end; abandoned", attempt.job_id, attempt.name)
            self._recorder.put(record)
            del self.by_id[attempt.job_id]
            self._abandoned.add(task)
            task.add_done_callback(self._abandoned.discard)
            task.cancel()
            self._held.room.set()

    def lost(self, job_ids: Sequence[str]) -> None:
        """Drop what another worker has taken over."""
        for job_id in job_ids:
            self._held.lost(job_id)
            attempt, task = self.by_id.get(job_id, (None, None))
            if attempt and task and not attempt.handed_over:
                logger.warning("job %s: its lease is lost; the attempt is dropped", job_id)
                attempt.dropped = True
                task.cancel()

    async def drain(self, grace: float, *, release: bool, watch: Watch) -> None:
        """Wait for `grace` seconds, then give back what runs, or cancel it."""
        if self.by_id:
            await asyncio.wait(self.tasks.values(), timeout=grace)
        watch.waited(len(self))
        for attempt, task in list(self.by_id.values()):
            if not release:
                self.cancel(attempt.job_id, "worker")
                continue
            attempt.dropped = True
            task.cancel()
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
        elif error := task.exception():
            logger.error("job %s: the worker itself failed", attempt.job_id, exc_info=error)
            self._settler.cut_short(attempt, error)
