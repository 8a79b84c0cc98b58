"""One attempt: resolve, run under its deadline, decide, hand over."""

import asyncio
import logging
import os
from collections.abc import Iterator
from time import monotonic
from typing import Any

from gatherq_worker.attempt import Attempt
from gatherq_worker.context import CurrentJob, set_current
from gatherq_worker.execution.capacity import Place, Places
from gatherq_worker.execution.loop import Bound, Hook, after, in_loop
from gatherq_worker.execution.processes import JobProcess, Processes
from gatherq_worker.execution.result import ExecutionResult
from gatherq_worker.execution.shortage import is_shortage, out_of_descriptors
from gatherq_worker.execution.threads import Threads
from gatherq_worker.ipc.execution_table import Where
from gatherq_worker.ipc.scoreboard import Scoreboard
from gatherq_worker.registry import Handler, Registry, UnknownJob, importable

from .conclusion import verdicts
from .conclusion.deadlines import Limit, tightest, to_begin
from .conclusion.finalizer import Finalizer
from .conclusion.retry_policy import exhausted
from .options import EngineOptions
from .redis_clock import RedisClock

logger = logging.getLogger("gatherq.worker")

#: Threads, and least number of processes, that jobs run in at a time.
_THREADS, _PROCESSES = 32, 4
#: Processes beside these, for jobs that died before.
_APART = 2
#: Seconds after which what could not begin here is looked at again, by whom it may be.
_AGAIN = 1.0
#: Seconds after which a shortage that goes on is worth another line.
_WORTH_A_LINE = 10.0
#: Seconds without a descriptor for isolated jobs, after which a process is not used any longer.
_STARVED = 5.0


class _Late(Exception):
    """An attempt waited for its place until a limit had passed."""

    def __init__(self, limit: Limit) -> None:
        self.limit = limit


