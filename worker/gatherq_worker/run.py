"""One attempt: resolve, run under its deadline, decide, hand over."""

import asyncio
import logging
import os
from collections.abc import Callable
from dataclasses import dataclass, field
from time import monotonic
from typing import Any

from gatherq.codec import encode
from gatherq.remote import ErrorInfo
from gatherq.wire import Times, Verdict, encode_attempt

from . import decide
from .attempt import Attempt
from .contact import Contact
from .context import CurrentJob, set_current
from .decide import Ending
from .execute import Bound, Hook, after, in_loop
from .handlers import Handler, Handlers, UnknownJob, importable
from .limit import tightest
from .page import Page
from .processes import Died, Processes
from .record import Recorder
from .retries import delay_after, exhausted
from .store import Reader, Record, Release
from .threads import Threads
from .watch import Watch

logger = logging.getLogger("gatherq.worker")

#: Writes the result of a job whose producer reads another format than ours.
Writer = Callable[[Verdict, Attempt, Times], tuple[Verdict, bytes]]
#: Threads, and least number of processes, that jobs run in at a time.
_THREADS, _PROCESSES = 32, 4


@dataclass(frozen=True, slots=True)
class Policy:
    """What holds where a job or its handler says nothing; arq's settings."""

    timeout: float | None = 300.0
    max_attempts: int = 2
    #: Seconds to keep the result of a job without a batch; None for ever.
    keep: float | None = 3600.0
    #: Asked of an exception: the delay in seconds after which to run again, or None.
    retry_delay: Callable[[BaseException], float | None] = lambda error: None
    make_ctx: Callable[[Attempt], dict[Any, Any]] = lambda attempt: {}
    #: Whether what still runs when the worker stops may be run again; else it is cancelled.
    release: bool = True
    #: Whether arq's `Job.abort()` is obeyed.
    abortable: bool = False
    read: Reader = Attempt.read
    write: Writer | None = None
    watch: Watch = field(default_factory=Watch)
    on_job_start: Hook | None = None
    on_job_end: Hook | None = None
    after_job_end: Hook | None = None
    #: Seconds that cleaning up may take after the timeout.
    grace: float = 0.5


