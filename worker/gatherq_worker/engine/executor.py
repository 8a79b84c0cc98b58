"""The life of one attempt: resolve, check attempts, start, run, conclude, finish."""

import asyncio
import logging
from functools import partial
from typing import Any

from gatherq.contract.current_job import CurrentJob, set_current
from gatherq_worker.attempt import Attempt, Place, State
from gatherq_worker.execution.guarded_task import guarded
from gatherq_worker.execution.loop import Bound, Hook, after, in_loop
from gatherq_worker.execution.processes import JobProcess, Processes
from gatherq_worker.execution.result import ExecutionResult
from gatherq_worker.execution.shortage import Shortage, is_shortage
from gatherq_worker.execution.threads import Threads
from gatherq_worker.ipc.execution_table import Where
from gatherq_worker.ipc.scoreboard import Scoreboard
from gatherq_worker.registry import Handler, Registry, UnknownJob, importable

from .attempts import Attempts
from .conclusion import verdicts
from .conclusion.deadlines import set_deadline
from .conclusion.finalizer import Finalizer
from .events import JobStarted
from .options import EngineOptions
from .places.execution_places import ExecutionPlaces, WaitedTooLong
from .redis_clock import RedisClock

logger = logging.getLogger("gatherq.worker")

#: Seconds after which a job that could not begin here is tried again, here or elsewhere.
_AGAIN = 1.0

Kind = Processes | Threads | None