class Executor:
    """Runs attempts; whatever their code does stays inside."""

    def __init__(
        self,
        handlers: Registry,
        policy: EngineOptions,
        settler: Finalizer,
        contact: RedisClock,
        page: Scoreboard | None = None,
    ) -> None:
        self._handlers, self._policy = handlers, policy
        self._settler, self._contact, self._page = settler, contact, page
        self._write = settler.writer
        self._threads = Threads(_THREADS, self._write)
        self._processes = Processes(max(os.cpu_count() or 1, _PROCESSES))
        self._apart = Processes(_APART)
        self._limits: dict[str, Places] = {}
        self._hooked = policy.hooked
        #: When a shortage was last spoken of.
        self._warned = -_WORTH_A_LINE
        #: Since when jobs are given back because this process has no descriptor left.
        self._short: float | None = None

    async def run(self, attempt: Attempt) -> None:
        """See one attempt through; never raises but for its own cancellation."""
        attempt.started = self._contact.now()
        if attempt.cancelled_by:  # before it could begin
            self._settler.not_run(verdicts.cancelled(attempt.cancelled_by), attempt)
            return
        try:
            handler, call = self._resolve(attempt)
        except MemoryError as error:
            self._put_off(attempt, error)
            return
        except KeyboardInterrupt:
            raise
        except BaseException as error:  # of the validators of an argument, which do not wait
            self._settler.refuse(attempt, error)
            return
        most = handler.most(self._policy.max_attempts)
        most += attempt.job.base if attempt.job else 0
        if attempt.job_try > most and exhausted(attempt, most):
            died = attempt.number - 1
            verdict = verdicts.lost(died) if died else verdicts.retries_exceeded(most)
            self._settler.not_run(verdict, attempt, handler)
            return
        try:
            await self._run(attempt, handler, call, most)
        except _Late as late:
            verdict = verdicts.timed_out(late.limit.which, late.limit.named or 0.0)
            self._settler.not_run(verdict, attempt, handler)
        except Exception as error:
            if attempt.begun or not is_shortage(error):
                raise
            self._put_off(attempt, error)
        finally:
            attempt.free()

    async def _run(self, attempt: Attempt, handler: Handler, call: Bound, most: int) -> None:
        """Execute it where it belongs once there is room, and settle what follows."""
        room = self._room(attempt, handler)
        place = None
        if room is not None or handler.concurrency is not None:
            place = await self._take_places(attempt, handler, room)
            attempt.started = self._contact.now()
        ctx = self._policy.make_ctx(attempt) if handler.takes_ctx or self._hooked else {}
        self._policy.watch.started(attempt, attempt.started or 0)
        try:
            ending = await self._execute(attempt, handler, call, ctx, room, place)
            ending.limit, ending.which = attempt.limit, attempt.which
            ending.cancelled_by = attempt.cancelled_by
            _answered()
            if self._policy.on_job_end:
                await _contained(self._policy.on_job_end, ctx)
            if not attempt.settled:  # else it is released, or recorded
                self._settler.settle(ending, attempt, most, handler)
        finally:  # what a hook opened, another closes
            if self._policy.after_job_end:
                await _contained(self._policy.after_job_end, ctx)

    async def _take_places(
        self, attempt: Attempt, handler: Handler, room: Processes | Threads | None
    ) -> Place | None:
        """Wait for what it needs to run, as long as its limits let it; return the last of it."""
        limit = to_begin(attempt, self._contact.now())
        try:
            async with asyncio.timeout(limit and limit.seconds) as waiting:
                if handler.concurrency is not None:
                    if handler.name not in self._limits:
                        self._limits[handler.name] = Places(handler.concurrency)
                    attempt.places = (await self._limits[handler.name].take(),)
                if room is not None:
                    place = await room.take(handler)
                    self._short = None
                    attempt.places = (*attempt.places, place)
        except TimeoutError:
            if limit is None or not waiting.expired():
                raise
            raise _Late(limit) from None
        return attempt.places[-1]

    def _room(self, attempt: Attempt, handler: Handler) -> Processes | Threads | None:
        """Choose what it runs in; None for the loop."""
        if handler.isolation == "process":
            return self._processes
        if attempt.isolated:
            return self._apart
        return self._threads if handler.isolation == "thread" else None

    def _put_off(self, attempt: Attempt, error: Exception) -> None:
        """Give back what cannot begin here just now, and say so once in a while."""
        if self._short is None and out_of_descriptors(error):
            self._short = monotonic()
        if monotonic() - self._warned > _WORTH_A_LINE:
            self._warned = monotonic()
            said = f"{type(error).__name__}: {error}"
            logger.warning("this worker is short of something, jobs wait for others: %s", said)
        self._settler.put_off(attempt, _AGAIN)

    @property
    def starved(self) -> bool:
        """Whether jobs have long waited for a descriptor that this process will not have."""
        return self._short is not None and monotonic() - self._short >= _STARVED

    @property
    def abandoned(self) -> int:
        """How many threads do not end although their time is over."""
        return self._threads.abandoned

    def close(self) -> None:
        """Kill what runs outside of the loop; may be called from any thread."""
        self._processes.close()
        self._apart.close()

    def stop(self) -> None:
        """End what runs outside of the loop, and let go of what is kept for it."""
        self._processes.stop()
        self._apart.stop()

    @property
    def room_apart(self) -> int:
        """How many suspects could begin at once, in processes of their own."""
        return self._apart.left

    def descriptors(self) -> Iterator[int]:
        """Name what forks of this worker must not keep open."""
        yield from self._processes.descriptors()
        yield from self._apart.descriptors()

    def can_isolate(self, attempt: Attempt) -> bool:
        """Tell whether a job can run in a process of its own."""
        try:
            handler = self._handlers.find(attempt.name)
        except UnknownJob:
            return False
        return not handler.takes_ctx and not self._hooked and importable(handler)

    def _limit(self, attempt: Attempt, handler: Handler) -> None:
        """Set the deadlines of an attempt."""
        own = (attempt.job.timeout if attempt.job else None) or handler.timeout
        own = self._policy.timeout if own is None else own
        seconds = attempt.limit = own
        if attempt.batch_deadline is not None:
            limit = tightest(own, attempt.batch_deadline, self._contact.now())
            seconds, attempt.which, attempt.limit = limit
        attempt.grace = self._policy.grace if handler.grace is None else handler.grace
        if seconds is not None:
            attempt.deadline = monotonic() + seconds
            attempt.overdue = attempt.deadline + attempt.grace

    def _resolve(self, attempt: Attempt) -> tuple[Handler, Bound]:
        """Find the handler and bind the arguments."""
        job = attempt.job
        if job is None:
            raise LookupError(attempt.problem)
        handler = self._handlers.find(job.name)
        if handler.takes_ctx:
            return handler, lambda ctx: handler.function(ctx, *job.args, **job.kwargs)
        attempt.prepare = handler.encode
        args, kwargs = handler.bind(job.args, job.kwargs)
        return handler, lambda ctx: handler.function(*args, **kwargs)

    async def _execute(
        self,
        attempt: Attempt,
        handler: Handler,
        call: Bound,
        ctx: dict[Any, Any],
        room: Processes | Threads | None,
        place: Place | None,
    ) -> ExecutionResult:
        """Run the handler in its room, under its deadline."""
        hook, page = self._policy.on_job_start, self._page
        if hook and room is not None:
            await _contained(hook, ctx)

        def begin(where: Where) -> CurrentJob:
            attempt.isolated = room is not None
            self._limit(attempt, handler)
            current = _current(attempt)
            set_current(current)
            attempt.begun = True
            if page is not None:
                page.enter(attempt, where)
            return current

        try:
            if room is None:
                begin("loop")
                run = after(hook, call, ctx) if hook else lambda: call(ctx)
                return await in_loop(attempt, run, page, self._write)
            if isinstance(room, Threads):
                return await room.run(attempt, lambda: begin("thread"), lambda: call(ctx))
            assert isinstance(place, JobProcess)
            return await room.run(place, attempt, handler, lambda: begin("process"))
        finally:
            # What has begun stays in the page until its outcome is in Redis: what it left behind
            # may still take this process down.
            if page is not None and not attempt.begun:
                page.leave(attempt)


def _answered() -> None:
    """Forget cancellations of this task: they were the job's, and hooks are not cancelled by them.

    Before Python 3.11.3 nothing that uses `asyncio.timeout` works in a task that is cancelled.
    """
    task = asyncio.current_task()
    while task and task.cancelling():
        task.uncancel()


async def _contained(hook: Hook, ctx: dict[Any, Any]) -> None:
    try:
        await hook(ctx)
    except Exception:
        logger.exception("a hook raised; its job is not affected")
    except asyncio.CancelledError:
        task = asyncio.current_task()
        if task and task.cancelling():
            raise
        logger.exception("a hook cancelled itself; its job is not affected")


def _current(attempt: Attempt) -> CurrentJob:
    return CurrentJob(
        attempt.job_id,
        attempt.batch,
        attempt.slot,
        attempt.name,
        attempt.number,
        attempt.limit,
        attempt.deadline,
    )
