"""One attempt: resolve, run under its deadline, decide, hand over."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from time import monotonic
from typing import Any

from gatherq.wire import Times, Verdict

from . import decide
from .attempt import Attempt
from .contact import Contact
from .context import CurrentJob, set_current
from .decide import Ending
from .handlers import Handler, Handlers, UnknownJob
from .limit import tightest
from .record import Recorder
from .store import Reader, Record, Release
from .watch import Watch

logger = logging.getLogger("gatherq.worker")

#: Writes the result of a job whose producer reads another format than ours.
Writer = Callable[[Verdict, Attempt, Times], tuple[Verdict, bytes]]
Hook = Callable[[dict[Any, Any]], Awaitable[Any]]


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
    ) -> None:
        self._handlers, self._policy = handlers, policy
        self._recorder, self._contact = recorder, contact
        self._worker, self._queue = worker, queue
        self._hooked = bool(policy.on_job_start or policy.on_job_end or policy.after_job_end)

    async def run(self, attempt: Attempt) -> None:
        """See one attempt through; never raises but for its own cancellation."""
        started = self._contact.now()
        if attempt.cancelled_by:  # before it could begin
            self._hand_over(decide.cancelled(attempt.cancelled_by), attempt, Times(None, started))
            return
        try:
            handler, call = self._resolve(attempt)
        except (UnknownJob, TypeError, LookupError) as error:
            self._refuse(attempt, error)
            return
        most = handler.max_attempts or self._policy.max_attempts
        most += attempt.job.base if attempt.job else 0
        if attempt.job_try > most:
            times = Times(None, self._contact.now())
            died = attempt.number - 1
            verdict = decide.lost(died) if died else decide.retries_exceeded(most)
            self._hand_over(verdict, attempt, times, handler)
            return
        ctx = self._policy.make_ctx(attempt) if handler.takes_ctx or self._hooked else {}
        self._policy.watch.started(attempt, started)
        try:
            ending = await self._execute(attempt, handler, call, ctx)
        except asyncio.CancelledError:  # what a hook opened, another closes
            await _contained(self._policy.on_job_end, ctx)
            await _contained(self._policy.after_job_end, ctx)
            raise
        times = Times(started, self._contact.now())
        await _contained(self._policy.on_job_end, ctx)
        delay = self._retry_delay(ending, handler)
        if delay is not None and ending.error:
            self._policy.watch.retrying(attempt, ending.error, delay, times)
        if delay is not None and attempt.job_try < most:
            attempt.given_back = True
            self._recorder.give_back(Release(attempt, delay, charge=True))
        else:
            attempt.raised = ending.error
            verdict = decide.verdict(ending) if delay is None else decide.retries_exceeded(most)
            self._hand_over(verdict, attempt, times, handler)
        await _contained(self._policy.after_job_end, ctx)

    def _retry_delay(self, ending: Ending, handler: Handler) -> float | None:
        """Return the seconds after which to run again, or None for an end."""
        if ending.error is None or ending.expired or ending.cancelled_by:
            return None
        if isinstance(ending.error, asyncio.CancelledError) and not handler.takes_ctx:
            return None  # arq runs a function that cancels itself again; a job is then cancelled
        return self._policy.retry_delay(ending.error)

    def cut_short(self, attempt: Attempt, error: BaseException | None = None) -> None:
        """Hand over what `run` could not: it was cancelled, or failed by a fault of ours."""
        if attempt.handed_over or attempt.given_back or not (error or attempt.cancelled_by):
            return  # the attempt is released, or another worker's
        times = Times(None, self._contact.now())
        ending = Ending(error=error, cancelled_by=attempt.cancelled_by)
        self._hand_over(decide.verdict(ending), attempt, times)

    def _resolve(self, attempt: Attempt) -> tuple[Handler, Callable[..., Awaitable[Any]]]:
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
        self,
        attempt: Attempt,
        handler: Handler,
        call: Callable[..., Awaitable[Any]],
        ctx: dict[Any, Any],
    ) -> Ending:
        """Run the handler under its deadline, and say how it ended."""
        own = (attempt.job.timeout if attempt.job else None) or handler.timeout
        own = self._policy.timeout if own is None else own
        limit = tightest(own, attempt, self._contact.now())
        ending = Ending(limit=limit.named, which=limit.which)
        set_current(_current(attempt, limit.seconds))
        deadline = asyncio.timeout(limit.seconds)
        try:
            if self._policy.on_job_start:
                await self._policy.on_job_start(ctx)
            async with deadline:
                ending.value = await call(ctx)
        except BaseException as error:
            task = asyncio.current_task()
            if task and task.cancelling() and not attempt.cancelled_by:
                raise  # the worker wants the attempt gone: it shuts down, or lost the lease
            ending.error = error
        ending.expired = deadline.expired()
        ending.cancelled_by = attempt.cancelled_by
        return ending

    def _refuse(self, attempt: Attempt, error: Exception) -> None:
        kind = type(error).__name__ if not isinstance(error, LookupError) else "UnknownJob"
        kind = kind if attempt.job else "UnreadableJob"
        self._policy.watch.refused(attempt, error)
        times = Times(None, self._contact.now())
        self._hand_over(decide.failed(kind, str(error)), attempt, times)

    def _hand_over(
        self, verdict: Verdict, attempt: Attempt, times: Times, handler: Handler | None = None
    ) -> None:
        attempt.handed_over = True
        if attempt.foreign and self._policy.write:
            verdict, payload = self._policy.write(verdict, attempt, times)
        else:
            verdict, payload = decide.written(verdict, attempt, times, self._worker, self._queue)
        keep = handler.keep if handler and handler.keep is not None else self._policy.keep
        self._policy.watch.ended(attempt, verdict, times)
        mark = handler.mark if handler else 0.0
        self._recorder.put(Record(attempt, verdict.status, payload, keep, mark))


async def _contained(hook: Hook | None, ctx: dict[Any, Any]) -> None:
    if hook is None:
        return
    try:
        await hook(ctx)
    except Exception:
        logger.exception("a hook raised; its job is not affected")
    except asyncio.CancelledError:
        task = asyncio.current_task()
        if task and task.cancelling():
            raise
        logger.exception("a hook cancelled itself; its job is not affected")


def _current(attempt: Attempt, limit: float | None) -> CurrentJob:
    return CurrentJob(
        attempt.job_id,
        attempt.batch,
        attempt.job.slot if attempt.job else 0,
        attempt.name,
        attempt.number,
        limit,
        None if limit is None else monotonic() + limit,
    )