class Runner:
    """Runs attempts; whatever their code does stays inside."""

    def __init__(
        self,
        handlers: Handlers,
        policy: Policy,
        recorder: Recorder,
        contact: Contact,
        worker: str,
        queue: str,
        page: Page | None = None,
    ) -> None:
        self._handlers, self._policy = handlers, policy
        self._recorder, self._contact = recorder, contact
        self._worker, self._queue, self._page = worker, queue, page
        self._threads = Threads(_THREADS)
        self._processes = Processes(max(os.cpu_count() or 1, _PROCESSES))
        self._limits: dict[str, asyncio.Semaphore] = {}
        self._hooked = bool(policy.on_job_start or policy.on_job_end or policy.after_job_end)

    async def run(self, attempt: Attempt) -> None:
        """See one attempt through; never raises but for its own cancellation."""
        attempt.started = started = self._contact.now()
        if attempt.cancelled_by:  # before it could begin
            self._hand_over(decide.cancelled(attempt.cancelled_by), attempt, Times(None, started))
            return
        try:
            handler, call = self._resolve(attempt)
        except Exception as error:
            self._refuse(attempt, error)
            return
        most = handler.most(self._policy.max_attempts)
        most += attempt.job.base if attempt.job else 0
        if attempt.job_try > most and exhausted(attempt, most):
            times = Times(None, self._contact.now())
            died = attempt.number - 1
            verdict = decide.lost(died) if died else decide.retries_exceeded(most)
            self._hand_over(verdict, attempt, times, handler)
            return
        ctx = self._policy.make_ctx(attempt) if handler.takes_ctx or self._hooked else {}
        self._policy.watch.started(attempt, started)
        try:
            ending = await self._run(attempt, handler, call, ctx)
            if self._policy.on_job_end:
                await _contained(self._policy.on_job_end, ctx)
            if not (attempt.dropped or attempt.handed_over):  # else it is released, or recorded
                self._settle(ending, attempt, most, handler)
        finally:  # what a hook opened, another closes
            if self._policy.after_job_end:
                await _contained(self._policy.after_job_end, ctx)

    async def _run(
        self, attempt: Attempt, handler: Handler, call: Bound, ctx: dict[Any, Any]
    ) -> Ending:
        """Execute, within what the function allows at a time."""
        if handler.concurrency is None:
            ending = await self._execute(attempt, handler, call, ctx)
        else:
            free = self._limits.setdefault(handler.name, asyncio.Semaphore(handler.concurrency))
            async with free:
                attempt.started = self._contact.now()
                ending = await self._execute(attempt, handler, call, ctx)
        ending.limit, ending.which = attempt.limit, attempt.which
        ending.cancelled_by = attempt.cancelled_by
        return ending

    def _settle(self, ending: Ending, attempt: Attempt, most: int, handler: Handler) -> None:
        """Give the attempt back to be followed by another, or hand over what became of it."""
        times = Times(attempt.started, self._contact.now())
        if ending.error is None and not ending.expired:  # the common case
            self._hand_over(decide.verdict(ending), attempt, times, handler)
            return
        if isinstance(ending.error, Died) and not ending.expired:
            self._died(str(ending.error), attempt, most, handler, times)
            return
        asked = self._asked(ending, handler)
        delay = delay_after(ending, attempt, most, handler.rules, lambda error: asked)
        told = asked if delay is None else delay
        if told is not None:
            error = ending.error or TimeoutError()
            self._policy.watch.retrying(attempt, error, told, times)
        if delay is not None:
            self._give_back(ending, attempt, delay, times)
            return
        attempt.raised = ending.error
        verdict = decide.verdict(ending) if asked is None else decide.retries_exceeded(most)
        self._hand_over(verdict, attempt, times, handler)

    def _asked(self, ending: Ending, handler: Handler) -> float | None:
        """Return the seconds after which an error of arq's asks to run again, or None."""
        if ending.error is None or ending.expired or ending.cancelled_by:
            return None
        if isinstance(ending.error, asyncio.CancelledError) and not handler.takes_ctx:
            return None  # arq runs a function that cancels itself again; a job is then cancelled
        return self._policy.retry_delay(ending.error)

    def cut_short(self, attempt: Attempt, error: BaseException | None = None) -> None:
        """Hand over what `run` could not: it was cancelled, or failed by a fault of ours."""
        if attempt.handed_over or attempt.dropped or attempt.given_back:
            return
        times = Times(None, self._contact.now())
        error = error or asyncio.CancelledError()
        ending = Ending(error=error, cancelled_by=attempt.cancelled_by)
        self._hand_over(decide.verdict(ending), attempt, times)

    def time_out(self, attempt: Attempt) -> Record | None:
        """Make the outcome of an attempt that does not end when asked to; None if it has one."""
        if attempt.handed_over or attempt.dropped or attempt.given_back:
            return None
        attempt.handed_over = True
        times = Times(attempt.started, self._contact.now())
        by = attempt.cancelled_by
        verdict = decide.cancelled(by) if by else _timed_out(attempt)
        return self._record(verdict, attempt, times)

    @property
    def abandoned(self) -> int:
        """How many threads do not end although their time is over."""
        return self._threads.abandoned

    def close(self) -> None:
        """End what runs outside of the loop."""
        self._processes.close()

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
        args, kwargs = handler.bind(job.args, job.kwargs)
        return handler, lambda ctx: handler.function(*args, **kwargs)

    async def _execute(
        self, attempt: Attempt, handler: Handler, call: Bound, ctx: dict[Any, Any]
    ) -> Ending:
        """Run the handler where it belongs, under its deadline."""
        if handler.isolation == "loop" and not attempt.isolated:
            self._limit(attempt, handler)
            set_current(_current(attempt))
            hook = self._policy.on_job_start
            run = after(hook, call, ctx) if hook else lambda: call(ctx)
            return await in_loop(attempt, run, self._page)
        if self._policy.on_job_start:
            await _contained(self._policy.on_job_start, ctx)

        def begin() -> CurrentJob:
            attempt.started = self._contact.now()
            self._limit(attempt, handler)
            current = _current(attempt)
            set_current(current)
            return current

        apart = handler.isolation == "process" or attempt.isolated
        attempt.isolated = True
        if apart:
            return await self._processes.run(attempt, handler, begin)
        return await self._threads.run(attempt, begin, lambda: call(ctx))

    def _died(self, how: str, attempt: Attempt, most: int, handler: Handler, times: Times) -> None:
        """Give back a job whose own process died, or give it up."""
        error = ErrorInfo(type="WorkerDied", message=how)
        entry = encode_attempt(attempt.number, self._worker, "died", error, times)
        if attempt.number < most:
            self._recorder.give_back(Release(attempt, charge=True, entry=entry))
            attempt.given_back = True
        else:
            attempt.remember([*map(encode, attempt.history), entry])
            self._hand_over(decide.lost(attempt.number), attempt, times, handler)

    def _give_back(self, ending: Ending, attempt: Attempt, delay: float, times: Times) -> None:
        verdict = decide.verdict(ending)
        error = verdict.fields.get("error") or decide.info(verdict)
        status = "timed_out" if ending.expired else "failed"
        entry = encode_attempt(attempt.number, self._worker, status, error, times)
        attempt.given_back = True
        self._recorder.give_back(Release(attempt, delay, charge=True, entry=entry))

    def _refuse(self, attempt: Attempt, error: Exception) -> None:
        kind = "UnknownJob" if isinstance(error, UnknownJob) else type(error).__name__
        kind = kind if attempt.job else "UnreadableJob"
        self._policy.watch.refused(attempt, error)
        times = Times(None, self._contact.now())
        self._hand_over(decide.failed(kind, str(error)), attempt, times)

    def _hand_over(
        self, verdict: Verdict, attempt: Attempt, times: Times, handler: Handler | None = None
    ) -> None:
        attempt.handed_over = True
        self._recorder.put(self._record(verdict, attempt, times, handler))

    def _record(
        self, verdict: Verdict, attempt: Attempt, times: Times, handler: Handler | None = None
    ) -> Record:
        if attempt.foreign and self._policy.write:
            verdict, payload = self._policy.write(verdict, attempt, times)
        else:
            verdict, payload = decide.written(verdict, attempt, times, self._worker, self._queue)
        keep = handler.keep if handler and handler.keep is not None else self._policy.keep
        self._policy.watch.ended(attempt, verdict, times)
        mark = handler.mark if handler else 0.0
        return Record(attempt, verdict.status, payload, keep, mark)


def _timed_out(attempt: Attempt) -> Verdict:
    return decide.timed_out(attempt.which, attempt.limit or 0.0)


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
        attempt.job.slot if attempt.job else 0,
        attempt.name,
        attempt.number,
        attempt.limit,
        attempt.deadline,
    )