class Executor:
    """Executes attempts; whatever their code does stays inside."""

    def __init__(
        self,
        registry: Registry,
        options: EngineOptions,
        attempts: Attempts,
        finalizer: Finalizer,
        places: ExecutionPlaces,
        clock: RedisClock,
        scoreboard: Scoreboard | None = None,
    ) -> None:
        self._registry, self._options = registry, options
        self.attempts, self._finalizer, self._places = attempts, finalizer, places
        self._clock, self._scoreboard = clock, scoreboard
        self._write = finalizer.writer
        self._tell_starts = finalizer.observers.wants(JobStarted)
        self._hooks, self._hooked = options.hooks, bool(options.hooks)

    def launch(self, attempt: Attempt) -> None:
        """Execute an attempt in a task of its own."""
        task = guarded(self.execute(attempt), attempt)
        self.attempts.start(attempt, task)
        task.add_done_callback(self._ended)

    def _ended(self, task: Any) -> None:
        attempt: Attempt = task.attempt
        if attempt.places:
            attempt.free()
        self.attempts.ended(attempt)
        if task.cancelled():
            self._finalizer.cut_short(attempt)
        elif (error := task.exception()) is not None:
            logger.error("job %s: the worker itself failed", attempt.job_id, exc_info=error)
            self._finalizer.cut_short(attempt, error)

    async def execute(self, attempt: Attempt) -> None:
        """Execute one attempt to its end; raises its own cancellation, and faults of the engine."""
        attempt.started = self._clock.now()
        resolved = self.resolve(attempt)
        if resolved is None:
            return
        handler, call = resolved
        max_attempts = self.check_attempts(attempt, handler)
        if max_attempts is None:
            return
        try:
            kind = place = None
            if attempt.apart or handler.needs_place:
                kind = self._places.kind_for(attempt, handler)
                place = await self._places.take(attempt, handler, kind, self._clock.now())
                attempt.started = self._clock.now()
            with self._finalizer.observers.around(attempt):
                ctx = self.start(attempt, handler)
                try:
                    result = await self.run(attempt, handler, call, ctx, kind, place)
                    if self._hooked:
                        await self.end(ctx)
                    self.conclude(result, attempt, handler, max_attempts)
                finally:  # what a hook opened, another closes
                    if self._hooked:
                        await self.finish(ctx)
        except WaitedTooLong as late:
            verdict = verdicts.expired(late.limit.which, late.limit.named)
            self._finalizer.not_run(verdict, attempt, handler)
        except Exception as error:
            self._put_off(attempt, error)
        finally:
            attempt.free()

    def resolve(self, attempt: Attempt) -> tuple[Handler, Bound] | None:
        """Find the handler and bind the arguments; None if the attempt is concluded instead."""
        if attempt.cancelled_by:  # before it could begin
            self._finalizer.not_run(verdicts.cancelled(attempt.cancelled_by), attempt)
            return None
        try:
            return self._bind(attempt)
        except MemoryError as error:
            self._put_off(attempt, error)
        except KeyboardInterrupt:
            raise
        except BaseException as error:  # of the validators of an argument, which do not wait
            self._finalizer.refuse(attempt, error)
        return None

    def _bind(self, attempt: Attempt) -> tuple[Handler, Bound]:
        job = attempt.job
        if job is None:
            raise LookupError(attempt.problem)
        handler = self._registry.find(job.name)
        if handler.takes_ctx:
            return handler, lambda ctx: handler.function(ctx, *job.args, **job.kwargs)
        attempt.prepare = handler.encode
        args, kwargs = handler.bind(job.args, job.kwargs)
        return handler, lambda ctx: handler.function(*args, **kwargs)

    def check_attempts(self, attempt: Attempt, handler: Handler) -> int | None:
        """Return how many attempts the job may have; None if it had them all: it is concluded."""
        max_attempts = handler.max_attempts(self._options.max_attempts)
        max_attempts += attempt.job.base if attempt.job else 0
        if attempt.job_try > max_attempts and (
            verdict := verdicts.exhausted(attempt, max_attempts)
        ):
            self._finalizer.not_run(verdict, attempt, handler)
            return None
        return max_attempts

    def start(self, attempt: Attempt, handler: Handler) -> dict[Any, Any]:
        """Tell the observers that the attempt starts, and make its `ctx`."""
        make = handler.takes_ctx or self._hooked
        ctx = self._options.make_ctx(attempt) if make else {}
        if self._tell_starts:
            self._finalizer.observers.tell(JobStarted(attempt, attempt.started or 0))
        return ctx

    async def run(
        self,
        attempt: Attempt,
        handler: Handler,
        call: Bound,
        ctx: dict[Any, Any],
        kind: Kind,
        place: Place | None,
    ) -> ExecutionResult:
        """Run the handler where it belongs, under its deadline; raises Shortage."""
        if kind is None:
            self._begin(attempt, handler, "loop")
            hook = self._hooks.on_job_start
            run = after(hook, call, ctx) if hook else partial(call, ctx)
            result = await in_loop(attempt, run, self._scoreboard, self._write)
        else:
            result = await self._run_outside(attempt, handler, call, ctx, kind, place)
        result.limit, result.which = attempt.limit, attempt.which
        result.cancelled_by = attempt.cancelled_by
        _forget_cancellations()
        return result

    async def _run_outside(
        self,
        attempt: Attempt,
        handler: Handler,
        call: Bound,
        ctx: dict[Any, Any],
        kind: Processes | Threads,
        place: Place | None,
    ) -> ExecutionResult:
        """Run the handler in a thread, or in the process that it has a place in."""
        if self._hooks.on_job_start:
            await _contained(self._hooks.on_job_start, ctx)
        if isinstance(kind, Threads):
            begin = lambda: self._begin(attempt, handler, "thread")  # noqa: E731
            return await kind.run(attempt, begin, lambda: call(ctx))
        assert isinstance(place, JobProcess)
        return await kind.run(
            place, attempt, handler, lambda: self._begin(attempt, handler, "process")
        )

    def _begin(self, attempt: Attempt, handler: Handler, where: Where) -> CurrentJob:
        """Set the deadline, and note that the job's own code begins: it can be blamed from now on.

        The scoreboard keeps it until its outcome is in Redis: what it left behind may still take
        this process down.
        """
        attempt.where = where
        set_deadline(attempt, handler, self._options, self._clock.now)
        current = _current(attempt, self._finalizer.worker)
        set_current(current)
        self.attempts.begin(attempt)
        if self._scoreboard is not None:
            self._scoreboard.enter(attempt, where)
        return current

    def conclude(
        self, result: ExecutionResult, attempt: Attempt, handler: Handler, max_attempts: int
    ) -> None:
        """Hand over what became of the attempt, unless it is concluded already."""
        attempt.has_ended = True
        if not attempt.concluded:
            self._finalizer.conclude(result, attempt, handler, max_attempts)

    async def end(self, ctx: dict[Any, Any]) -> None:
        """Call the hook that comes after the handler, and before the outcome."""
        if self._hooks.on_job_end:
            await _contained(self._hooks.on_job_end, ctx)

    async def finish(self, ctx: dict[Any, Any]) -> None:
        """Call the last hook."""
        if self._hooks.after_job_end:
            await _contained(self._hooks.after_job_end, ctx)

    def _put_off(self, attempt: Attempt, error: Exception) -> None:
        """Release an attempt that could not begin for want of something; raises other errors."""
        if isinstance(error, Shortage):
            self.attempts.stall(attempt)
        if attempt.state is State.RUNNING or not is_shortage(error):
            raise error
        self._places.note_shortage(error)
        self._finalizer.put_off(attempt, _AGAIN)

    def can_isolate(self, attempt: Attempt) -> bool:
        """Tell whether a job can run in a process of its own."""
        try:
            handler = self._registry.find(attempt.name)
        except UnknownJob:
            return False
        return not handler.takes_ctx and not self._hooked and importable(handler)


def _forget_cancellations() -> None:
    """Forget cancellations of this task: they were the job's, and hooks are not cancelled by them.

    Before Python 3.11.3 nothing that uses `asyncio.timeout` works in a task that is cancelled.
    """
    task = asyncio.current_task()
    while task and task.cancelling():
        task.uncancel()


async def _contained(hook: Hook, ctx: dict[Any, Any]) -> None:
    """Call a hook; what it raises is logged, and does not affect its job."""
    try:
        await hook(ctx)
    except Exception:
        logger.exception("a hook raised; its job is not affected")
    except asyncio.CancelledError:
        task = asyncio.current_task()
        if task and task.cancelling():
            raise
        logger.exception("a hook cancelled itself; its job is not affected")


def _current(attempt: Attempt, worker: str) -> CurrentJob:
    return CurrentJob(
        attempt.job_id,
        attempt.batch,
        attempt.slot,
        attempt.name,
        attempt.number,
        attempt.limit,
        attempt.deadline,
        attempt.tell,
        worker,
    )
